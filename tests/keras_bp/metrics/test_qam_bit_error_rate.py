import math

import numpy as np
import pytest

from keras_bp.metrics import qam_bit_error_rate


def tail(x):
    return math.erfc(x / math.sqrt(2)) / 2


def test_sixteen_points_follow_their_closed_form():
    for snr_db, published in (
        (13, 1.72e-2),
        (14, 9.38e-3),
        (15, 4.47e-3),
        (16, 1.79e-3),
        (17, 5.8e-4),
        (18, 1.4e-4),
        (20, 2.9e-6),
    ):
        a = math.sqrt(10 ** (snr_db / 10) / 5)
        formula = 0.75 * tail(a) + 0.5 * tail(3 * a) - 0.25 * tail(5 * a)
        found = float(qam_bit_error_rate(16, snr_db))
        np.testing.assert_allclose(found, formula, rtol=1e-12)
        np.testing.assert_allclose(found, published, rtol=0.03)


def test_four_points_are_two_binary_signals():
    snr = np.array([0.0, 5.0, 10.0])
    expected = [tail(math.sqrt(10 ** (value / 10))) for value in snr]
    np.testing.assert_allclose(qam_bit_error_rate(4, snr), expected)


@pytest.mark.parametrize("order", [64, 256])
def test_larger_orders_equal_a_sum_over_all_decisions(order):
    side = math.isqrt(order)
    half = math.sqrt(3 * 10**1.5 / (order - 1))
    gray = np.arange(side) ^ (np.arange(side) >> 1)
    levels = 2 * np.arange(side) - (side - 1)
    edges = np.concatenate([[-np.inf], levels[:-1] + 1, [np.inf]])
    total = 0.0
    for i in range(side):
        for j in range(side):
            low, high = ((edges[j + k] - levels[i]) * half for k in (0, 1))
            bits = int(gray[i] ^ gray[j]).bit_count()
            total += bits * (tail(low) - tail(high))
    total /= side * (side.bit_length() - 1)
    np.testing.assert_allclose(qam_bit_error_rate(order, 15.0), total)


def test_other_orders_raise():
    with pytest.raises(ValueError, match="`order` to be 4, 16, 64 or 256"):
        qam_bit_error_rate(8, 10.0)
