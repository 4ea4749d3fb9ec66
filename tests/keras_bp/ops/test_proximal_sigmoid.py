import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit

from keras_bp import ops

RNG = np.random.default_rng(0)


def problems(count=500):
    """Logits, targets, and squared norms over many decades."""
    c = RNG.normal(size=(count, 3)) * 10 ** RNG.uniform(-2, 3, (count, 1))
    y = RNG.choice([0, 1, 0.3, 0.99], (count, 3))
    return c, y, 10 ** RNG.uniform(-8, 8, (count, 1))


def test_the_step_is_the_root_which_is_not_beyond_the_explicit_one():
    c, y, k = problems()
    u = np.asarray(ops.proximal_sigmoid(c, y, k))
    q = c - k * u
    # Without a difference from 1.
    explicit = expit(c) * (1 - y) - expit(-c) * y
    found = expit(q) * (1 - y) - expit(-q) * y
    np.testing.assert_allclose(found, u, atol=1e-11)
    assert np.all(np.abs(u) <= np.abs(explicit) * (1 + 1e-9) + 1e-30)
    # The large steps too.
    inside = (np.abs(q) < 10) & (k > 1e3)
    p = (y + u)[inside]
    np.testing.assert_allclose(np.log(p / (1 - p)), q[inside], atol=1e-6)


def test_float32_is_exact_over_many_decades():
    c, y, k = (np.float32(x) for x in problems())
    u = ops.proximal_sigmoid(c, y, k)
    wide = ops.proximal_sigmoid(*(x.astype("float64") for x in (c, y, k)))
    np.testing.assert_allclose(u, wide, rtol=2e-5, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_without_a_rate_the_step_is_explicit(dtype):
    c = tf.constant([[-2.0, 0.0, 3.0]], dtype)
    u = ops.proximal_sigmoid(c, [[1.0, 0.0, 1.0]], [[0.0]])
    assert u.dtype == dtype
    expected = tf.sigmoid(c) - tf.constant([[1.0, 0.0, 1.0]], dtype)
    rtol = {"float16": 1e-2, "bfloat16": 0.1, "float32": 1e-5, "float64": 1e-9}
    np.testing.assert_allclose(
        tf.cast(u, "float64"), tf.cast(expected, "float64"), rtol=rtol[dtype]
    )


def test_each_mode_gives_the_same(compiled):
    c, y, k = (np.float32(x) for x in problems(20))
    u = compiled(ops.proximal_sigmoid)(*map(tf.constant, (c, y, k)))
    expected = ops.proximal_sigmoid(c, y, k)
    np.testing.assert_allclose(u, expected, rtol=1e-4, atol=1e-9)
