import keras
import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure
from small_generators import linear, smooth

from keras_bp.callbacks.spectrum_monitor import SpectrumMonitor, report_of
from keras_bp.spectral import spectrum

RNG = np.random.default_rng(0)
Z = np.random.default_rng(1).normal(size=(5, 3)).astype("float32")
NAMES = ("largest", "smallest", "condition", "effective_rank", "log_det")


def fit(model, callback, epochs=3, **arguments):
    model.compile(keras.optimizers.SGD(0.1), "mse")
    targets = np.ones((len(Z), model.output_shape[-1]), "float32")
    return model.fit(
        Z,
        targets,
        epochs=epochs,
        verbose=0,
        callbacks=[callback],
        **arguments,
    ).history


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A model, its monitor, the logs, and the folder that was written to."""
    folder = tmp_path_factory.mktemp("spectra")
    model = smooth(3, 6)
    monitor = SpectrumMonitor(
        Z, path=folder / "a" / "spectra.png", log_dir=folder / "log"
    )
    return model, monitor, fit(model, monitor), folder


def test_logs_are_their_formulas_after_each_epoch(watched):
    model, monitor, history, _ = watched
    assert [epoch for epoch, _ in monitor.reports] == [0, 1, 2]
    squares = np.asarray(spectrum(model, Z), "float64")
    values = np.sqrt(squares)
    shares = values / values.sum(axis=1, keepdims=True)
    ranks = np.exp(-np.sum(shares * np.log(shares), axis=1))
    wanted = {
        "largest": squares[:, 0].mean(),
        "smallest": squares[:, -1].mean(),
        "condition": np.exp(np.log(values[:, 0] / values[:, -1]).mean()),
        "effective_rank": ranks.mean(),
        "log_det": np.log(squares).sum(axis=1).mean(),
    }
    for name in NAMES:
        found = history[f"spectrum/{name}"]
        assert len(set(found)) == 3
        np.testing.assert_allclose(found[-1], wanted[name], rtol=1e-5)
    np.testing.assert_allclose(
        monitor.reports[-1][1].singular_values, values, rtol=1e-5
    )


def test_the_effective_rank_is_that_of_the_shares():
    report = report_of(np.array([[4.0, 4.0, 4.0], [9.0, 0.0, -1e-9]]))
    assert report.effective_rank == pytest.approx((3 + 1) / 2)
    assert report.condition == np.inf and report.log_det == -np.inf
    assert report.largest == 6.5 and report.smallest == 2.0


def test_the_model_may_be_a_part_of_the_one_that_is_trained():
    decoder = linear(np.eye(6, 3))
    model = keras.Sequential([keras.Input((3,)), decoder])
    wanted = None
    for given in (decoder, lambda trained: trained.layers[-1]):
        monitor = SpectrumMonitor(Z, given, every=2)
        history = fit(model, monitor, 4)
        assert len(history["spectrum/log_det"]) == 2
        assert [epoch for epoch, _ in monitor.reports] == [1, 3]
        squares = np.asarray(spectrum(decoder, Z), "float64")
        wanted = np.log(squares).sum(axis=1).mean()
        found = history["spectrum/log_det"][-1]
        np.testing.assert_allclose(found, wanted, rtol=1e-4)
    with pytest.raises(TypeError, match="`model` to return a keras.Model"):
        fit(model, SpectrumMonitor(Z, lambda trained: "decoder"), 1)


def test_the_model_is_left_as_it_is():
    def trained(callbacks):
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [
                keras.Input((3,)),
                keras.layers.Dense(6),
                keras.layers.BatchNormalization(),
                keras.layers.Dropout(0.5, seed=1),
            ]
        )
        model.compile("sgd", "mse")
        model.fit(Z, np.ones((5, 6)), epochs=2, verbose=0, callbacks=callbacks)
        return model.get_weights()

    for a, b in zip(trained([]), trained([SpectrumMonitor(Z)]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_second_fit_measures_its_own_model():
    monitor = SpectrumMonitor(Z)
    fit(linear(np.eye(4, 3)), monitor, 1)
    history = fit(linear(2 * np.eye(4, 3)), monitor, 1)
    np.testing.assert_allclose(history["spectrum/largest"], 4.0, rtol=0.3)
    assert len(monitor.reports) == 2


def test_spectra_are_drawn_over_epochs(watched):
    _, monitor, history, folder = watched
    path = folder / "a" / "spectra.png"
    assert path.read_bytes()[:4] == b"\x89PNG"
    figure = monitor.plot(Figure())
    ranks, *panels = figure.axes
    assert len(ranks.lines) == 3
    for line, (_, report) in zip(ranks.lines, monitor.reports, strict=True):
        mean = np.exp(np.log(report.singular_values).mean(axis=0))
        np.testing.assert_allclose(line.get_ydata(), mean, rtol=1e-6)
    for axes, name in zip(
        panels, ("condition", "effective_rank", "log_det"), strict=True
    ):
        (line,) = axes.lines
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(
            line.get_ydata(), history[f"spectrum/{name}"]
        )
    with pytest.raises(ValueError, match="SpectrumMonitor.plot expects repor"):
        SpectrumMonitor(Z).plot(Figure())


def test_event_files_hold_the_same_numbers(watched):
    _, _, history, folder = watched
    (path,) = (folder / "log").iterdir()
    events = map(
        tf.compat.v1.Event.FromString,
        tf.data.TFRecordDataset(str(path)).as_numpy_iterator(),
    )
    found = {}
    for event in events:
        for value in event.summary.value:
            assert value.metadata.plugin_data.plugin_name in ("scalars", "")
            number = float(tf.make_ndarray(value.tensor))
            found.setdefault(value.tag, []).append((event.step, number))
    assert set(found) == {f"spectrum/{name}" for name in NAMES}
    for tag, pairs in found.items():
        assert [step for step, _ in pairs] == [1, 2, 3]
        np.testing.assert_allclose(
            [number for _, number in pairs], history[tag], rtol=1e-6
        )


def test_bad_arguments_are_refused():
    for arguments in ({"every": 0}, {"chunk": 0}):
        (name,) = arguments
        with pytest.raises(
            ValueError, match=f"SpectrumMonitor expects `{name}"
        ):
            SpectrumMonitor(Z, **arguments)
    with pytest.raises(TypeError, match="SpectrumMonitor expects `model`"):
        SpectrumMonitor(Z, "decoder")
