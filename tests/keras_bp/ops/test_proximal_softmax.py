import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp, softmax

from keras_bp import ops

RNG = np.random.default_rng(0)


def problems(count=200, classes=10, *, soft=False):
    """Logits, targets, and squared norms over many decades."""
    c = RNG.normal(size=(count, classes))
    c = c * 10 ** RNG.uniform(-2, 3.5, (count, 1))
    y = np.eye(classes)[RNG.integers(0, classes, count)]
    if soft:
        y = 0.9 * RNG.dirichlet(np.ones(classes) / 2, count) + 0.1 / classes
    return c, y, 10 ** RNG.uniform(-8, 8, (count, 1))


@pytest.mark.parametrize("soft", [False, True])
def test_the_step_is_a_fixed_point_whose_probabilities_sum_to_one(soft):
    c, y, k = problems(soft=soft)
    g = np.asarray(ops.proximal_softmax(c, y, k))
    q = c - k * g
    np.testing.assert_allclose(softmax(q, axis=1) - y, g, atol=1e-11)
    np.testing.assert_allclose(np.sum(y + g, axis=1), 1, rtol=1e-13)
    # The large steps too: what they leave of the logits, by logarithms.
    p = y + g
    known = p > 1e-6
    log = q - logsumexp(q, axis=1, keepdims=True)
    np.testing.assert_allclose(log[known], np.log(p[known]), atol=1e-7)


def test_no_other_point_on_a_grid_is_better():
    c, y, k = problems(60, 2, soft=True)
    c = np.clip(c, -5, 5)
    g = np.asarray(ops.proximal_softmax(c, y, k))

    # Steps of weights, per squared norm of the input and per rate.
    def objective(g):
        q = c - k * g
        loss = logsumexp(q, axis=-1) - np.sum(y * q, axis=-1)
        return loss + np.sum(k * g**2, axis=-1) / 2

    grid = np.linspace(-1, 1, 4001)[:, None, None] * np.array([1.0, -1.0])
    least = objective(grid).min(axis=0)
    assert np.all(objective(g) <= least + 1e-9)


@pytest.mark.parametrize("soft", [False, True])
def test_float32_is_exact_over_many_decades(soft):
    c, y, k = (np.float32(x) for x in problems(soft=soft, classes=40))
    g = np.asarray(ops.proximal_softmax(c, y, k))
    wide = ops.proximal_softmax(*(x.astype("float64") for x in (c, y, k)))
    wide = np.asarray(wide)
    size = np.abs(wide).max(axis=1, keepdims=True)
    # The logits are known to a rounding of their size.
    rounding = 2e-6 + 3e-7 * np.abs(c).max(axis=1, keepdims=True)
    assert np.all(np.abs(g - wide) <= rounding * size + 1e-30)
    np.testing.assert_allclose(np.sum(y + g, axis=1), 1, rtol=1e-5)


def test_a_thousand_smoothed_classes_converge():
    # Where rows need the most steps: of about one class each.
    count, classes = 40, 1000
    c = RNG.normal(size=(count, classes)) * 0.1
    y = 0.9 * np.eye(classes)[:count] + 0.1 / classes
    k = np.logspace(0, 8, count)[:, None]
    g = np.asarray(ops.proximal_softmax(c, y, k))
    np.testing.assert_allclose(softmax(c - k * g, axis=1), y + g, atol=1e-11)


def test_extreme_input_stays_finite_and_bounded():
    c = np.array([[1e4, -1e4, 0], [0, 0, 0], [-1e4, -1e4, 1e4]], "float32")
    for y in np.eye(3, dtype="float32"):
        for k in (0, 1e-8, 1, 1e8):
            g = ops.proximal_softmax(c, np.stack([y] * 3), [[np.float32(k)]])
            assert np.all(np.abs(g) <= 1 + 1e-6)


def test_without_a_rate_the_step_is_explicit():
    c, y, k = problems()
    for norm in (0.0, 1e-11):
        g = ops.proximal_softmax(c, y, norm + 0 * k)
        np.testing.assert_allclose(g, softmax(c, axis=1) - y, atol=1e-10)


def test_each_mode_gives_the_same(compiled):
    c, y, k = (np.float32(x) for x in problems(20))
    g = compiled(ops.proximal_softmax)(*map(tf.constant, (c, y, k)))
    expected = ops.proximal_softmax(c, y, k)
    np.testing.assert_allclose(g, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_narrow_input_is_solved_in_float32(dtype):
    c, y, k = [[0.5, -2.0]], [[1.0, 0.0]], [[8.0]]
    arguments = [tf.constant(x, dtype) for x in (c, y, k)]
    g = ops.proximal_softmax(*arguments)
    assert g.dtype == dtype
    single = ops.proximal_softmax(*(tf.cast(x, "float32") for x in arguments))
    if dtype != "float64":
        np.testing.assert_array_equal(g, tf.cast(single, dtype))


def test_no_gradient_passes():
    c = tf.constant([[0.5, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(c)
        g = ops.proximal_softmax(c, [[1.0, 0.0]], [[1.0]])
    assert tape.gradient(g, c) is None
