import numpy as np
import pytest
from estimator_toys import BIT, BITS, check_unbiased, variances

from keras_bp.layers import StochasticNode

# Closed forms: for t = .499 at offsets 0 and 2, then for t = .45.
VARIANCES = [8.3333e-8, 1.4199e-7, 2.0833e-4, 3.5498e-4]


def test_it_is_unbiased_with_the_variance_of_its_formula():
    found = check_unbiased(BIT, "arm")
    np.testing.assert_allclose(variances(found), VARIANCES, rtol=0.05)


def test_it_is_unbiased_for_several_bits():
    check_unbiased(BITS, "arm")


@pytest.mark.parametrize("kind", ["one_hot", "categorical", "normal"])
def test_it_is_for_bits(kind):
    with pytest.raises(ValueError, match="no estimator 'arm' for a " + kind):
        StochasticNode(kind, "arm")
