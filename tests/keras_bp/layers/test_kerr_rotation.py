import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp.layers import KerrRotation
from keras_bp.ops import FixedPoint

RNG = np.random.default_rng(0)
SIGNAL = FixedPoint(10, 7)
FORMATS = {
    "power": FixedPoint(10, 5, signed=False),
    "coefficient": FixedPoint(10, 12, signed=False),
    "phase": FixedPoint(10, 10, signed=False),
    "rotation": FixedPoint(11, 9),
    "output": SIGNAL,
}
WIDE = {
    "power": FixedPoint(16, 11, signed=False),
    "coefficient": FixedPoint(16, 18, signed=False),
    "phase": FixedPoint(16, 16, signed=False),
    "rotation": FixedPoint(16, 14),
    "output": FixedPoint(16, 13),
}


def rounded(exact, shift, form):
    """`exact` / 2^shift, half up, saturated; Python integers inside."""
    exact = np.asarray(exact, object)
    if shift > 0:
        exact = (exact + (1 << (shift - 1))) >> shift
    else:
        exact = exact << -shift
    low, high = form.minimum_integer, form.maximum_integer
    return np.array(
        [min(max(int(v), low), high) for v in exact.ravel()], object
    ).reshape(exact.shape)


def integer_kerr(layer, x, form):
    """docs/fixed_point.md on integers of any size."""
    f = {role: found.fraction_bits for role, found in layer.formats.items()}
    formats = layer.formats
    x = x.astype(object)
    i, q = x[..., 0::2], x[..., 1::2]
    p = rounded(
        (i * i + q * q).sum(-1, keepdims=True),
        2 * form.fraction_bits - f["power"],
        formats["power"],
    )
    half = layer.coefficient_quantizer.to_integers(layer.coefficients)
    c = [int(v) for v in np.concatenate([half, half[-2::-1]])]
    middle = len(c) // 2
    theta = sum(tap * np.roll(p, k - middle, axis=1) for k, tap in enumerate(c))
    shift = f["coefficient"] + f["power"] - f["phase"]
    theta = rounded(theta, shift, formats["phase"])
    cosine, sine = integer_phasor(layer, theta, f, formats["rotation"])
    shift = form.fraction_bits + f["rotation"] - f["output"]
    z = np.stack([i * cosine + q * sine, q * cosine - i * sine], axis=-1)
    return rounded(z.reshape(x.shape), shift, formats["output"])


def integer_phasor(layer, theta, f, form):
    phase, to = f["phase"], f["rotation"]
    if layer.method == "lut":
        drop = layer.formats["phase"].word_length - layer.lut_bits
        address = theta >> drop
        mean = (address * 2**drop + (2**drop - 1) / 2).astype(float)
        return tuple(
            np.floor(part(mean * 2.0**-phase) * 2.0**to + 0.5).astype(int)
            for part in (np.cos, np.sin)
        )
    square = theta * theta
    cosine = rounded((1 << (2 * phase + 1)) - square, 2 * phase + 1 - to, form)
    if layer.method == "taylor2":
        return cosine, rounded(theta, phase - to, form)
    a = rounded(square, 2 * phase - to, form)
    b = rounded(a * 171, 10, form)
    sine = rounded((theta << to) - theta * b, phase, form)
    return cosine, sine


@pytest.mark.parametrize("method", ["taylor2", "taylor3", "lut"])
@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("power_taps", [1, 5])
def test_the_output_equals_integer_arithmetic(
    method, channels, power_taps, compiled
):
    layer = KerrRotation(
        0.04,
        method=method,
        power_taps=power_taps,
        lut_bits=7 if method == "lut" else None,
        signal_format=SIGNAL,
        formats=FORMATS,
    )
    layer.build((None, 50, channels))
    if power_taps > 1:
        layer.set_coefficients([0.004, 0.01, 0.03])
    x = RNG.integers(-512, 512, size=(2, 50, channels))
    z = compiled(lambda x: layer(x))(tf.constant(x * 2.0**-7, "float32"))
    expected = integer_kerr(layer, x, SIGNAL)
    np.testing.assert_array_equal(z * 2.0**7, expected.astype(float))
    assert np.abs(expected - x).max() > 50, "nothing turned"


@pytest.mark.parametrize("method", ["taylor2", "taylor3", "lut"])
def test_wide_numbers_are_exact_in_float64(method):
    form = FixedPoint(16, 13)
    arguments = {
        "method": method,
        "lut_bits": 9 if method == "lut" else None,
        "signal_format": form,
        "formats": WIDE,
    }
    layer = KerrRotation(0.1, **arguments)
    layer.build((None, 400, 2))
    assert layer._accumulator_dtype(False) == "float64"
    assert layer._accumulator_dtype(True) == "float32"
    x = RNG.integers(-(2**15), 2**15, size=(1, 400, 2))
    z = layer((x * 2.0**-13).astype("float32"))
    expected = integer_kerr(layer, x, form).astype(float)
    np.testing.assert_array_equal(z * 2.0**13, expected)


@pytest.mark.parametrize(
    ("power_taps", "bits", "dtype"),
    [(1, 12, "float32"), (3, 11, "float32"), (3, 12, "float64")],
)
def test_a_filter_on_the_power_fits_into_tf32(power_taps, bits, dtype):
    formats = FORMATS | {"power": FixedPoint(bits, 5, signed=False)}
    layer = KerrRotation(
        0.1, power_taps=power_taps, signal_format=SIGNAL, formats=formats
    )
    layer.build((None, 16, 2))
    assert layer._accumulator_dtype(False) == dtype


