"""The error of one patch over weights, and how many filters it takes."""

import numpy as np
import pytest
from random_maps import drawn_maps

from keras_bp.visualization.theory import (
    expected_guided_map,
    filters_needed,
    guided_patch_error,
    random_network,
)


@pytest.mark.parametrize("filters", [64, 512])
def test_the_error_of_a_patch_is_the_root_mean_square_over_weights(filters):
    patch = np.random.default_rng(0).normal(size=(3, 3, 3)).astype("float32")
    maps = drawn_maps(
        random_network(patch.shape, filters), "guided", patch, 300, (1.0, 1.0)
    )
    wanted = expected_guided_map(patch[None], filters)[0]
    off = np.square(maps - wanted).sum((1, 2, 3)) / np.square(wanted).sum()
    error = off.std() / np.sqrt(len(off))
    assert abs(off.mean() - guided_patch_error(27, filters) ** 2) < 4 * error


def test_as_many_filters_as_needed_and_no_more():
    for per, scale in (("patch", 1.0), ("pixel", 27**-0.5)):
        needed = filters_needed(27, 0.1, per)
        assert guided_patch_error(27, needed) * scale <= 0.1
        assert guided_patch_error(27, needed - 1) * scale > 0.1
    assert filters_needed(27, guided_patch_error(27, 640)) == 640


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`error`"):
        filters_needed(27, 0.0)
    with pytest.raises(ValueError, match="`per`"):
        filters_needed(27, 0.1, "image")
    with pytest.raises(ValueError, match="`patch_size`"):
        guided_patch_error(0, 10)
    with pytest.raises(ValueError, match="`num_filters`"):
        guided_patch_error(27, 0)
