import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp.layers import QuantizedFIR
from keras_bp.layers._fir_taps import accumulator_dtype
from keras_bp.ops import FixedPoint, signed_digits

RNG = np.random.default_rng(0)


def with_taps(layer, channels, taps):
    layer.build((None, None, channels))
    layer.taps.assign(taps)
    return layer


def half_up(acc, shift):
    return (acc + (1 << (shift - 1))) >> shift


@pytest.mark.parametrize("padding", ["valid", "same", "causal", "circular"])
@pytest.mark.parametrize("symmetric", [False, True])
def test_complex_output_equals_integer_arithmetic(padding, symmetric):
    layer = QuantizedFIR(
        1,
        7,
        tap_format=FixedPoint(6, 4),
        signal_format=FixedPoint(10, 6),
        symmetric=symmetric,
        padding=padding,
    )
    stored = (4 if symmetric else 7, 1, 1, 2)
    with_taps(layer, 2, RNG.normal(size=stored))
    x = RNG.integers(-512, 512, size=(3, 40, 2))
    y = layer(x * 2.0**-6)
    taps = layer.export_taps()[:, 0, 0]
    assert np.abs(taps).max() <= 32 and taps.dtype == np.int64
    if symmetric:
        np.testing.assert_array_equal(taps, taps[::-1])
    h = taps[:, 0] + 1j * taps[:, 1]
    for batch in range(3):
        signal = x[batch, :, 0] + 1j * x[batch, :, 1]
        if padding == "circular":
            signal = np.concatenate([signal[-3:], signal, signal[:3]])
        full = np.convolve(signal, h)
        acc = {
            "valid": full[6:40],
            "same": full[3:43],
            "causal": full[:40],
            "circular": full[6:46],
        }[padding]
        acc = np.stack([acc.real, acc.imag], axis=-1).astype("int64")
        expected = np.clip(half_up(acc, 4), -512, 511)
        np.testing.assert_array_equal(y[batch] * 64, expected)
    assert (np.abs(y * 64) >= 511).any(), "nothing saturated"


def test_real_output_equals_integer_arithmetic_at_full_length():
    # 16-bit signal times 8-bit taps: more than float32 holds, so that the
    # accumulator is float64 in inference.
    layer = QuantizedFIR(
        2, 31, FixedPoint(8, 7), FixedPoint(16, 15), complex=False
    )
    with_taps(layer, 2, RNG.uniform(-1, 1, size=(31, 2, 2)))
    x = RNG.integers(-32768, 32768, size=(1, 200, 2))
    taps = layer.export_taps()
    acc = np.stack(
        [
            sum(
                np.convolve(x[0, :, c], taps[:, c, f], mode="valid")
                for c in range(2)
            )
            for f in range(2)
        ],
        axis=-1,
    )
    assert np.abs(acc).max() > 2**24
    expected = np.clip(half_up(acc, 7), -32768, 32767)
    np.testing.assert_array_equal(layer(x * 2.0**-15)[0] * 2.0**15, expected)


@pytest.mark.parametrize("tap_bits", [12, 16])
def test_a_float64_sum_is_rounded_once(tap_bits):
    # Every sample through one tap: sums of more bits than float32 holds.
    layer = QuantizedFIR(
        1,
        1,
        FixedPoint(tap_bits, tap_bits - 1),
        FixedPoint(16, 13),
        complex=False,
    )
    with_taps(layer, 1, [[[0.99999]]])
    x = np.arange(-(2**15), 2**15)
    tap = layer.export_taps().item()
    assert tap == 2 ** (tap_bits - 1) - 1
    y = layer((x * 2.0**-13)[None, :, None].astype("float32"))
    expected = half_up(x * tap, tap_bits - 1)
    np.testing.assert_array_equal(y.numpy().ravel() * 2.0**13, expected)


def test_float64_reaches_every_part():
    wide = FixedPoint(24, 20)
    layer = QuantizedFIR(
        1, 3, wide, wide, FixedPoint(32, 24), complex=False, dtype="float64"
    )
    with_taps(layer, 1, RNG.uniform(-4, 4, size=(3, 1, 1)))
    x = RNG.integers(-(2**23), 2**23, size=40)
    y = layer((x * 2.0**-20)[None, :, None])
    acc = np.convolve(x, layer.export_taps().ravel(), mode="valid")
    assert np.abs(acc).max() > 2**40
    expected = np.clip(half_up(acc, 16), -(2**31), 2**31 - 1)
    np.testing.assert_array_equal(y.numpy().ravel() * 2.0**24, expected)