def test_the_unrounded_layer_is_the_formula(compiled):
    layer = KerrRotation(0.3, power_taps=3, dtype="float64")
    layer.build((None, 8, 4))
    layer.set_coefficients([0.1, 0.3])
    x = RNG.normal(size=(2, 8, 4))
    power = (x**2).sum(-1)
    theta = 0.3 * power + 0.1 * (
        np.roll(power, 1, axis=1) + np.roll(power, -1, axis=1)
    )
    u = x[..., 0::2] + 1j * x[..., 1::2]
    expected = u * np.exp(-1j * theta)[..., None]
    z = compiled(lambda x: layer(x))(tf.constant(x)).numpy()
    np.testing.assert_allclose(
        z[..., 0::2] + 1j * z[..., 1::2], expected, rtol=0, atol=1e-13
    )


@pytest.mark.parametrize("method", ["exact", "taylor2", "taylor3"])
def test_gradients_equal_finite_differences(method):
    layer = KerrRotation(0.3, method=method, dtype="float64")
    x = tf.constant(RNG.normal(size=(1, 4, 4)))
    weights = tf.constant(RNG.normal(size=(1, 4, 4)))

    def loss(x):
        return tf.reduce_sum(layer(x) * weights)

    loss(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(x)
    dx, dc = tape.gradient(value, [x, layer.relative_coefficients.value])
    direction = RNG.normal(size=x.shape)
    h = 1e-6
    by_x = (loss(x + h * direction) - loss(x - h * direction)) / (2 * h)
    np.testing.assert_allclose(np.sum(dx * direction), by_x, rtol=1e-7)
    layer.set_coefficients([0.3 + h])
    up = loss(x)
    layer.set_coefficients([0.3 - h])
    np.testing.assert_allclose(dc[0] / 0.3, (up - loss(x)) / (2 * h), rtol=1e-7)


def test_a_saturated_phase_has_no_gradient_and_shows_as_overflow():
    formats = {"phase": FixedPoint(8, 8, signed=False)}
    model = keras.Sequential(
        [keras.Input((4, 2)), KerrRotation(10.0, formats=formats, name="kerr")]
    )
    model.compile("sgd", "mse")
    x = np.ones((1, 4, 2))
    logs = model.train_on_batch(x, x, return_dict=True)
    assert logs["kerr_phase_overflow"] == 1.0
    assert model.layers[0].relative_coefficients.numpy() == [1.0]


def test_reversing_the_coefficient_undoes_the_rotation():
    x = RNG.normal(size=(1, 16, 2))
    there, back = KerrRotation(-0.7), KerrRotation(0.7)
    np.testing.assert_allclose(back(there(x)), x, rtol=0, atol=1e-5)


def test_noise_replaces_the_roundings_in_training_alone():
    kerr = KerrRotation(0.3, "taylor2", formats=FORMATS, gradient="noise")
    plain = KerrRotation(0.3, "taylor2", formats=FORMATS)
    u = RNG.normal(size=(1, 64, 2))
    np.testing.assert_array_equal(kerr(u), plain(u))
    first, second = (kerr(u, training=True).numpy() for _ in range(2))
    assert not np.array_equal(first, second)
    bound = 10 * FORMATS["output"].step
    np.testing.assert_allclose(first, plain(u), rtol=0, atol=bound)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"gradient": "lsq"}, ValueError, "`gradient` to be one of"),
        ({"method": "sine"}, ValueError, "`method` to be one of"),
        ({"power_taps": 2}, ValueError, "odd `power_taps`"),
        ({"coefficient": np.nan}, ValueError, "finite number"),
        ({"formats": {"angle": SIGNAL}}, ValueError, "one of"),
        ({"formats": {"phase": 8}}, TypeError, "FixedPoint"),
        ({"method": "lut"}, ValueError, "expects formats"),
        (
            {"formats": {"phase": FixedPoint(8, 8, scale="real")}},
            ValueError,
            "scale='fixed'",
        ),
        (
            {"method": "lut", "lut_bits": 11, "formats": FORMATS},
            ValueError,
            "10 or less",
        ),
    ],
)
def test_wrong_arguments_raise(arguments, error, words):
    with pytest.raises(error, match=words):
        KerrRotation(**arguments)


def test_a_signal_shorter_than_the_filter_raises():
    with pytest.raises(ValueError, match="at least 4 samples.*time=3"):
        KerrRotation(0.1, power_taps=9)(np.ones((1, 3, 2)))


def test_odd_channels_raise():
    with pytest.raises(ValueError, match="even number of channels"):
        KerrRotation()(np.ones((1, 4, 3)))


def test_the_address_of_a_table_takes_no_noise():
    layer = KerrRotation(
        0.3,
        "lut",
        formats={"phase": FixedPoint(8, 6), "output": FixedPoint(12, 10)},
        gradient="noise",
    )
    assert layer.phase_quantizer.gradient == "straight_through"
    assert layer.output_quantizer.gradient == "noise"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"formats": {"phase": FixedPoint(8, 6, max_digits=2)}},
            r"`max_digits` .* alone.*formats\['phase'\]",
        ),
    ],
)
def test_roundings_that_are_not_defined_are_refused(arguments, words):
    with pytest.raises(ValueError, match=f"KerrRotation expects {words}"):
        KerrRotation(0.3, **arguments)
