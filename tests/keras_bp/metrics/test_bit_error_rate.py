import numpy as np
import pytest
from scipy import special, stats

from keras_bp.metrics import BitErrorRate, bit_error_rate
from keras_bp.metrics._beta import beta_probability


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


@pytest.mark.parametrize("bits", [10**14, 10**16, 2**63 - 1])
def test_the_bounds_hold_for_more_bits_than_a_float_counts(bits):
    # Without errors (1 - p)^bits is the tail; few are Poisson's.
    high = BitErrorRate(0, bits).interval(0.95)[1]
    np.testing.assert_allclose(high * bits, -np.log(0.025), rtol=1e-9)
    for errors in (1, 100, 10**5):
        low, high = BitErrorRate(errors, bits).interval(0.95)
        expected = stats.gamma.ppf([0.025, 0.975], [errors, errors + 1])
        np.testing.assert_allclose([low * bits, high * bits], expected, 1e-8)
    bound = BitErrorRate(3, bits).upper_bound(0.9)
    np.testing.assert_allclose(bound * bits, stats.gamma.ppf(0.9, 4), 1e-9)


def test_the_beta_distribution_is_that_of_scipy():
    for a in (0.5, 3.0, 40.0, 2e3):
        for b in (1.0, 30.0, 1e4, 1e9):
            for x in stats.beta.ppf([1e-6, 0.1, 0.5, 0.99], a, b):
                found = beta_probability(a, b, x)
                expected = special.betainc(a, b, x)
                np.testing.assert_allclose(found, expected, rtol=1e-9)