@pytest.mark.parametrize(
    ("arguments", "training", "dtype"),
    [
        ({}, False, "float64"),
        ({}, True, "float32"),
        ({"accumulator": "float32"}, False, "float32"),
        ({"accumulator": "float64"}, True, "float64"),
        # The factors of a product of matrices fit into TF32, or they do not.
        ({"signal_format": FixedPoint(12, 0)}, False, "float32"),
        ({"signal_format": FixedPoint(13, 0)}, False, "float64"),
        ({"tap_format": FixedPoint(13, 0)}, False, "float64"),
        ({"signal_format": None}, False, "float32"),
        ({"dtype": "float64"}, True, "float64"),
    ],
)
def test_the_accumulator_is_wide_enough(arguments, training, dtype):
    layer = QuantizedFIR(1, 3, **arguments)
    layer.build((None, None, 2))
    wide = "float64" if "dtype" in arguments else "float32"
    assert accumulator_dtype(layer, wide, training) == dtype


def test_the_spike_passes_the_signal_through():
    x = np.arange(-8, 8).reshape(1, 16, 1) / 16
    for padding in ("same", "causal", "circular"):
        for num_taps in (1, 4, 5):
            layer = QuantizedFIR(1, num_taps, complex=False, padding=padding)
            np.testing.assert_array_equal(layer(x), x)
    pair = np.concatenate([x, -x], axis=-1)
    layer = QuantizedFIR(1, 5, padding="same", symmetric=True)
    np.testing.assert_array_equal(layer(pair), pair)
    small = FixedPoint(4, 3)
    layer = QuantizedFIR(1, 3, tap_format=small, complex=False)
    layer.build((None, None, 1))
    assert layer.export_taps().max() == 7


def test_strides_keep_every_second_output():
    x = RNG.normal(size=(2, 21, 2))
    taps = RNG.normal(size=(5, 1, 1, 2))
    whole = with_taps(QuantizedFIR(1, 5), 2, taps)(x)
    half = with_taps(QuantizedFIR(1, 5, strides=2), 2, taps)(x)
    np.testing.assert_array_equal(half, whole[:, ::2])


def test_training_in_fixed_point_recovers_a_filter(compiled):
    target = np.array([0.25, -0.5, 0.125, 0.75, -0.0625], "float32")
    x = RNG.normal(size=(8, 64, 1)).astype("float32")
    y = np.stack([np.convolve(v[:, 0], target, "valid") for v in x])[..., None]
    keras.utils.set_random_seed(0)
    layer = QuantizedFIR(1, 5, FixedPoint(6, 4), complex=False)
    optimizer = keras.optimizers.Adam(0.05)
    layer.build(x.shape)
    optimizer.build(layer.trainable_weights)

    @compiled
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(x, training=True) - y) ** 2)
        found = tape.gradient(loss, layer.trainable_weights)
        optimizer.apply(found)

    for _ in range(80):
        step()
    np.testing.assert_array_equal(
        layer.export_taps().ravel(), np.round(target * 16)
    )


def test_a_saturated_tap_comes_back():
    layer = QuantizedFIR(1, 1, FixedPoint(4, 3), complex=False)
    with_taps(layer, 1, [[[3.0]]])
    optimizer = keras.optimizers.SGD(0.1)
    x = RNG.normal(size=(4, 16, 1))
    for _ in range(200):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(x, training=True) - 0.25 * x) ** 2)
        optimizer.apply(tape.gradient(loss, [layer.taps]), [layer.taps])
    assert layer.export_taps().item() == 2


