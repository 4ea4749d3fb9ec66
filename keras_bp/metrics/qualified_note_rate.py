"""How many notes of a piano-roll are long enough."""

import numpy as np

from keras_bp import _checks
from keras_bp.metrics._inputs import rolls_of


def qualified_note_rate(piano_rolls, min_steps=3):
    r"""Share of the notes of each roll that last long enough.

    A note is a run of steps in which a pitch is on, as long as the roll shows
    it: with the lengths :math:`l_i` of the notes,
    :math:`|\{i: l_i \ge m\}| / |\{i\}|`. Few of them mean a fragmented roll.

    The paper counts notes of three steps or more, which is the default here.
    Its published code takes those of `min_steps=2`, and its average over rolls
    leaves out the empty ones: `np.nanmean` of what is returned.

    Args:
        piano_rolls: Array of 0 and 1, of shape `(rolls, time, pitches)`.
        min_steps: Positive integer :math:`m`, time steps. Defaults to `3`.

    Returns:
        Float64 array of shape `(rolls,)`; NaN for a roll without a note.

    Raises:
        TypeError: `piano_rolls` holds no real numbers, or `min_steps` is no
            integer.
        ValueError: `piano_rolls` is of another shape, empty, or holds other
            values, or `min_steps` is not positive.

    Example:

    >>> from keras_bp.metrics import qualified_note_rate
    >>> roll = [[1, 0], [1, 0], [1, 1], [0, 0]]
    >>> print(qualified_note_rate([roll]), qualified_note_rate([roll], 4))
    [0.5] [0.]

    Reference:
        Dong and Yang, 2018, "Convolutional generative adversarial networks
        with binary neurons for polyphonic music generation",
        https://arxiv.org/abs/1804.09399, section 4.3.
    """
    owner = "qualified_note_rate"
    _checks.check_integer("min_steps", min_steps, minimum=1, owner=owner)
    rolls = rolls_of(piano_rolls, owner=owner)
    # Pitches one after the other, so that runs are neighbors in memory.
    silence = ((0, 0), (0, 0), (1, 1))
    padded = np.pad(rolls.swapaxes(1, 2), silence)
    changes = padded[..., 1:] ^ padded[..., :-1]
    roll, _, step = np.nonzero(changes)
    # Each note has a change before it and one after it.
    qualified = step[1::2] - step[::2] >= min_steps
    notes = np.bincount(roll[::2], minlength=len(rolls))
    kept = np.bincount(roll[::2][qualified], minlength=len(rolls))
    rate = np.full(len(rolls), np.nan)
    return np.divide(kept, notes, out=rate, where=notes > 0)
