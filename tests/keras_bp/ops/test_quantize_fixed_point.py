import math
from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf

from keras_bp import ops
from keras_bp.ops import FixedPoint

ROUNDINGS = ["nearest", "nearest_even", "truncate", "toward_zero"]
OVERFLOWS = ["saturate", "saturate_symmetric", "wrap"]
# Eighths of a step from below the range of FixedPoint(4, 1) to above it: both
# sides of every edge, and the edges.
X = np.arange(-100, 101) / 16.0


def exact(x, form, step):
    """The number that a format gives, in rational arithmetic."""
    v = Fraction(float(x)) / step
    q = {
        "nearest": math.floor(v + Fraction(1, 2)),
        "nearest_even": round(v),
        "truncate": math.floor(v),
        "toward_zero": math.trunc(v),
    }[form.rounding]
    low, high = form.minimum_integer, form.maximum_integer
    if form.overflow == "wrap":
        wrapped = (q - low) % 2**form.word_length + low
        return q, float(wrapped * step)
    return q, float(min(max(q, low), high) * step)


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("signed", [True, False])
def test_every_rounding_and_overflow_is_exact(
    compiled, value_and_gradient, rounding, overflow, signed
):
    form = FixedPoint(4, 1, signed, rounding, overflow)
    run = compiled(
        lambda x: value_and_gradient(
            lambda x: ops.quantize_fixed_point(x, form), x
        )
    )
    y, dx = run(tf.constant(X, "float32"))
    expected = [exact(x, form, Fraction(1, 2)) for x in X]
    np.testing.assert_array_equal(y, [value for _, value in expected])
    low, high = form.minimum_integer, form.maximum_integer
    passes = [overflow == "wrap" or low <= q <= high for q, _ in expected]
    np.testing.assert_array_equal(dx, np.array(passes, "float32"))
    rate = ops.overflow_rate(tf.constant(X), form)
    beyond = np.mean([not low <= q <= high for q, _ in expected])
    np.testing.assert_allclose(rate, beyond, rtol=1e-6)


def test_just_below_a_half_rounds_down():
    form = FixedPoint(8, 0)
    below = np.nextafter(np.float32(0.5), np.float32(0))
    assert ops.quantize_fixed_point(tf.constant([below]), form).numpy() == 0


