import keras
import numpy as np
import pytest

from keras_bp.callbacks import LagrangianDiagnostics
from keras_bp.training import LagrangianModel


@pytest.fixture(scope="module")
def fitted():
    keras.utils.set_random_seed(0)
    net = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(5, activation="tanh", name="hidden"),
            keras.layers.Dense(3),
        ]
    )
    model = LagrangianModel(net, inner_steps=40)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss=loss)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4)).astype("float32"), np.arange(8) % 3
    callback = LagrangianDiagnostics(x, y, every=2)
    logs = model.fit(
        x, y, epochs=4, batch_size=8, verbose=0, callbacks=[callback]
    ).history
    return model, callback, logs


def test_the_logs_tell_layers_and_the_model_in_some_epochs(fitted):
    model, callback, logs = fitted
    assert [epoch for epoch, _ in callback.reports] == [1, 3]
    assert len(logs["residual_mean/hidden"]) == 2
    # Enough inner steps: what is local is what backpropagation finds.
    assert logs["cosine/hidden"][-1] == pytest.approx(1, abs=1e-3)
    found = model.lagrangian_diagnostics(callback.x, callback.y)
    total = found["total"]
    assert logs["lagrangian/forward_loss"][-1] == pytest.approx(
        total["forward_loss"], rel=1e-5
    )
    plain = model.evaluate(callback.x, callback.y, verbose=0)
    assert total["forward_loss"] == pytest.approx(plain, rel=1e-5)
    gap = total["relaxed_accuracy"] - total["forward_accuracy"]
    assert logs["lagrangian/accuracy_gap"][-1] == pytest.approx(gap)


def test_all_of_it_is_drawn(fitted, tmp_path):
    _, callback, _ = fitted
    figure = callback.plot(tmp_path / "all.png")
    titles = [axes.get_title() for axes in figure.axes]
    assert "cosine with backpropagation" in titles and len(titles) == 8
    assert all(axes.lines for axes in figure.axes)
    assert (tmp_path / "all.png").stat().st_size > 10_000


def test_without_reports_nothing_is_drawn():
    with pytest.raises(ValueError, match="fit a model"):
        LagrangianDiagnostics(np.ones(1), np.ones(1)).plot()


def test_epochs_are_whole_numbers():
    with pytest.raises(ValueError, match="every"):
        LagrangianDiagnostics(np.ones(1), np.ones(1), every=0)


def test_only_lagrangian_models_have_diagnostics():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback = LagrangianDiagnostics(np.ones((1, 1)), np.ones((1, 1)))
    with pytest.raises(TypeError, match="LagrangianModel"):
        model.fit(callback.x, callback.y, verbose=0, callbacks=[callback])


def test_a_single_output_has_no_largest_one_and_no_accuracy():
    net = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, activation="tanh"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model = LagrangianModel(net)
    model.compile("sgd", loss="binary_crossentropy")
    x, y = np.ones((6, 4), "float32"), np.arange(6) % 2
    for labels in (y, y[:, None]):
        total = model.lagrangian_diagnostics(x, labels)["total"]
        assert not {"forward_accuracy", "relaxed_accuracy"} & set(total)
