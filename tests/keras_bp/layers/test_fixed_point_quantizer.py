import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp.layers import FixedPointQuantizer
from keras_bp.ops import FixedPoint, fixed_point_step


def test_overflow_shows_in_the_logs_of_fit_and_restarts_each_epoch():
    quantizer = FixedPointQuantizer(FixedPoint(4, 2), name="adc")
    model = keras.Sequential([keras.Input((2,)), quantizer])
    model.compile("sgd", "mse")
    x = np.array([[0.5, 5.0], [-9.0, 0.0], [0.1, 0.2], [9.0, 9.0]], "float32")
    history = model.fit(x, x, batch_size=2, epochs=2, verbose=0).history
    np.testing.assert_allclose(history["adc_overflow"], [0.5, 0.5])
    assert quantizer.overflow.total.numpy() == 4
    assert quantizer.overflow.count.numpy() == 8


def test_an_empty_batch_does_not_spoil_the_overflow():
    quantizer = FixedPointQuantizer(FixedPoint(4, 2))
    for batch in (1, 0, 1):
        quantizer(np.full((batch, 4), 9.0))
    assert float(quantizer.overflow.result()) == 1.0


def test_overflow_need_not_be_counted():
    quantizer = FixedPointQuantizer(FixedPoint(4, 2), count_overflow=False)
    quantizer(np.array([9.0]))
    assert quantizer.overflow is None and not quantizer.metrics_variables


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_policies_do_not_touch_the_numbers(policy):
    form = FixedPoint(16, 12)
    x = np.array([1.0 + 2.0**-12, -3.0 - 2.0**-11], "float32")
    y = FixedPointQuantizer(form, dtype=policy)(x)
    assert y.dtype == "float32"
    np.testing.assert_array_equal(y, x)


def test_a_trained_step_is_a_weight_and_a_fixed_one_is_not():
    fixed = FixedPointQuantizer(FixedPoint(8, 3))
    assert fixed.step == 1 / 8
    fixed.build((None,))
    assert fixed.weights == [] and fixed.step == 1 / 8
    for scale in ("real", "power_of_two"):
        trained = FixedPointQuantizer(FixedPoint(8, 3, scale=scale))
        assert trained.step == 1 / 8
        trained.build((None,))
        assert [w.name for w in trained.trainable_weights] == ["log2_step"]
        trained.log2_step.assign(-1.7)
        exponent = -1.7 if scale == "real" else -2
        np.testing.assert_allclose(trained.step, 2.0**exponent, rtol=1e-6)


def test_integers_times_the_step_are_the_output():
    quantizer = FixedPointQuantizer(FixedPoint(6, 3))
    x = np.linspace(-6, 6, 101, dtype="float32")
    integers = quantizer.to_integers(x)
    assert integers.dtype == "int64"
    assert integers.min() == -32 and integers.max() == 31
    np.testing.assert_array_equal(integers * quantizer.step, quantizer(x))


def test_more_than_24_bits_need_float64():
    with pytest.raises(ValueError, match="24 bits.*'float64'.*word_length=25"):
        FixedPointQuantizer(FixedPoint(25, 0))
    quantizer = FixedPointQuantizer(
        FixedPoint(32, 0, overflow="wrap"), dtype="float64"
    )
    x = np.array([2.0**31 - 128, 2.0**31, -(2.0**31) - 1])
    np.testing.assert_array_equal(
        quantizer(x), [2.0**31 - 128, -(2.0**31), 2.0**31 - 1]
    )


def test_bad_arguments_are_refused():
    with pytest.raises(TypeError, match="FixedPoint.*builtins.int"):
        FixedPointQuantizer(8)
    with pytest.raises(TypeError, match="fixed_point=None"):
        FixedPointQuantizer(None)
    with pytest.raises(ValueError, match="saturation_gradient.*'out'"):
        FixedPointQuantizer(FixedPoint(), saturation_gradient="out")


def test_the_lsq_gradient_is_finite_for_a_whole_batch_of_signals():
    # More entries times levels than an int32 holds.
    x = tf.ones((100, 512, 2)) * 0.3
    layer = FixedPointQuantizer(
        FixedPoint(16, 12, scale="real"), gradient="lsq"
    )
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(layer(x, training=True))
    (gradient,) = tape.gradient(y, layer.trainable_variables)
    assert np.isfinite(gradient)


def test_the_lsq_gradient_of_the_step_is_scaled_by_entries_and_levels():
    x = tf.constant(np.linspace(-1, 1, 50), "float32")
    found = {}
    for gradient in ("straight_through", "lsq"):
        layer = FixedPointQuantizer(
            FixedPoint(4, 3, scale="real"), gradient=gradient
        )
        with tf.GradientTape() as tape:
            y = layer(x, training=True)
            loss = tf.reduce_sum(y * tf.range(50.0))
        found[gradient] = y, tape.gradient(loss, layer.log2_step.value)
    np.testing.assert_array_equal(found["lsq"][0], found["straight_through"][0])
    ratio = found["lsq"][1] / found["straight_through"][1]
    np.testing.assert_allclose(ratio, 1 / np.sqrt(50 * 7), rtol=1e-5)


