import numpy as np
import pytest

from keras_bp.metrics import nearest_hamming_distance

RNG = np.random.default_rng(0)
MODULE = nearest_hamming_distance.__globals__


@pytest.mark.parametrize("shape", [(11,), (4, 5), (3, 3, 1)])
@pytest.mark.parametrize(("rows", "columns"), [(1024, 8192), (3, 4), (1, 1)])
def test_it_is_the_least_of_all_pairs(shape, rows, columns, monkeypatch):
    monkeypatch.setitem(MODULE, "_ROWS", rows)
    monkeypatch.setitem(MODULE, "_COLUMNS", columns)
    samples = RNG.integers(0, 2, (10, *shape))
    references = RNG.integers(0, 2, (13, *shape))
    pairs = np.abs(samples[:, None] - references[None])
    expected = pairs.reshape(10, 13, -1).sum(axis=2).min(axis=1)
    found = nearest_hamming_distance(samples, references)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == "int64"


def test_a_copy_is_at_distance_zero_and_a_flipped_bit_at_one():
    references = RNG.integers(0, 2, (50, 28, 28))
    samples = references[[7, 31]].copy()
    samples[1, 3, 3] ^= 1
    np.testing.assert_array_equal(
        nearest_hamming_distance(samples, references), [0, 1]
    )


def test_opposites_are_at_the_number_of_bits():
    ones = np.ones((1, 784))
    assert nearest_hamming_distance(ones, 1 - ones) == 784


def test_wide_samples_are_counted_in_double_precision(monkeypatch):
    samples = RNG.integers(0, 2, (2, 3000))
    monkeypatch.setitem(MODULE, "_EXACT", 2)
    found = nearest_hamming_distance(samples[:1], samples[1:])
    assert found == np.sum(samples[0] != samples[1])


def test_wrong_arguments_raise():
    bits = np.ones((2, 3))
    for other in (np.ones((2, 4)), np.ones((0, 3)), np.ones(3)):
        with pytest.raises(ValueError, match="references of one shape, not em"):
            nearest_hamming_distance(bits, other)
    with pytest.raises(ValueError, match="`references` to hold 0 and 1"):
        nearest_hamming_distance(bits, 0.5 * bits)
