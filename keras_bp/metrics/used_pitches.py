"""How many pitches of a piano-roll a bar uses."""

import numpy as np

from keras_bp import _checks
from keras_bp.metrics._inputs import rolls_of


def used_pitches(piano_rolls, steps_per_bar):
    r"""Counts the pitches that are on in each bar of each roll.

    :math:`\sum_p \max_{t \in \text{bar}} x_{tp}`.

    Args:
        piano_rolls: Array of 0 and 1, of shape `(rolls, time, pitches)`.
        steps_per_bar: Positive integer that divides the time, steps.

    Returns:
        Integer array of shape `(rolls, time // steps_per_bar)`.

    Raises:
        TypeError: `piano_rolls` holds no real numbers, or `steps_per_bar` is
            no integer.
        ValueError: `piano_rolls` is of another shape, empty, or holds other
            values, or `steps_per_bar` does not divide the time.

    Example:

    >>> from keras_bp.metrics import used_pitches
    >>> roll = [[1, 1, 0], [1, 0, 1], [0, 0, 0], [0, 1, 0]]
    >>> print(used_pitches([roll], steps_per_bar=2))
    [[3 1]]

    Reference:
        Dong et al., 2018, "MuseGAN: Multi-track sequential generative
        adversarial networks", https://arxiv.org/abs/1709.06298, section 5.2.
    """
    owner = "used_pitches"
    _checks.check_integer(
        "steps_per_bar", steps_per_bar, minimum=1, owner=owner
    )
    rolls = rolls_of(piano_rolls, owner=owner)
    count, time, pitches = rolls.shape
    if time % steps_per_bar:
        raise ValueError(
            f"{owner} expects `steps_per_bar` to divide the time; cut the "
            f"rolls to whole bars. Received: steps_per_bar={steps_per_bar} "
            f"for {time} steps"
        )
    bars = rolls.reshape(count, -1, steps_per_bar, pitches)
    return np.count_nonzero(bars.any(axis=2), axis=2)
