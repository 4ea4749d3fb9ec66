import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp.losses import PhaseAlignedError
from keras_bp.metrics import EffectiveSNR
from keras_bp.optics import (
    EDC,
    DBPFormats,
    Equalizer,
    FiberLink,
    FrequencyDomainDBP,
    LearnedDBP,
    TimeDomainDBP,
)

LINK = FiberLink.isit(num_spans=2, launch_power=6.0)
FORMATS = DBPFormats.of(tap_bits=6, signal_bits=10, max_coefficient=0.2)
SIGNED = DBPFormats.of(6, 10, max_coefficient=0.2, signed=True)
MODELS = [
    (Equalizer, {}),
    (EDC, {}),
    (FrequencyDomainDBP, {"steps_per_span": 2, "split": "asymmetric"}),
    (TimeDomainDBP, {"num_taps": 7, "formats": FORMATS}),
    (LearnedDBP, {"num_taps": [5, 7, 5], "split": "symmetric"}),
    (LearnedDBP, {"power_taps": 3, "formats": SIGNED, "method": "taylor2"}),
]
every_model = pytest.mark.parametrize(
    ("cls", "arguments"), MODELS, ids=[cls.__name__ for cls, _ in MODELS]
)


def batch(link, dtype="float32"):
    shape = (3, 32, 2 * link.polarizations)
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


@every_model
@pytest.mark.parametrize("polarizations", [1, 2])
def test_all_share_one_interface(cls, arguments, polarizations):
    link = FiberLink(num_spans=2, polarizations=polarizations)
    model, x = cls(link, **arguments), batch(link)
    y = model(x)
    assert y.shape == (3, 16, 2 * polarizations) and y.dtype == "float32"
    assert model.compute_output_shape(x.shape) == y.shape
    np.testing.assert_array_equal(model(x, training=False), y)
    compiled = tf.function(lambda x: model(x), jit_compile=True)(x)
    # A rounding may fall on the other side.
    limit = 1e-4 if not arguments.get("formats") else 0.05
    np.testing.assert_allclose(compiled, y, rtol=0, atol=limit)


@pytest.mark.slow
@every_model
def test_all_are_saved_and_loaded(cls, arguments, tmp_path):
    model, x = cls(LINK, **arguments), batch(LINK)
    model.compile("adam", PhaseAlignedError(), metrics=[EffectiveSNR()])
    y = model(x)
    if model.trainable_variables:
        model.fit(x, 0.5 * y.numpy(), epochs=2, verbose=0)
        y = model(x)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), y)
    assert again.link == LINK and again.get_config() == model.get_config()
    found = again.evaluate(x, y.numpy(), verbose=0, return_dict=True)
    assert found["effective_snr"] > 60


@every_model
def test_all_compute_in_float64_where_asked(cls, arguments):
    half = cls(LINK, **arguments, dtype="mixed_float16")
    np.testing.assert_array_equal(
        half(batch(LINK)), cls(LINK, **arguments)(batch(LINK))
    )
    if arguments.get("formats"):
        arguments = arguments | {"formats": None}
    wide = cls(LINK, **arguments, dtype="float64")
    narrow = cls(LINK, **arguments)
    x = batch(LINK, "float64")
    y = wide(x)
    assert y.dtype == "float64"
    error = np.abs(narrow(x).numpy() - y.numpy()).max()
    assert 0 < error < 1e-3


def test_the_matched_filter_returns_the_symbols():
    model = Equalizer(FiberLink(beta_2=0.0))
    symbols = batch(model.link)[:, :16]
    pulse = np.zeros((3, 32), complex)
    pulse[:, ::2] = symbols @ [1, 1j]
    from keras_bp.optics import root_raised_cosine

    signal = np.fft.ifft(np.fft.fft(pulse) * root_raised_cosine(32, 2, 0.1))
    x = np.stack([signal.real, signal.imag], axis=-1)
    np.testing.assert_allclose(model(x), symbols, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((3, 32, 4), r"for a link of 1 polarization.*\(3, 32, 4\)"),
        ((3, 33, 2), "multiple of 2"),
        ((32, 2), r"\(batch, samples, 2\).*multiple of 2\. Received"),
        ((3, 0, 2), "known multiple of 2, for a link of 1"),
    ],
)
def test_other_shapes_raise(shape, words):
    with pytest.raises(ValueError, match=words):
        EDC(LINK)(np.zeros(shape))


def test_another_link_raises():
    for link in (None, "isit", 80.0):
        with pytest.raises(TypeError, match="`link` to be a keras_bp.optics"):
            LearnedDBP(link)
