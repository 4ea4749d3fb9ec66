"""How often several pitches of a piano-roll sound at a time."""

import numpy as np

from keras_bp import _checks
from keras_bp.metrics._inputs import rolls_of


def polyphony_rate(piano_rolls, min_pitches=3):
    r"""Share of the time steps of each roll with enough pitches on.

    With the number :math:`c_t` of pitches in step :math:`t` of :math:`T`,
    :math:`|\{t: c_t \ge m\}| / T`. Silent steps count as steps.

    The paper counts steps of more than two pitches, which is the default
    here. Its published code takes those of `min_pitches=2`, and leaves empty
    rolls out of its average.

    Args:
        piano_rolls: Array of 0 and 1, of shape `(rolls, time, pitches)`.
        min_pitches: Positive integer :math:`m`. Defaults to `3`.

    Returns:
        Float64 array of shape `(rolls,)`, in [0, 1].

    Raises:
        TypeError: `piano_rolls` holds no real numbers, or `min_pitches` is no
            integer.
        ValueError: `piano_rolls` is of another shape, empty, or holds other
            values, or `min_pitches` is not positive.

    Example:

    >>> from keras_bp.metrics import polyphony_rate
    >>> roll = [[1, 1, 1], [1, 1, 0], [0, 0, 0], [0, 1, 0]]
    >>> print(polyphony_rate([roll]), polyphony_rate([roll], min_pitches=2))
    [0.25] [0.5]

    Reference:
        Dong and Yang, 2018, "Convolutional generative adversarial networks
        with binary neurons for polyphonic music generation",
        https://arxiv.org/abs/1804.09399, section 4.3.
    """
    owner = "polyphony_rate"
    _checks.check_integer("min_pitches", min_pitches, minimum=1, owner=owner)
    rolls = rolls_of(piano_rolls, owner=owner)
    return np.mean(np.count_nonzero(rolls, axis=2) >= min_pitches, axis=1)
