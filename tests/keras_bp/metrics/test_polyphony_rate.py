import numpy as np
import pytest
import tensorflow as tf

from keras_bp.metrics import polyphony_rate

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("min_pitches", [1, 2, 3, 6])
def test_it_counts_the_steps_with_enough_pitches(min_pitches):
    rolls = RNG.integers(0, 2, (5, 30, 6))
    expected = [
        sum(step.sum() >= min_pitches for step in roll) / 30 for roll in rolls
    ]
    np.testing.assert_allclose(polyphony_rate(rolls, min_pitches), expected)
    np.testing.assert_allclose(
        polyphony_rate(tf.constant(rolls, "float32"), min_pitches), expected
    )


def test_the_default_is_more_than_two():
    roll = np.tril(np.ones((5, 5)))
    np.testing.assert_allclose(polyphony_rate([roll]), [3 / 5])
    np.testing.assert_allclose(polyphony_rate([roll], 2), [4 / 5])


def test_silence_is_not_polyphonic():
    np.testing.assert_array_equal(polyphony_rate(np.zeros((2, 4, 3)), 1), 0)


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="rate expects `piano_rolls` of shape"):
        polyphony_rate(np.ones((4, 3)))
    with pytest.raises(ValueError, match="`piano_rolls` to hold 0 and 1"):
        polyphony_rate(np.full((1, 4, 3), np.nan))
    with pytest.raises(TypeError, match="`min_pitches` to be an integer"):
        polyphony_rate(np.ones((1, 4, 3)), min_pitches=2.5)
