import numpy as np
import pytest
from scipy import stats

from keras_bp.metrics import BitErrorRate, bit_error_rate


@pytest.mark.parametrize(
    ("errors", "bits"),
    [(0, 1000), (1, 1000), (100, 100_000), (3, 10_000_000), (999, 1000)],
)
@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_the_interval_is_that_of_clopper_and_pearson(errors, bits, confidence):
    counted = BitErrorRate(errors, bits)
    expected = stats.binomtest(errors, bits).proportion_ci(confidence)
    np.testing.assert_allclose(
        counted.interval(confidence), [expected.low, expected.high], rtol=1e-5
    )
    bound = stats.beta.ppf(confidence, errors + 1, bits - errors)
    np.testing.assert_allclose(
        counted.upper_bound(confidence), bound, rtol=1e-5
    )
    assert counted.value == errors / bits


def test_all_bits_wrong_leave_no_room_above():
    counted = BitErrorRate(10, 10)
    assert counted.interval()[1] == 1.0 and counted.upper_bound() == 1.0


def test_a_hundred_errors_are_enough():
    assert BitErrorRate(100, 10**6).reliable
    assert not BitErrorRate(99, 10**6).reliable
    assert BitErrorRate(60, 1000) + BitErrorRate(50, 500) == BitErrorRate(
        110, 1500
    )


def test_counting_compares_bit_by_bit():
    sent = np.array([[0, 1, 1], [0, 0, 1]])
    assert bit_error_rate(sent, sent ^ [[1, 0, 0], [0, 0, 1]]) == BitErrorRate(
        2, 6
    )


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="`errors` to be 5 or less"):
        BitErrorRate(6, 5)
    with pytest.raises(TypeError, match="integer"):
        BitErrorRate(0.5, 5)
    with pytest.raises(ValueError, match="arrays of one shape"):
        bit_error_rate([0, 1], [0])
    with pytest.raises(ValueError, match="`received` to hold 0 and 1"):
        bit_error_rate([0, 1], [0, 2])
    for confidence in (0.0, 1.0, 95):
        with pytest.raises(ValueError, match="`confidence`"):
            BitErrorRate(1, 5).interval(confidence)


def test_counts_of_numpy_become_integers():
    counted = BitErrorRate(np.int64(3), np.int32(10))
    assert type(counted.errors) is type(counted.bits) is int
    with pytest.raises(TypeError):
        counted + 1
