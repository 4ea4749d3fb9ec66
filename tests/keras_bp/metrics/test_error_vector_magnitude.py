import numpy as np
import pytest

from keras_bp.metrics import error_vector_magnitude


def test_it_is_the_inverse_root_of_the_signal_to_noise_ratio():
    rng = np.random.default_rng(0)
    sent, noise = (rng.normal(size=(50_000, 2)) @ [1, 1j] for _ in "ab")
    found = error_vector_magnitude(sent + 0.1 * noise, sent)
    assert found == pytest.approx(10.0, rel=0.02)
    assert error_vector_magnitude(sent, sent) == 0.0
    turned = sent * np.exp(0.01j)
    assert error_vector_magnitude(turned, sent) == pytest.approx(1.0, rel=1e-3)


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="arrays of one shape"):
        error_vector_magnitude([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="with power"):
        error_vector_magnitude([1.0], [0.0])
