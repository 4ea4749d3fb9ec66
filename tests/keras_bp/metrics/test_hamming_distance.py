import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_bp.metrics import hamming_distance, same_latent_distance

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(6, 5), (6, 4, 3), (6, 4, 4, 1)])
def test_it_counts_the_bits_that_differ(shape):
    a, b = RNG.integers(0, 2, (2, *shape))
    expected = np.abs(a - b).reshape(6, -1).sum(axis=1)
    np.testing.assert_array_equal(hamming_distance(a, b), expected)
    np.testing.assert_array_equal(
        hamming_distance(tf.constant(a, "float32"), b.astype(bool)), expected
    )


@pytest.mark.parametrize("num_draws", [2, 3, 7])
def test_draws_differ_by_the_mean_over_their_pairs(num_draws):
    draws = RNG.integers(0, 2, (num_draws, 4, 5, 6))
    pairs = itertools.combinations(draws, 2)
    expected = np.mean([hamming_distance(a, b) for a, b in pairs], axis=0)
    np.testing.assert_allclose(same_latent_distance(draws), expected)


def test_independent_bits_differ_as_often_as_their_probabilities_say():
    p = RNG.random((3, 200))
    draws = RNG.random((2000, 3, 200)) < p
    expected = np.sum(2 * p * (1 - p), axis=1)
    np.testing.assert_allclose(same_latent_distance(draws), expected, rtol=0.01)


def test_a_deterministic_generator_has_none():
    draws = np.repeat(RNG.integers(0, 2, (1, 4, 9)), 5, axis=0)
    np.testing.assert_array_equal(same_latent_distance(draws), 0)


def test_wrong_arguments_raise():
    bits = np.ones((2, 3))
    for other in (bits[:1], bits.T, bits[0]):
        with pytest.raises(ValueError, match="distance expects two arrays of"):
            hamming_distance(bits, other)
    with pytest.raises(ValueError, match="one shape"):
        hamming_distance(bits[0], bits[0])
    with pytest.raises(ValueError, match="`others` to hold 0 and 1"):
        hamming_distance(bits, 2 * bits)
    for shape in ((1, 3, 4), (2, 3), (2, 0, 4)):
        with pytest.raises(ValueError, match="two draws or more"):
            same_latent_distance(np.ones(shape))
    with pytest.raises(ValueError, match="`draws` to hold 0 and 1"):
        same_latent_distance(np.full((2, 3, 4), np.nan))
