import numpy as np
import pytest
import tensorflow as tf

from keras_bp import ops

RNG = np.random.default_rng(0)


def test_the_step_ends_at_the_minimum(compiled):
    c, y = RNG.normal(size=(2, 50, 3)) * 10
    k = 10 ** RNG.uniform(-8, 8, (50, 1))
    u = np.asarray(compiled(ops.proximal_squared)(*map(tf.constant, (c, y, k))))
    np.testing.assert_allclose(c - k * u - y, u, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_without_a_rate_the_step_is_explicit(dtype):
    c = tf.constant([[3.0, -1.0]], dtype)
    u = ops.proximal_squared(c, [[1.0, 1.0]], [[0.0]])
    assert u.dtype == dtype
    np.testing.assert_array_equal(tf.cast(u, "float32"), [[2, -2]])