def test_inward_gradients_pass_where_they_lead_back(value_and_gradient):
    form = FixedPoint(4, 0)
    x = tf.constant([-20.0, -20.0, 0.0, 0.0, 20.0, 20.0])
    upstream = tf.constant([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    _, dx = value_and_gradient(
        lambda x: ops.quantize_fixed_point(
            x, form, saturation_gradient="inward"
        ),
        x,
        upstream,
    )
    np.testing.assert_array_equal(dx, [0, -1, 1, -1, 1, 0])


@pytest.mark.parametrize(
    ("dtype", "wide"),
    [
        ("float16", "float32"),
        ("bfloat16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
    ],
)
def test_half_precision_is_widened_and_its_gradient_narrowed(
    compiled, value_and_gradient, dtype, wide
):
    form = FixedPoint(12, 10)
    x = tf.cast(tf.constant([0.3, -1.7, 9.0]), dtype)
    run = compiled(
        lambda x: value_and_gradient(
            lambda x: ops.quantize_fixed_point(x, form), x
        )
    )
    y, dx = run(x)
    assert y.dtype == wide and dx.dtype == dtype
    expected = np.floor(tf.cast(x, "float64").numpy() * 1024 + 0.5) / 1024
    np.testing.assert_array_equal(y, np.minimum(expected, form.maximum))
    np.testing.assert_array_equal(tf.cast(dx, "float32"), [1, 1, 0])


@pytest.mark.parametrize("overflow", OVERFLOWS)
def test_a_real_step_has_the_gradient_of_its_closed_form(compiled, overflow):
    form = FixedPoint(4, 1, overflow=overflow, scale="real")
    log2_step = tf.constant(-1.3)
    x = tf.constant(X + 0.01, "float32")
    upstream = tf.constant(np.linspace(-1, 1, X.size), "float32")

    @compiled
    def run(x, log2_step):
        with tf.GradientTape() as tape:
            tape.watch([x, log2_step])
            y = ops.quantize_fixed_point(x, form, log2_step)
        return y, *tape.gradient(y, [x, log2_step], output_gradients=upstream)

    y, dx, ds = run(x, log2_step)
    step = 2.0**-1.3
    v = x.numpy() / step
    q = np.floor(v + 0.5)
    low, high = form.minimum_integer, form.maximum_integer
    inside = (q >= low) & (q <= high)
    if overflow == "wrap":
        q = (q - low) % 16 + low
        slope = step * q - x
        inside[:] = True
    else:
        q = np.clip(q, low, high)
        slope = np.where(inside, step * q - x, step * q)
    np.testing.assert_allclose(y, step * q, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(dx, np.where(inside, upstream, 0))
    np.testing.assert_allclose(
        ds, math.log(2) * np.sum(slope * upstream), rtol=2e-4
    )


@pytest.mark.parametrize("log2_step", [-3.4, -3.6, 0.0, 5.2, -64.0, 64.0])
def test_a_power_of_two_step_is_exact(compiled, log2_step):
    form = FixedPoint(8, 4, scale="power_of_two")
    run = compiled(lambda s: ops.fixed_point_step(form, s))
    assert run(tf.constant(log2_step)).numpy() == 2.0 ** round(log2_step)


def test_a_trained_step_moves_to_the_range_of_the_data():
    # Gaussian data of standard deviation 1 in 4 bits; the best step of a
    # uniform quantizer with 16 levels is 0.3352 (Max, 1960).
    x = tf.random.stateless_normal((20_000,), [1, 2])
    form = FixedPoint(4, 0, scale="real", overflow="saturate")
    log2_step = tf.Variable(0.0)
    for _ in range(300):
        with tf.GradientTape() as tape:
            # Half a step: the levels of Max's quantizer lie between ours.
            step = 2.0**log2_step
            y = ops.quantize_fixed_point(x - step / 2, form, log2_step)
            loss = tf.reduce_mean((y + step / 2 - x) ** 2)
        log2_step.assign_sub(2.0 * tape.gradient(loss, log2_step))
    assert abs(2.0 ** log2_step.numpy() - 0.3352) < 0.02


def test_bad_arguments_are_refused():
    x = tf.zeros(2)
    with pytest.raises(TypeError, match=r"FixedPoint\. Received.*builtins.int"):
        ops.quantize_fixed_point(x, 8)
    with pytest.raises(ValueError, match="log2_step.*scale='real'.*None"):
        ops.quantize_fixed_point(x, FixedPoint(scale="real"))
    with pytest.raises(ValueError, match="log2_step.*scale='fixed'"):
        ops.quantize_fixed_point(x, FixedPoint(), 0.0)
    with pytest.raises(ValueError, match="saturation_gradient.*'outward'"):
        ops.quantize_fixed_point(x, FixedPoint(), None, "outward")


@pytest.mark.parametrize("max_digits", [1, 2])
def test_few_digits_give_the_nearest_such_integer(compiled, max_digits):
    form = FixedPoint(6, 0, max_digits=max_digits)
    allowed = np.array(
        [q for q in range(-32, 32) if ops.signed_digits([q])[0] <= max_digits]
    )
    x = np.linspace(-40, 40, 1601).reshape(1, -1)
    y = compiled(lambda x: ops.quantize_fixed_point(x, form))(tf.constant(x))
    # From above, so that the upper one of two equally near wins.
    nearest = allowed[::-1][
        np.abs(x[..., None] - allowed[::-1]).argmin(axis=-1)
    ]
    np.testing.assert_array_equal(y, nearest)
    assert len(np.unique(y)) == len(allowed) < 64


def test_few_digits_pass_the_gradient_straight_through(value_and_gradient):
    form = FixedPoint(6, 0, max_digits=1)
    x = tf.constant([-40.0, -5.0, 2.9, 30.0, 40.0])
    y, dx = value_and_gradient(
        lambda x: ops.quantize_fixed_point(x, form), x, tf.ones(5)
    )
    np.testing.assert_array_equal(y, [-32, -4, 2, 16, 16])
    np.testing.assert_array_equal(dx, [0, 1, 1, 1, 0])


@pytest.mark.parametrize("max_digits", [None, 2])
def test_nan_stays_nan(compiled, max_digits):
    form = FixedPoint(8, 6, max_digits=max_digits)
    found = compiled(lambda x: ops.quantize_fixed_point(x, form))(
        tf.constant([np.nan, 0.5])
    )
    np.testing.assert_array_equal(found, [np.nan, 0.5])


def test_a_rate_needs_the_step_that_is_trained():
    with pytest.raises(ValueError, match="overflow_rate expects `log2_step`"):
        ops.overflow_rate(tf.zeros(3), FixedPoint(8, 6, scale="real"))