def test_noise_takes_the_place_of_rounding_in_training_alone():
    layer = FixedPointQuantizer(FixedPoint(8, 4), gradient="noise", seed=0)
    x = tf.random.stateless_uniform((20000,), (0, 1), -5.0, 5.0)
    error = (layer(x, training=True) - x).numpy() * 16
    assert np.abs(error).max() <= 0.5 + 1e-5
    # Uniform on (-1/2, 1/2): mean 0, variance 1/12, within 4 standard errors.
    assert abs(error.mean()) < 4 * np.sqrt(1 / 12 / error.size)
    assert abs(error.var() * 12 - 1) < 4 * np.sqrt(0.8 / error.size)
    assert np.abs(np.corrcoef(error, x)[0, 1]) < 4 / np.sqrt(error.size)
    again = layer(x, training=True)
    assert np.any(again != x + error / 16)
    rounded = layer(x).numpy() * 16
    np.testing.assert_array_equal(rounded, np.floor(x.numpy() * 16 + 0.5))
    far = layer(tf.constant([100.0, -100.0]), training=True)
    np.testing.assert_array_equal(far, [127 / 16, -8])


def test_noise_trains_a_real_step():
    layer = FixedPointQuantizer(
        FixedPoint(4, 0, scale="real"), gradient="noise", seed=0
    )
    model = keras.Sequential([keras.Input((64,)), layer])
    model.compile(keras.optimizers.Adam(0.1), "mse", jit_compile=True)
    x = np.random.default_rng(0).uniform(-1, 1, size=(32 * 150, 64))
    model.fit(x, x, verbose=0)
    # The noise alone would shrink the step for ever; the clipping stops it.
    assert 1 / 16 < layer.step < 1 / 6


@pytest.mark.parametrize(
    ("form", "gradient", "words"),
    [
        (FixedPoint(8, 4), "lsq", "scale is trained"),
        (FixedPoint(8, 4), "sometimes", "`gradient` to be one of"),
        (FixedPoint(8, 4, rounding="truncate"), "noise", "to the nearest"),
        (FixedPoint(8, 4, overflow="wrap"), "noise", "saturates"),
        (FixedPoint(8, 4, max_digits=1), "noise", "no `max_digits`"),
        (FixedPoint(8, 4, scale="power_of_two"), "noise", "fixed or real"),
    ],
)
def test_a_gradient_that_does_not_fit_the_format_is_refused(
    form, gradient, words
):
    with pytest.raises(ValueError, match=words):
        FixedPointQuantizer(form, gradient=gradient)


def gradients(layer, x, upstream=1.0):
    x = tf.constant(x, "float32")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True) * upstream
    return tape.gradient(y, [x, *layer.trainable_variables])


def test_noise_leads_saturated_numbers_back_inward():
    form = FixedPoint(4, 2)
    x, upstream = np.float32([5, 5, -5, -5, 0]), np.float32([1, -1, 1, -1, 1])
    for name, expected in (
        ("inward", [1, 0, 0, -1, 1]),
        ("zero", [0, 0, 0, 0, 1]),
    ):
        layer = FixedPointQuantizer(form, name, "noise", seed=0)
        (dx,) = gradients(layer, x, upstream)
        np.testing.assert_array_equal(dx, expected)


def test_lsq_rounds_by_the_step_itself_whatever_the_batch():
    layer = FixedPointQuantizer(FixedPoint(8, 6, scale="real"), gradient="lsq")
    layer.build((None,))
    x = np.random.default_rng(0).normal(size=500).astype("float32")
    for log2_step in np.linspace(-6.3, -4.1, 20):
        layer.log2_step.assign(log2_step)
        y = layer(x)
        np.testing.assert_array_equal(layer(x[:7]), y[:7])
        integers = layer.to_integers(x).astype("float32")
        step = fixed_point_step(layer.fixed_point, layer.log2_step)
        np.testing.assert_array_equal(integers * step, y)


def test_an_empty_batch_moves_no_step():
    layer = FixedPointQuantizer(FixedPoint(8, 6, scale="real"), gradient="lsq")
    layer.build((None, 3))
    for found in gradients(layer, np.zeros((0, 3))):
        assert np.isfinite(found).all()


def test_integers_of_wide_formats_are_told():
    layer = FixedPointQuantizer(FixedPoint(32, 20), dtype="float64")
    assert layer.to_integers([0.1]).tolist() == [round(0.1 * 2**20)]
