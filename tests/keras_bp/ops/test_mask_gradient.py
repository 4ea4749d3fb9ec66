import math

import numpy as np
import pytest
import tensorflow as tf
from mask_outcomes import outcomes

from keras_bp import ops

DTYPES = ["float16", "bfloat16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_forward_is_the_identity_and_the_gradient_is_masked(
    compiled, value_and_gradient, dtype
):
    x = tf.cast(tf.constant([[1.5, -2.0, 3.0]]), dtype)
    upstream = tf.cast(tf.constant([[1.0, 2.0, -4.0]]), dtype)
    mask = tf.constant([[0.0, 1.5, 1.5]])
    run = compiled(
        lambda x, upstream: value_and_gradient(
            lambda x: ops.mask_gradient(x, mask), x, upstream
        )
    )
    y, dx = run(x, upstream)
    assert y.dtype == x.dtype and dx.dtype == x.dtype
    np.testing.assert_array_equal(tf.cast(y, "float32"), [[1.5, -2, 3]])
    np.testing.assert_array_equal(tf.cast(dx, "float32"), [[0, 3, -6]])


def test_second_order_gradients_are_masked_twice(compiled):
    mask = tf.constant([0.0, 2.0])

    @compiled
    def run(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = ops.mask_gradient(x, mask) ** 3
            dx = inner.gradient(y, x)
        return dx, outer.gradient(dx, x)

    dx, ddx = run(tf.constant([5.0, 5.0]))
    # d/dx of m 3 x^2, where the derivative of x is m again.
    np.testing.assert_allclose(dx, [0, 2 * 75])
    np.testing.assert_allclose(ddx, [0, 2 * 2 * 30])


def test_a_mask_function_is_called_in_the_backward_pass_only():
    calls = []

    def mask(upstream):
        calls.append(1)
        return tf.constant(2.0)

    x = tf.constant([1.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ops.mask_gradient(x, mask)
    assert not calls
    assert tape.gradient(y, x).numpy() == 2
    assert len(calls) == 1


def enumerate_masks(cells, rate, scale):
    """All masks, and their chances."""
    noises, chances = zip(*outcomes(cells, rate), strict=True)
    assert math.isclose(sum(chances), 1)
    # One call for all: a row is a mask.
    masks = ops.backdrop_mask(tf.constant(noises), rate, (1,), scale)
    return masks.numpy().astype("float64"), np.array(chances)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_empirical_mask_has_mean_one_and_is_never_empty(rate):
    masks, chances = enumerate_masks(6, rate, "empirical")
    np.testing.assert_allclose(chances @ masks, np.ones(6), rtol=1e-6)
    np.testing.assert_allclose(masks.sum(axis=1), 6, rtol=1e-6)


@pytest.mark.parametrize("rate", [0.5, 0.9])
def test_the_variance_of_the_gradient_has_its_closed_form(rate):
    gradients = np.random.default_rng(0).normal(size=6)
    masks, chances = enumerate_masks(6, rate, "empirical")
    estimate = masks @ gradients / 6
    mean = chances @ estimate
    np.testing.assert_allclose(mean, gradients.mean(), rtol=1e-6)
    variance = chances @ (estimate - mean) ** 2
    inverse = chances @ (1 / (masks > 0).sum(axis=1))
    expected = (inverse - 1 / 6) * gradients.var(ddof=1)
    np.testing.assert_allclose(variance, expected, rtol=1e-6)


def test_inverse_scale_is_unbiased_and_can_be_empty():
    masks, chances = enumerate_masks(4, 0.5, "inverse")
    np.testing.assert_allclose(chances @ masks, np.ones(4), rtol=1e-6)
    assert (masks.sum(axis=1) == 0).any()
    assert set(np.unique(masks)) == {0.0, 2.0}


def test_scale_none_gives_plain_ones_and_is_never_empty():
    masks, _ = enumerate_masks(4, 0.9, "none")
    assert set(np.unique(masks)) == {0.0, 1.0}
    assert masks.sum(axis=1).min() == 1


def test_cells_are_counted_along_the_cell_axes_alone():
    noise = tf.constant([[0.9, 0.1, 0.2], [0.9, 0.8, 0.1]])
    np.testing.assert_allclose(
        ops.backdrop_mask(noise, 0.5, (1,)), [[3, 0, 0], [1.5, 1.5, 0]]
    )
    np.testing.assert_allclose(
        ops.backdrop_mask(noise, 0.5, (0, 1)), [[2, 0, 0], [2, 2, 0]]
    )
    np.testing.assert_allclose(
        ops.backdrop_mask(noise, 0.5, (0,)), [[1, 0, 2], [1, 2, 0]]
    )


def test_a_cell_on_the_rate_survives():
    noise = tf.constant([0.5, 0.25, 0.75])
    mask = ops.backdrop_mask(noise, 0.5, (0,), "none")
    np.testing.assert_array_equal(mask, [1, 0, 1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_rate_that_is_a_tensor_gives_the_mask_of_the_number(compiled, dtype):
    # The second row has no survivor of its own.
    noise = tf.constant([[0.25, 0.75, 0.875], [0.5, 0.25, 0.125]], dtype)
    # Half precision would round it down, to noise that then survives.
    rate = 0.75 + 2.0**-14

    def masks(rate):
        return [ops.backdrop_mask(noise, rate, (1,), s) for s in scales]

    scales = ("empirical", "inverse", "none")
    found = compiled(masks)(tf.constant(rate))
    want = [(3.0, 3.0), (1 / (1 - rate), 0.0), (1.0, 1.0)]
    for mask, again, (kept, forced) in zip(
        found, masks(rate), want, strict=True
    ):
        assert mask.dtype == dtype
        np.testing.assert_array_equal(mask, again)
        np.testing.assert_allclose(
            tf.cast(mask, "float64"),
            [[0, 0, kept], [forced, 0, 0]],
            rtol=5e-3 if dtype in ("float16", "bfloat16") else 1e-6,
        )


def test_a_rate_that_rounds_to_one_gives_no_nan():
    noise = tf.constant([[0.5, 0.9]])
    rate = tf.constant(1.0)
    mask = ops.backdrop_mask(noise, rate, (1,), "inverse")
    np.testing.assert_array_equal(mask, [[0, 0]])
    mask = ops.backdrop_mask(noise, rate, (1,))
    np.testing.assert_array_equal(mask, [[0, 2]])


def test_the_product_is_taken_in_the_wider_dtype():
    # A double gradient is not rounded to the float32 of the mask, nor a
    # float32 one to a half mask.
    for dtype, mask in (("float64", "float32"), ("float32", "float16")):
        x = tf.ones((1,), dtype)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = ops.mask_gradient(x, tf.constant([1.5], mask))
        step = 1 + 4 * np.finfo(dtype).eps
        upstream = tf.constant([step], dtype)
        dx = tape.gradient(y, x, output_gradients=upstream)
        assert dx.dtype == dtype
        assert dx.numpy()[0] == 1.5 * upstream.numpy()[0]


def test_bad_arguments_are_refused():
    noise = tf.zeros(3)
    with pytest.raises(ValueError, match=r"`rate` to be in \[0, 1\).*rate=1"):
        ops.backdrop_mask(noise, 1, (0,))
    with pytest.raises(ValueError, match="scale.*'empirical'.*'full'"):
        ops.backdrop_mask(noise, 0.5, (0,), "full")
