import numpy as np
import pytest
from estimator_toys import BIT, BITS, check_unbiased, variances

from keras_bp.layers import StochasticNode

# Closed forms: for t = .499 at offsets 0 and 2, then for t = .45.
VARIANCES = [0.0, 1.4086e-7, 0.0, 3.5215e-4]


def test_it_is_unbiased_with_the_variance_of_its_formula():
    found = check_unbiased(BIT, "disarm")
    np.testing.assert_allclose(
        variances(found), VARIANCES, rtol=0.05, atol=1e-12
    )


def test_it_is_unbiased_for_several_bits():
    check_unbiased(BITS, "disarm")


@pytest.mark.parametrize("kind", ["one_hot", "categorical", "normal"])
def test_it_is_for_bits(kind):
    with pytest.raises(ValueError, match="no estimator 'disarm' for a " + kind):
        StochasticNode(kind, "disarm")
