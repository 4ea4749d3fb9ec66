import numpy as np
import pytest
from estimator_toys import TOYS, check_unbiased, variances

# Closed forms: for t = .499 at offsets 0 and 2, then for t = .45.
VARIANCES = {
    2: [2.5000e-7, 1.6589e-7, 6.2500e-4, 4.1473e-4],
    4: [4.1667e-8, 6.8248e-8, 1.0417e-4, 1.7062e-4],
}


@pytest.mark.parametrize(
    ("name", "samples"), [*((name, 2) for name in TOYS), ("bit", 4)]
)
def test_it_is_unbiased(name, samples):
    found = check_unbiased(TOYS[name], "rloo", samples=samples)
    if name == "bit":
        np.testing.assert_allclose(
            variances(found), VARIANCES[samples], rtol=0.05
        )
