"""The layer that masks the gradient and nothing else."""

import keras
from keras import ops

from keras_bp import _checks, _random
from keras_bp._registration import serializable
from keras_bp.layers._seeded import SeededLayer
from keras_bp.ops.mask_gradient import SCALES, backdrop_mask, mask_gradient

GRANULARITIES = ("sample", "spatial", "channel", "element")


@serializable
class BackdropMask(SeededLayer, keras.layers.Layer):
    r"""Passes its input on, and masks the gradient at random.

    Dropout along the backward pass only. Put it before a loss that does not
    decompose over samples (`"sample"`), or on a feature map whose cells see
    patches of a multi-scale image (`"spatial"`). The weights below receive
    the gradient of the surviving cells; with :math:`K` survivors of
    :math:`N` cells it is multiplied by :math:`N/K`, so that it is an unbiased
    estimate of the full gradient. Active only in training. Masked timesteps
    of a padded sequence count as cells.

    Args:
        rate: Float in [0, 1), probability that a cell is dropped.
        granularity: String, what a cell is. `"sample"`: an entry of the batch
            axis. `"spatial"`: a position, shared by the channels.
            `"channel"`: a channel, shared by the positions. `"element"`:
            each entry. Defaults to `"sample"`.
        mask_axes: Integer, tuple of integers, or None. The axes along which
            the cells lie, instead of `granularity`; negative ones count from
            the end. Defaults to `None`.
        per_sample: Boolean. If true, each sample has a mask and a count of
            survivors of its own; if false one mask is shared by the batch.
            Without effect where the batch axis is itself masked.
            Defaults to `True`.
        scale: String. `"empirical"`: :math:`N/K`, and never without a
            survivor. `"inverse"`: 1/(1 - rate), where a mask can be empty.
            `"none"`: no factor, never without a survivor.
            Defaults to `"empirical"`.
        data_format: String or None, `"channels_last"` or `"channels_first"`.
            Defaults to the image data format of the Keras configuration.
        seed: Integer or None. Two layers of one class and seed draw the same
            noise. Defaults to `None`, a random seed.

    Call arguments:
        x: Float tensor.
        training: Boolean, whether the layer is in training mode.

    Input shape:
        Any; at least rank 3 for `"spatial"`, rank 2 for `"channel"` and
        `"element"`.

    Output shape:
        That of the input.

    Raises:
        ValueError: The rate, a name, an axis, or the rank of the input is
            out of range.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import BackdropMask
    >>> x = np.ones((2, 3), "float32")
    >>> np.asarray(BackdropMask(rate=0.5)(x, training=True))
    array([[1., 1., 1.],
           [1., 1., 1.]], dtype=float32)

    Reference:
        Golkar and Cranmer, 2018, https://arxiv.org/abs/1806.01337.
    """

    def __init__(
        self,
        rate,
        granularity="sample",
        mask_axes=None,
        per_sample=True,
        scale="empirical",
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        owner = type(self).__name__
        _checks.check_rate("rate", rate, owner=owner)
        _checks.check_one_of(
            "granularity", granularity, GRANULARITIES, owner=owner
        )
        _checks.check_one_of("scale", scale, SCALES, owner=owner)
        data_format = data_format or keras.config.image_data_format()
        _checks.check_one_of(
            "data_format",
            data_format,
            ("channels_last", "channels_first"),
            owner=owner,
        )
        self.rate = float(rate)
        self.granularity = granularity
        self.mask_axes = _checked_axes(mask_axes, owner)
        self.per_sample = bool(per_sample)
        self.scale = scale
        self.data_format = data_format
        self.seed = seed
        self.supports_masking = True
        self.seed_generator = _random.seed_generator(seed, self)

    def build(self, input_shape):
        self._cell_axes(len(input_shape))

    def call(self, x, training=False):
        if not training or self.rate == 0.0:
            return x
        cell_axes = self._cell_axes(len(x.shape))
        draw = _random.deferred_uniform(
            self._mask_shape(x, cell_axes), self.seed_generator
        )

        def make_mask(upstream):
            noise = draw(self._mask_shape(upstream, cell_axes))
            return backdrop_mask(noise, self.rate, cell_axes, self.scale)

        return mask_gradient(x, make_mask)

    def _cell_axes(self, rank):
        """The axes along which cells are counted, none of them negative."""
        owner = type(self).__name__
        if self.mask_axes is not None:
            return self._explicit_axes(rank)
        least = {"sample": 1, "spatial": 3, "channel": 2, "element": 2}
        _checks.check_rank(
            (None,) * rank,
            least[self.granularity],
            owner=f"{owner}(granularity={self.granularity!r})",
            expects=f"rank {least[self.granularity]} or more",
        )
        if self.granularity == "sample":
            return (0,)
        channel = 1 if self.data_format == "channels_first" else rank - 1
        if self.granularity == "channel":
            return (channel,)
        inner = tuple(range(1, rank))
        if self.granularity == "element":
            return inner
        return tuple(axis for axis in inner if axis != channel)

    def _explicit_axes(self, rank):
        if any(not -rank <= axis < rank for axis in self.mask_axes):
            raise ValueError(
                f"{type(self).__name__} expects `mask_axes` within the rank of "
                f"its input, {rank}. Received: mask_axes={self.mask_axes}"
            )
        return tuple(sorted({axis % rank for axis in self.mask_axes}))

    def _mask_shape(self, x, cell_axes):
        kept = set(cell_axes)
        if self.per_sample:
            kept.add(0)
        sizes = ops.shape(x)
        return tuple(
            sizes[axis] if axis in kept else 1 for axis in range(len(sizes))
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "rate": self.rate,
            "granularity": self.granularity,
            "mask_axes": self.mask_axes,
            "per_sample": self.per_sample,
            "scale": self.scale,
            "data_format": self.data_format,
            "seed": self.seed,
        }


def _checked_axes(mask_axes, owner):
    if mask_axes is None:
        return None
    if isinstance(mask_axes, int):
        mask_axes = (mask_axes,)
    for axis in mask_axes:
        _checks.check_integer("mask_axes", axis, owner=owner)
    if not mask_axes:
        raise ValueError(
            f"{owner} expects `mask_axes` to name at least one axis, or None. "
            f"Received: mask_axes={mask_axes}"
        )
    return tuple(int(axis) for axis in mask_axes)
