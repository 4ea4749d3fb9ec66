import os
import pathlib

import numpy as np
import pytest

from keras_bp.metrics import qualified_note_rate

RNG = np.random.default_rng(0)


def by_loops(roll, min_steps):
    lengths = []
    for pitch in roll.T:
        sounds = "".join("#" if on else " " for on in pitch).split()
        lengths += map(len, sounds)
    return np.mean(np.array(lengths) >= min_steps) if lengths else np.nan


@pytest.mark.parametrize("min_steps", [1, 2, 3, 5])
def test_it_is_what_a_loop_over_pitches_counts(min_steps):
    rolls = RNG.random((12, 20, 6)) < np.linspace(0, 1, 12)[:, None, None]
    expected = [by_loops(roll, min_steps) for roll in rolls]
    found = qualified_note_rate(rolls, min_steps)
    np.testing.assert_allclose(found, expected)
    assert np.isnan(found[0]) and found[-1] == 1


def test_notes_end_with_their_roll_and_their_pitch():
    rolls = np.zeros((2, 4, 3))
    rolls[0, 2:, 1] = 1  # At the end of a roll, and of a pitch ...
    rolls[0, :2, 2] = 1  # ... next to the start of the next pitch,
    rolls[1, :2, 0] = 1  # ... and of the next roll.
    np.testing.assert_array_equal(qualified_note_rate(rolls, 2), [1, 1])
    np.testing.assert_array_equal(qualified_note_rate(rolls, 3), [0, 0])


def test_the_default_is_that_of_the_paper():
    roll = np.zeros((10, 3))
    roll[:1, 0] = roll[:2, 1] = roll[:3, 2] = 1
    np.testing.assert_allclose(qualified_note_rate([roll]), [1 / 3])
    np.testing.assert_allclose(qualified_note_rate([roll], 2), [2 / 3])


@pytest.mark.slow
def test_chorales_have_the_rate_of_a_loop():
    from scipy import io

    path = pathlib.Path(os.environ.get("KERAS_BP_DATA", ""))
    if not (path / "JSB_Chorales.mat").is_file():
        pytest.skip("needs JSB_Chorales.mat in the folder KERAS_BP_DATA")
    chorales = io.loadmat(path / "JSB_Chorales.mat")["traindata"][0]
    for roll in chorales[:20]:
        np.testing.assert_allclose(
            qualified_note_rate(roll[None], 2), by_loops(roll, 2)
        )


def test_wrong_arguments_raise():
    for shape in ((4, 3), (0, 4, 3), (1, 4, 3, 1)):
        with pytest.raises(ValueError, match="rate expects `piano_rolls` of"):
            qualified_note_rate(np.ones(shape))
    with pytest.raises(ValueError, match="hold 0 and 1"):
        qualified_note_rate(np.full((1, 4, 3), 0.3))
    with pytest.raises(ValueError, match="`min_steps` to be 1 or greater"):
        qualified_note_rate(np.ones((1, 4, 3)), min_steps=0)