@pytest.mark.parametrize("scale", ["power_of_two", "real"])
def test_trained_steps_get_gradients_and_are_exported(scale):
    tap = FixedPoint(5, 2, scale=scale)
    signal = FixedPoint(8, 4, scale=scale)
    layer = QuantizedFIR(1, 3, tap, signal, complex=False)
    x = RNG.normal(size=(2, 32, 1)).astype("float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(layer(x, training=True) ** 2)
    assert len(layer.trainable_weights) == 4
    for gradient in tape.gradient(loss, layer.trainable_weights):
        assert np.isfinite(gradient.numpy()).all()
    taps = layer.export_taps() * layer.tap_quantizer.step
    np.testing.assert_allclose(taps, layer.quantized_taps(), rtol=1e-6)


def test_an_output_format_of_its_own_is_used():
    layer = QuantizedFIR(
        1, 1, None, FixedPoint(16, 12), FixedPoint(4, 2), complex=False
    )
    y = layer(np.array([[[0.3], [5.0], [-5.0]]]))
    np.testing.assert_array_equal(y.numpy().ravel(), [0.25, 1.75, -2.0])
    names = {metric.name for metric in layer.metrics} | {
        quantizer.overflow.name
        for quantizer in (layer.input_quantizer, layer.output_quantizer)
    }
    assert len(names) == 2


def test_no_formats_make_a_plain_filter():
    layer = QuantizedFIR(1, 3, None, None, complex=False, padding="causal")
    with_taps(layer, 1, [[[0.1]], [[0.2]], [[0.3]]])
    y = layer(np.array([[[1.0], [0.0], [0.0], [0.0]]]))
    np.testing.assert_allclose(y.numpy().ravel(), [0.1, 0.2, 0.3, 0], rtol=1e-6)
    with pytest.raises(ValueError, match="tap_format=None"):
        layer.export_taps()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"filters": 0}, ValueError, "`filters` to be 1 or greater.*filters=0"),
        ({"num_taps": 2.0}, TypeError, "`num_taps` to be an integer.*float"),
        ({"strides": -1}, ValueError, "`strides`.*strides=-1"),
        (
            {"num_taps": 4, "symmetric": True},
            ValueError,
            "QuantizedFIR expects an odd `num_taps`.*num_taps=4",
        ),
        ({"padding": "full"}, ValueError, "padding.*'circular'.*'full'"),
        ({"accumulator": "int32"}, ValueError, "accumulator.*'int32'"),
        ({"tap_format": 8}, TypeError, "`tap_format`.*FixedPoint.*int"),
        ({"tap_initializer": "spikes"}, ValueError, "spikes"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        QuantizedFIR(**{"filters": 1, "num_taps": 3, **arguments})


@pytest.mark.parametrize(
    ("arguments", "shape", "words"),
    [
        ({}, (2, 8), r"\(batch, time, channels\).*shape=\(2, 8\)"),
        ({}, (2, 8, 3), r"even number of channels, I and Q.*\(2, 8, 3\)"),
        ({}, (2, 8, None), "number of channels"),
        ({"complex": False}, (2, 8, None), "a known number of channels"),
        ({}, (2, 4, 2), "at least 5 samples.*'valid'.*4, 2"),
        ({"padding": "circular"}, (2, 1, 2), "at least 2 samples"),
    ],
)
def test_bad_inputs_are_refused(arguments, shape, words):
    with pytest.raises(ValueError, match=words):
        QuantizedFIR(1, 5, **arguments).build(shape)


def test_a_built_layer_refuses_another_kind_of_signal():
    layer = QuantizedFIR(1, 3)
    layer(np.ones((2, 8, 2)))
    for shape in ((2, 8, 4), (2, 2, 8, 2)):
        with pytest.raises(ValueError, match="incompatible with the layer"):
            layer(np.ones(shape))
    layer = QuantizedFIR(1, 9)
    layer.build((None, None, 2))
    with pytest.raises(ValueError, match="at least 9 samples"):
        layer(np.ones((1, 5, 2)))


def test_input_and_output_overflow_are_told_apart():
    layer = QuantizedFIR(1, 1, None, complex=False, tap_initializer="ones")
    layer.build((None, 4, 1))
    layer.taps.assign([[[10.0]]])
    model = keras.Sequential([keras.Input((4, 1)), layer])
    model.compile("sgd", "mse")
    logs = model.evaluate(
        np.full((2, 4, 1), 5.0), np.ones((2, 4, 1)), verbose=0, return_dict=True
    )
    assert logs[f"{layer.name}_input_overflow"] == 0
    assert logs[f"{layer.name}_output_overflow"] == 1
    assert len(logs) == 3


def test_the_accumulator_counts_every_channel():
    formats = {"tap_format": FixedPoint(8, 7), "complex": False}
    # 16 taps * 4 channels * 2^7 * 2^11 is 2^24.
    narrow = QuantizedFIR(1, 16, signal_format=FixedPoint(12, 0), **formats)
    narrow.build((None, None, 4))
    assert accumulator_dtype(narrow, "float32", False) == "float32"
    wide = QuantizedFIR(1, 16, signal_format=FixedPoint(12, 0), **formats)
    wide.build((None, None, 5))
    assert accumulator_dtype(wide, "float32", False) == "float64"


def test_symmetric_causal_taps_begin_at_the_center():
    layer = QuantizedFIR(1, 5, complex=False, symmetric=True, padding="causal")
    layer.build((None, 8, 1))
    np.testing.assert_array_equal(layer.export_taps().ravel(), [0, 0, 64, 0, 0])


def test_export_before_build_is_refused():
    with pytest.raises(ValueError, match="expects a built layer.*built=False"):
        QuantizedFIR(1, 3).export_taps()


@pytest.mark.parametrize("complex", [True, False])
def test_one_filter_for_all_signals_treats_each_as_if_alone(complex, compiled):
    shared = QuantizedFIR(
        None,
        5,
        FixedPoint(6, 4),
        FixedPoint(10, 6),
        complex=complex,
        symmetric=True,
        padding="circular",
    )
    alone = QuantizedFIR(
        1,
        5,
        FixedPoint(6, 4),
        FixedPoint(10, 6),
        complex=complex,
        symmetric=True,
        padding="circular",
    )
    each = 1 + complex
    taps = RNG.normal(size=(3, 1, 1, 2) if complex else (3, 1, 1))
    with_taps(shared, 3 * each, taps)
    with_taps(alone, each, taps)
    x = RNG.normal(size=(2, 20, 3 * each)).astype("float32")
    y = compiled(lambda x: shared(x))(tf.constant(x))
    assert y.shape == shared.compute_output_shape(x.shape) == x.shape
    for n in range(3):
        part = slice(n * each, (n + 1) * each)
        np.testing.assert_array_equal(y[..., part], alone(x[..., part]))


def test_held_taps_keep_their_value_while_the_others_train():
    layer = QuantizedFIR(
        1, 3, FixedPoint(4, 3), None, complex=False, padding="same"
    )
    model = keras.Sequential([keras.Input((16, 1)), layer])
    model.compile(keras.optimizers.Adam(0.05), "mse", jit_compile=True)
    mask = np.array([True, False, False]).reshape(3, 1, 1)
    layer.tap_hold.hold(mask, np.full((3, 1, 1), 0.25))
    layer.tap_hold.round_free.assign(0.0)
    x = RNG.normal(size=(8, 16, 1)).astype("float32")
    model.fit(x, 0.37 * x, epochs=20, verbose=0)
    taps = layer.quantized_taps(training=True).numpy().ravel()
    assert taps[0] == 0.25
    assert not np.array_equal(taps[1:], np.round(taps[1:] * 8) / 8)
    assert layer.export_taps().ravel()[0] == 2
    # Inference rounds all of them, whatever training does.
    np.testing.assert_array_equal(
        layer.quantized_taps().numpy() * 8, layer.export_taps()
    )


def test_held_taps_are_saved(tmp_path):
    model = keras.Sequential(
        [keras.Input((16, 1)), QuantizedFIR(1, 3, complex=False)]
    )
    hold = model.layers[0].tap_hold
    hold.hold(np.array([True, False, True]).reshape(3, 1, 1), 0.5)
    hold.round_free.assign(0.0)
    model.save(tmp_path / "held.keras")
    again = keras.models.load_model(tmp_path / "held.keras").layers[0]
    # The callback that trains free taps as real numbers is not there.
    assert float(again.tap_hold.round_free) == 1.0
    np.testing.assert_array_equal(again.tap_hold.held.ravel(), [1, 0, 1])
    np.testing.assert_array_equal(
        again.tap_hold.value.numpy().ravel(), [0.5, 0, 0.5]
    )


def test_noise_on_the_taps_is_there_in_training_alone():
    layer = QuantizedFIR(
        1, 3, FixedPoint(4, 3), None, complex=False, tap_gradient="noise"
    )
    layer.build((None, 16, 1))
    first, second = (layer.quantized_taps(training=True) for _ in range(2))
    assert np.abs(first - second).max() > 0
    np.testing.assert_array_equal(
        layer.quantized_taps() * 8, layer.export_taps()
    )


def test_digits_are_bounded_in_the_taps_alone():
    few = FixedPoint(8, 6, max_digits=2)
    for name in ("signal_format", "output_format"):
        with pytest.raises(ValueError, match=f"alone. Received: {name}"):
            QuantizedFIR(1, 3, **{name: few})
    layer = QuantizedFIR(1, 3, few, tap_initializer="glorot_uniform")
    layer.build((None, 16, 2))
    assert signed_digits(layer.export_taps()).max() == 2


@pytest.mark.parametrize("name", ["tap_gradient", "signal_gradient"])
def test_gradients_have_known_names_without_formats_too(name):
    with pytest.raises(ValueError, match=f"`{name}` to be one of .*'foo'"):
        QuantizedFIR(1, 3, tap_format=None, signal_format=None, **{name: "foo"})
