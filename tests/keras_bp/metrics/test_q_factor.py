import numpy as np
import pytest
from scipy import special

from keras_bp.metrics import q_factor, q_factor_to_bit_error_rate


def test_it_is_the_formula_down_to_rates_that_are_never_counted():
    rate = np.array([0.4, 1e-2, 4.47e-3, 1e-9, 1e-15])
    formula = 20 * np.log10(np.sqrt(2) * special.erfcinv(2 * rate))
    np.testing.assert_allclose(q_factor(rate), formula, rtol=1e-9)
    assert round(float(q_factor(4.47e-3)), 2) == 8.35


def test_it_inverts_the_error_rate_of_a_binary_signal():
    q = 10 ** (q_factor(1e-3) / 20)
    np.testing.assert_allclose(special.erfc(q / np.sqrt(2)) / 2, 1e-3)


@pytest.mark.parametrize("rate", [0.0, 0.5, -1e-3, [1e-3, 0.7], np.nan])
def test_rates_out_of_range_raise(rate):
    with pytest.raises(ValueError, match="above 0 and below 0.5"):
        q_factor(rate)


def test_there_and_back_again():
    rate = np.array([[0.4, 1e-2], [1e-9, 1e-15]])
    back = q_factor_to_bit_error_rate(q_factor(rate))
    np.testing.assert_allclose(back, rate, rtol=1e-9)
    with pytest.raises(ValueError, match="finite Q factors"):
        q_factor_to_bit_error_rate([1.0, np.nan])
