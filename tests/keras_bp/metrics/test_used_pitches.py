import numpy as np
import pytest

from keras_bp.metrics import used_pitches

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("steps", [1, 4, 16])
def test_it_counts_the_pitches_of_each_bar(steps):
    rolls = RNG.random((3, 16, 9)) < 0.1
    found = used_pitches(rolls, steps)
    for roll, counts in zip(rolls, found, strict=True):
        bars = np.split(roll, 16 // steps)
        expected = [len(set(np.nonzero(bar)[1])) for bar in bars]
        np.testing.assert_array_equal(counts, expected)


def test_wrong_arguments_raise():
    rolls = np.ones((1, 10, 3))
    with pytest.raises(ValueError, match="divide the time; cut.*for 10 steps"):
        used_pitches(rolls, 4)
    with pytest.raises(ValueError, match="`steps_per_bar` to be 1"):
        used_pitches(rolls, 0)
    with pytest.raises(ValueError, match="pitches expects `piano_rolls`"):
        used_pitches(rolls[0], 5)
