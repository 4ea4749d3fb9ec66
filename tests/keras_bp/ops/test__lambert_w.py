import numpy as np
import pytest
import tensorflow as tf
from scipy.special import lambertw

from keras_bp.ops._lambert_w import lambert_w_exp, smallest_root

TOLERANCES = {"float32": 2e-6, "float64": 5e-15}


@pytest.mark.parametrize("dtype", sorted(TOLERANCES))
def test_lambert_w_is_that_of_scipy(dtype):
    x = np.linspace(-80, 80, 3001).astype(dtype)
    w = lambert_w_exp(tf.constant(x))
    expected = lambertw(np.exp(x.astype("float64"))).real
    assert w.dtype == dtype
    # A float32 argument of 80 is known to 4e-6, and so is its exponential.
    rtol = TOLERANCES[dtype] * np.maximum(1, -x)
    np.testing.assert_array_less(np.abs(w - expected), rtol * expected)


@pytest.mark.parametrize("dtype", sorted(TOLERANCES))
def test_lambert_w_solves_its_equation_where_exponentials_overflow(dtype):
    x = tf.constant([1e3, 1e6, 1e12, 1e30], dtype)
    w = lambert_w_exp(x)
    np.testing.assert_allclose(w + tf.math.log(w), x, rtol=TOLERANCES[dtype])
    low = lambert_w_exp(tf.constant([-90.0, -1e4, -1e30], dtype))
    assert np.all(np.isfinite(low)) and np.all(low.numpy() < 1e-38)


@pytest.mark.parametrize("dtype", sorted(TOLERANCES))
def test_the_smallest_root_is_the_principal_branch(dtype):
    share = np.concatenate([np.logspace(-12, -1, 200), np.linspace(0.1, 1)])
    x = (share / np.e).astype(dtype)
    v = smallest_root(tf.constant(x)).numpy().astype("float64")
    np.testing.assert_allclose(
        v, x * np.exp(v), rtol=1e-13 + 2e-6 * (dtype == "float32")
    )
    # A square root begins at 1 / e.
    share, v = share[:-1], v[:-1]
    expected = -lambertw(-share / np.e).real
    near = share > 0.99
    np.testing.assert_allclose(v[~near], expected[~near], rtol=2e-5)
    np.testing.assert_allclose(v[near], expected[near], atol=2e-3)
    assert smallest_root(tf.constant(7.0, dtype)) == 1
