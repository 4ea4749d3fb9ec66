"""The layer that masks the gradient and nothing else."""

import keras
from keras import ops

from keras_bp import _checks, _random
from keras_bp._registration import serializable
from keras_bp.layers._backdrop_cells import (
    Cells,
    checked_integers,
    shared_seed,
)
from keras_bp.layers._seeded import SeededLayer
from keras_bp.ops.mask_gradient import SCALES, backdrop_mask, mask_gradient

GRANULARITIES = ("sample", "spatial", "channel", "element")
DATA_FORMATS = ("channels_last", "channels_first")


@serializable
class BackdropMask(SeededLayer, keras.layers.Layer):
    r"""Passes its input on, and masks the gradient at random.

    Dropout along the backward pass only. Put it before a loss that does not
    decompose over samples (`"sample"`), or on a feature map whose cells see
    patches of a multi-scale image (`"spatial"`). The weights below receive
    the gradient of the surviving cells; with :math:`K` survivors of
    :math:`N` cells it is multiplied by :math:`N/K`, so that it is an unbiased
    estimate of the full gradient, also below several masks. Active only in
    training. Masked timesteps of a padded sequence count as cells. A gradient
    of second order is masked by both of its backward passes
    (`keras_bp.ops.mask_gradient`), and is not unbiased.

    The rate is a saved weight that is not trained;
    `keras_bp.callbacks.BackdropRateSchedule` drives it.

    Args:
        rate: Float in [0, 1), the initial probability that a cell is dropped.
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
        block_size: Positive integer, or a tuple with one for each of the axes
            along which the cells lie. Cells of a block share their fate, and
            :math:`N` and :math:`K` count blocks, the last of an axis as a
            whole one even if it is smaller. Defaults to `1`.
        scale: String. `"empirical"`: :math:`N/K`, and never without a
            survivor. `"inverse"`: 1/(1 - rate), where a mask can be empty.
            `"none"`: no factor, never without a survivor.
            Defaults to `"empirical"`.
        share_key: String or None. Layers of one key and `seed` draw one
            noise: the n-th training calls of each have the same mask where
            the number of blocks and the rate are the same (of two rates, the
            survivors at the higher one also survive at the lower one).
            They part where one of them is called more often. A clone counts
            its calls from one; a loaded layer goes on from those of the
            saved one. Defaults to `None`.
        location: Integer, tuple of integers with one for each of the axes
            along which the cells lie, or None. The index of the one block
            that survives, always, with the weight :math:`N` (1 for the scale
            `"none"`), in place of a random choice; in a batch without it,
            none does. Defaults to `None`.
        data_format: String or None, `"channels_last"` or `"channels_first"`.
            Defaults to the image data format of the Keras configuration.
        seed: Integer or None. Two layers of one class and seed draw the same
            noise. Defaults to `None`, a random seed; with `share_key` to that
            of the key, the same in each run.

    Attributes:
        rate: Float, or once the layer is built the scalar weight
            `backdrop_rate`, float32 under any dtype policy. `get_config` has
            the initial one.

    Call arguments:
        x: Float tensor.
        training: Boolean, whether the layer is in training mode.

    Input shape:
        Any; at least rank 3 for `"spatial"`, rank 2 for `"channel"` and
        `"element"`.

    Output shape:
        That of the input.

    Raises:
        TypeError: A size, an axis or a place is no integer, or `share_key` no
            string.
        ValueError: The rate, a name, a size, an axis, a place, or the rank of
            the input is out of range, or `location` has the scale
            `"inverse"`.

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
        block_size=1,
        scale="empirical",
        share_key=None,
        location=None,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        owner = type(self).__name__
        data_format = data_format or keras.config.image_data_format()
        _checks.check_rate("rate", rate, owner=owner)
        for name, value, known in (
            ("granularity", granularity, GRANULARITIES),
            ("scale", scale, SCALES),
            ("data_format", data_format, DATA_FORMATS),
        ):
            _checks.check_one_of(name, value, known, owner=owner)
        self._rate = self.initial_rate = float(rate)
        self.granularity = granularity
        self.mask_axes = _axes(mask_axes, owner)
        self.per_sample = bool(per_sample)
        self.block_size = checked_integers("block_size", block_size, owner, 1)
        self.scale = scale
        self.share_key = _checked_key(share_key, owner)
        self.location = _checked_location(location, scale, owner)
        self.data_format = data_format
        self.seed = seed
        self.supports_masking = True
        self.seed_generator = _random.seed_generator(
            shared_seed(share_key, seed), self
        )
        # Set by `forced_mask` of `_backdrop_cells`, for callbacks that probe.
        self.forced_mask = None

    @property
    def rate(self):
        return self._rate

    @rate.setter
    def rate(self, value):
        _checks.check_rate("rate", value, owner=type(self).__name__)
        if self.built:
            self._rate.assign(value)
        else:
            self._rate = self.initial_rate = float(value)

    def load_own_variables(self, store):
        # Files that were written before the rate was a weight have none.
        kept = {name: store[name] for name in list(store.keys())}
        super().load_own_variables({"0": self.initial_rate, **kept})

    def build(self, input_shape):
        cells = self.cells(len(input_shape))
        if self.location is not None:
            cells.check_location(self.location, input_shape)
        # The name is how BackdropRateSchedule finds the weight in a model.
        self._rate = self.add_weight(
            name="backdrop_rate",
            shape=(),
            initializer=keras.initializers.Constant(self.initial_rate),
            dtype="float32",
            autocast=False,
            trainable=False,
        )

    def call(self, x, training=False):
        if self.forced_mask is not None:
            return mask_gradient(x, self.forced_mask)
        if not training:
            return x
        cells = self.cells(len(x.shape))
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        if self.location is not None:
            return mask_gradient(x, self._single_mask(cells, dtype))
        draw = _random.deferred_uniform(
            cells.noise_shape(ops.shape(x)), self.seed_generator, dtype
        )
        # A copy: the backward pass of a loop must not read a variable.
        rate = ops.copy(self.rate)

        def make_mask(upstream):
            sizes = ops.shape(upstream)
            noise = draw(cells.noise_shape(sizes))
            mask = backdrop_mask(noise, rate, cells.axes, self.scale)
            return cells.expand(mask, sizes)

        return mask_gradient(x, make_mask)

    def _single_mask(self, cells, dtype):
        return lambda upstream: cells.single(
            self.location,
            ops.shape(upstream),
            counted=self.scale == "empirical",
            dtype=dtype,
        )

    def cells(self, rank):
        """Where the cells lie, on inputs of this rank."""
        return Cells(
            self._cell_axes(rank),
            self.block_size,
            self.per_sample,
            type(self).__name__,
        )

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
        # In the order in which they were given, as sizes and places are.
        return tuple(dict.fromkeys(axis % rank for axis in self.mask_axes))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "rate": self.initial_rate,
            "granularity": self.granularity,
            "mask_axes": self.mask_axes,
            "per_sample": self.per_sample,
            "block_size": self.block_size,
            "scale": self.scale,
            "share_key": self.share_key,
            "location": self.location,
            "data_format": self.data_format,
            "seed": self.seed,
        }


def _axes(mask_axes, owner):
    if mask_axes is None:
        return None
    axes = checked_integers("mask_axes", mask_axes, owner)
    return (axes,) if isinstance(axes, int) else axes


def _checked_key(share_key, owner):
    if share_key is not None and not isinstance(share_key, str):
        raise TypeError(
            f"{owner} expects `share_key` to be a string or None. "
            f"Received: share_key={share_key!r}"
        )
    return share_key


def _checked_location(location, scale, owner):
    if location is None:
        return None
    if scale == "inverse":
        raise ValueError(
            f"{owner} expects `scale` to be 'empirical' or 'none' with a "
            f"`location`, which no rate chooses. Received: scale={scale!r}"
        )
    return checked_integers("location", location, owner)
