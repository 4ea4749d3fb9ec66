"""How many filters guided backpropagation needs to show a patch."""

import math

from keras_bp import _checks


def guided_patch_error(patch_size, num_filters):
    r"""Root mean square distance of a guided map from a unit patch.

    .. math:: \sqrt{\frac{\pi^2 p - 1}{N}}

    of the map of one patch by :math:`N` random filters, scaled to the patch of
    length one that it is in the mean.

    Args:
        patch_size: Positive integer :math:`p`, entries of a patch.
        num_filters: Positive integer :math:`N`.

    Returns:
        Float.

    Raises:
        ValueError: A number is out of range.

    Reference:
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039,
        section 3.2, whose bound has the same order.
    """
    owner = "guided_patch_error"
    counts = {"patch_size": patch_size, "num_filters": num_filters}
    for name, value in counts.items():
        _checks.check_integer(
            name, value, minimum=1, maximum=2**63 - 1, owner=owner
        )
    return math.sqrt((math.pi**2 * patch_size - 1) / num_filters)


def filters_needed(patch_size, error, per="patch"):
    """The least number of filters for which the error is at most as given.

    Args:
        patch_size: Positive integer, entries of a patch.
        error: Positive float, of `guided_patch_error`.
        per: String. `"patch"`: of the whole patch. `"pixel"`: the root mean
            square of one entry, of which the paper's thousand for 0.1 is.
            Defaults to `"patch"`.

    Returns:
        Integer.

    Raises:
        ValueError: An argument is out of range.

    Example:

    >>> from keras_bp.visualization.theory import filters_needed
    >>> filters_needed(27, 0.1, per="pixel")
    984
    """
    owner = "filters_needed"
    _checks.check_positive("error", error, owner=owner)
    _checks.check_one_of("per", per, ("patch", "pixel"), owner=owner)
    needed = (guided_patch_error(patch_size, 1) / error) ** 2
    if per == "pixel":
        needed /= patch_size
    # Of whole numbers with the noise of rounding.
    return math.ceil(needed * (1 - 1e-12))
