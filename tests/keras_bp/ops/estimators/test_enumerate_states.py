import numpy as np
import pytest
from estimator_toys import TOYS

from keras_bp.layers import StochasticNode

DISCRETE = [name for name in TOYS if name not in ("normal", "mvn_diag")]


@pytest.mark.parametrize("name", DISCRETE)
def test_each_estimate_is_exact(name):
    toy = TOYS[name]
    found = toy.estimates(toy.model("enumerate"), 3)
    exact = np.repeat(toy.exact[:, None], 3, axis=1)
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["normal", "mvn_diag", lambda x: x])
def test_states_that_cannot_be_counted_are_refused(kind):
    with pytest.raises(ValueError, match="its states cannot be counted"):
        StochasticNode(kind, "enumerate")
