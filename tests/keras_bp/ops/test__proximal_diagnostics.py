import numpy as np
import pytest
from proximal_references import SLOPES as SMOOTH

from keras_bp.ops._proximal_diagnostics import proximal_roots
from keras_bp.ops.proximal_unit import ACTIVATIONS, proximal_unit

RNG = np.random.default_rng(0)
SEARCHED = ("arctan", "elu", "sigmoid", "silu", "softplus", "tanh")
SLOPES = {
    **{name: SMOOTH[name] for name in SEARCHED},
    "relu": lambda q: 1.0 * (q > 0),
    "leaky_relu": lambda q: np.where(q > 0, 1, 0.3),
    "hard_tanh": lambda q: 1.0 * (np.abs(q) < 1),
}
EXACT = ("arctan", "relu", "leaky_relu", "hard_tanh")


def numpy_roots(c, b, k, activation):
    slope = 0.3 if activation == "leaky_relu" else None
    found = proximal_roots(c, b, k, activation, slope)
    return [np.asarray(x) for x in found]


@pytest.mark.parametrize("activation", sorted(SLOPES))
def test_several_stationary_points_are_marked(activation):
    c, b = RNG.uniform(-6, 6, (2, 200))
    c, b = np.where(b * c > 0, c, -c), b * 4
    c = np.where(activation in ("softplus", "elu", "silu"), -np.abs(c), c)
    c = np.where(activation in ("relu", "leaky_relu"), -2 * np.abs(c), c)
    several, _ = numpy_roots(c, b, np.ones(200), activation)
    # Signs of u - b slope(c - u), of which each change is a root.
    u = np.linspace(-30, 30, 16000)[:, None]
    sign = np.sign(u - b * SLOPES[activation](c - u))
    count = np.sum(sign[1:] != sign[:-1], axis=0)
    if activation in EXACT:
        np.testing.assert_array_equal(several, count > 1)
    assert np.all(several[count > 1]) and np.any(count > 1)
    assert not np.all(several)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "hard_tanh"])
def test_steps_that_end_on_a_kink_are_marked(activation):
    c, b = RNG.uniform(-6, 6, (2, 300))
    _, kink = numpy_roots(c, b, np.ones(300), activation)
    slope = 0.3 if activation == "leaky_relu" else None
    q = c - np.asarray(proximal_unit(c, b, np.ones(300), activation, slope))
    at = np.abs(q) - 1 if activation == "hard_tanh" else q
    np.testing.assert_array_equal(kink, np.abs(at) < 1e-12)
    assert 0 < np.sum(kink) < 300


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_small_rate_leaves_one_point_and_no_kink(activation):
    c, b = np.array([[-3.0], [2.0]]), np.array([[2.0, -2.0]])
    for found in proximal_roots(c, b, [[1e-3]], activation):
        assert found.shape == (2, 2) and not np.any(found)
