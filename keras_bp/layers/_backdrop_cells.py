"""Where the cells of a gradient mask lie, and in which blocks."""

import contextlib
import math
import zlib

from keras import ops

from keras_bp import _checks


def checked_integers(name, value, owner, minimum=None):
    """A tuple of one or more integers, or an integer as it is.

    Args:
        name: String, the argument.
        value: An integer, or a sequence of them.
        owner: String, who expects it.
        minimum: Integer, the least that is allowed, or None.
    """
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        _checks.check_integer(name, value, owner=owner, minimum=minimum)
        return int(value)
    for number in value:
        _checks.check_integer(name, number, owner=owner, minimum=minimum)
    if not len(value):
        raise ValueError(
            f"{owner} expects `{name}` to name at least one axis, or None. "
            f"Received: {name}={value}"
        )
    return tuple(int(number) for number in value)


def shared_seed(share_key, seed):
    """The seed of all layers of this key and seed."""
    if share_key is None:
        return seed
    return zlib.crc32(share_key.encode()) ^ int(seed or 0)


@contextlib.contextmanager
def forced_mask(layer, mask):
    """Lets a `BackdropMask` use this mask, in training or not.

    Args:
        layer: The layer.
        mask: Tensor, or a function of the incoming gradient.
    """
    before = layer.forced_mask
    layer.forced_mask = mask
    try:
        yield
    finally:
        layer.forced_mask = before


class Cells:
    """The cells of a mask, on tensors of one rank.

    Blocks are counted from the start of an axis; the last one is smaller
    where they do not divide it. Whole blocks are drawn and counted, whatever
    their size: so they are exchangeable, and the mean of the mask is one.

    Args:
        axes: Tuple of axes along which the cells lie, none of them negative.
        block_size: Integer, or a tuple with one for each of the axes.
        per_sample: Boolean, whether each sample has a mask of its own.
        owner: String, for the message of an error.
    """

    def __init__(self, axes, block_size, per_sample, owner):
        self.axes = axes
        self.per_sample = per_sample
        self._owner = owner
        sizes = self._for_each_axis("block_size", block_size)
        self._block = dict(zip(axes, sizes, strict=True))

    def noise_shape(self, sizes):
        """The shape of one number for each block, for an input of `sizes`."""
        shape = [1] * len(sizes)
        if self.per_sample:
            shape[0] = sizes[0]
        for axis in self.axes:
            shape[axis] = self._count(sizes, axis)
        return tuple(shape)

    def expand(self, mask, sizes):
        """Gives each cell what its block has."""
        for axis in self.axes:
            if self._block[axis] > 1:
                places = ops.arange(sizes[axis], dtype="int32")
                mask = ops.take(mask, places // self._block[axis], axis=axis)
        return mask

    def single(self, location, sizes, counted, dtype):
        """The mask of one surviving block; `counted`: of the weight N."""
        places = self._for_each_axis("location", location)
        mask = ops.ones([1] * len(sizes), dtype)
        for axis, place in zip(self.axes, places, strict=True):
            count = self._count(sizes, axis)
            at = ops.arange(count, dtype="int32")
            hit = ops.equal(at, place if place >= 0 else count + place)
            shape = [1] * len(sizes)
            shape[axis] = -1
            mask = mask * ops.reshape(ops.cast(hit, dtype), shape)
        if counted:
            cells = math.prod(self._count(sizes, axis) for axis in self.axes)
            mask = mask * ops.cast(cells, dtype)
        return self.expand(mask, sizes)

    def check_location(self, location, sizes):
        """Raises unless the block exists, as far as the sizes are known."""
        places = self._for_each_axis("location", location)
        for axis, place in zip(self.axes, places, strict=True):
            if sizes[axis] is None:
                continue
            count = self._count(sizes, axis)
            if not -count <= place < count:
                raise ValueError(
                    f"{self._owner} expects `location` to be within the "
                    f"{count} cells or blocks of axis {axis}. Received: "
                    f"location={location} for an input of shape {tuple(sizes)}"
                )

    def _count(self, sizes, axis):
        return -(-sizes[axis] // self._block[axis])

    def _for_each_axis(self, name, value):
        if isinstance(value, int):
            if name == "location" and len(self.axes) > 1:
                self._refuse(name, value)
            return (value,) * len(self.axes)
        if len(value) != len(self.axes):
            self._refuse(name, value)
        return value

    def _refuse(self, name, value):
        raise ValueError(
            f"{self._owner} expects `{name}` to have an entry for each of the "
            f"axes {self.axes} along which its cells lie. "
            f"Received: {name}={value}"
        )
