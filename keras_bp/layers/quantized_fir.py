"""The layer of FIR filters with fixed-point taps and signal."""

import functools

import keras
import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.layers._fir_taps import (
    accumulator_dtype,
    block_diagonal,
    check_arguments,
    check_rounding,
    check_time,
    output_channels,
    spike,
    stored_shape,
)
from keras_bp.layers._tap_hold import TapHold
from keras_bp.layers.fixed_point_quantizer import (
    FixedPointQuantizer,
    as_fixed_point,
    wide_dtype,
)
from keras_bp.ops.fir import (
    complex_taps_to_real,
    fir,
    padding_lengths,
    symmetric_taps,
)
from keras_bp.ops.fixed_point import FixedPoint


@serializable
class QuantizedFIR(keras.layers.Layer):
    r"""Filters a signal with taps and samples in fixed point.

    The input is rounded to `signal_format`, the taps to `tap_format`, the
    products are summed without rounding (see `accumulator`), and the sum is
    rounded to `output_format`: what is trained is what the exported integers
    compute. The gradient passes the roundings straight through, is 0 where
    the signal saturates, and leads a saturated tap back. Callbacks such as
    `keras_bp.callbacks.TapPrune` hold taps at a value by `tap_hold`.

    The filter is a convolution, :math:`y_t = \sum_k h_k x_{t-k}`, not the
    correlation of `keras.layers.Conv1D`. The layer computes in float32 or
    float64 whatever the dtype policy: half precision cannot hold its numbers.
    `input_quantizer.overflow` and `output_quantizer.overflow` show in the
    logs of `fit`.

    Args:
        filters: Positive integer, number of outputs: complex ones if
            `complex`, else real channels; each is a sum over all inputs. Or
            None for one filter through which every input passes by itself,
            such as the polarizations of a fiber.
        num_taps: Positive integer, length of the filter.
        tap_format: `FixedPoint`, or None for taps that are not rounded.
            Defaults to `FixedPoint(8, 6)`.
        signal_format: `FixedPoint`, or None for a signal that is not rounded.
            Defaults to `FixedPoint(16, 12)`.
        output_format: `FixedPoint`, or None for the same as `signal_format`;
            a trained step is trained on its own. Defaults to `None`.
        complex: Boolean. If true the channels are pairs of I and Q, and the
            taps are complex. Defaults to `True`.
        symmetric: Boolean. If true tap k equals tap num_taps - 1 - k, and
            `num_taps` is odd. Defaults to `False`.
        padding: String, `"valid"`, `"same"`, `"causal"`, or `"circular"`
            (see `keras_bp.ops.pad_signal`). Defaults to `"valid"`.
        strides: Positive integer; every `strides`-th output is kept.
            Defaults to `1`.
        tap_initializer: String `"spike"` (1, or the largest tap, from each
            input to the output of the same number, at tap 0 for `"causal"`
            without symmetry, else at the center), or a Keras initializer.
            Defaults to `"spike"`.
        tap_gradient: String, `"straight_through"`, `"lsq"`, or `"noise"`, see
            `FixedPointQuantizer`. Defaults to `"straight_through"`.
        signal_gradient: The same, of input and output.
        accumulator: String, `"float32"`, `"float64"`, or `"auto"`: float32
            in training, and where the word lengths make the sums exact, TF32
            or not (of steps that are powers of two), else float64. Defaults
            to `"auto"`.

    Call arguments:
        x: Float tensor.
        training: Boolean, whether the layer is in training mode.

    Input shape:
        `(batch, time, 2)` for one complex signal, `(batch, time, 2 * n)` for
        n of them, `(batch, time, channels)` for real ones.

    Output shape:
        `(batch, new_time, 2 * filters)` if complex, else
        `(batch, new_time, filters)`, where new_time is
        ceil((time - num_taps + 1) / strides) for `"valid"`, else
        ceil(time / strides). The dtype is float64 under the dtype policy
        `float64`, else float32.

    Raises:
        TypeError: A format is not a `FixedPoint`, or a count not an integer.
        ValueError: A number or name is out of range, `num_taps` is even where
            symmetry needs it odd, the format of a signal has `max_digits`,
            the input is not of rank 3, its channels are odd where they are
            I/Q pairs, or it is too short.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import QuantizedFIR
    >>> fir = QuantizedFIR(1, 3, complex=False, padding="causal")
    >>> np.asarray(fir(np.array([[[0.5], [1.0], [-2.0]]]))).ravel().tolist()
    [0.5, 1.0, -2.0]

    Reference:
        Fougstedt et al., 2018, "ASIC Implementation of Time-Domain Digital
        Backpropagation with Deep-Learned Chromatic Dispersion Filters".
    """

    def __init__(
        self,
        filters,
        num_taps,
        tap_format=FixedPoint(8, 6),  # noqa: B008 (immutable)
        signal_format=FixedPoint(16, 12),  # noqa: B008 (immutable)
        output_format=None,
        complex=True,
        symmetric=False,
        padding="valid",
        strides=1,
        tap_initializer="spike",
        tap_gradient="straight_through",
        signal_gradient="straight_through",
        accumulator="auto",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_arguments(
            self, filters, num_taps, strides, symmetric, padding, accumulator
        )
        self.filters = None if filters is None else int(filters)
        self.num_taps = int(num_taps)
        as_format = functools.partial(as_fixed_point, owner=type(self).__name__)
        self.tap_format = as_format("tap_format", tap_format)
        self.signal_format = as_format("signal_format", signal_format)
        self.output_format = as_format("output_format", output_format)
        self.complex = bool(complex)
        self.symmetric = bool(symmetric)
        self.padding = padding
        self.strides = int(strides)
        self.tap_initializer = tap_initializer
        if tap_initializer != "spike":
            self.tap_initializer = keras.initializers.get(tap_initializer)
        self.tap_gradient = tap_gradient
        self.signal_gradient = signal_gradient
        self.accumulator = accumulator
        check_rounding(self)
        # Inputs keep their dtype: a cast to half precision would lose bits.
        self.autocast = False
        self._make_children()

    def build(self, input_shape):
        _checks.check_rank(
            input_shape,
            3,
            3,
            owner=type(self).__name__,
            expects="(batch, time, channels)",
        )
        check_time(self, input_shape)
        shape = stored_shape(self, input_shape)
        self.input_spec = keras.layers.InputSpec(
            ndim=3, axes={-1: input_shape[-1]}
        )
        self.taps = self.add_weight(
            name="taps",
            shape=shape,
            initializer=(
                functools.partial(spike, self)
                if self.tap_initializer == "spike"
                else self.tap_initializer
            ),
            dtype=wide_dtype(self),
            autocast=False,
        )
        for child, built_for in (
            (self.tap_hold, shape),
            (self.tap_quantizer, shape),
            (self.input_quantizer, input_shape),
            (self.output_quantizer, self.compute_output_shape(input_shape)),
        ):
            if child is not None:
                child.build(built_for)

    def call(self, x, training=False):
        check_time(self, x.shape)
        wide = wide_dtype(self)
        accumulator = accumulator_dtype(self, wide, training)
        if self.input_quantizer is not None:
            x = self.input_quantizer(x, training=training)
        taps = ops.cast(self.quantized_taps(training), accumulator)
        kernel = complex_taps_to_real(taps) if self.complex else taps
        if self.filters is None:
            kernel = block_diagonal(kernel, x.shape[-1])
        y = fir(ops.cast(x, accumulator), kernel, self.padding, self.strides)
        if self.output_quantizer is not None:
            y = self.output_quantizer(y, training=training)
        return ops.cast(y, wide)

    def quantized_taps(self, training=False):
        """The rounded taps, h_0 first.

        Args:
            training: Boolean, whether noise may take the place of rounding.

        Returns:
            Tensor of shape `(num_taps, inputs, filters, 2)`, real and
            imaginary part, if complex; else `(num_taps, channels, filters)`.
            Inputs and filters are 1 where `filters` is None.
        """
        taps = self.tap_hold(ops.copy(self.taps))
        if self.tap_quantizer is not None:
            rounded = self.tap_quantizer(taps, training=training)
            taps = self.tap_hold.choose(taps, rounded, training)
        return symmetric_taps(taps) if self.symmetric else taps

    def export_taps(self):
        """The integers of the taps, h_0 first.

        Returns:
            NumPy array of int64; times `tap_quantizer.step` it is
            `quantized_taps()`, of equal shape.

        Raises:
            ValueError: The layer is not built, or its taps are not rounded.
        """
        if not self.built or self.tap_quantizer is None:
            raise ValueError(
                f"{type(self).__name__}.export_taps expects a built layer "
                "with a `tap_format`. Received: "
                f"built={self.built}, tap_format={self.tap_format}"
            )
        taps = self.tap_hold(ops.copy(self.taps))
        integers = self.tap_quantizer.to_integers(taps)
        if self.symmetric:
            integers = np.concatenate([integers, integers[-2::-1]])
        return integers

    def compute_output_spec(self, x, training=False):
        return keras.KerasTensor(
            self.compute_output_shape(x.shape), wide_dtype(self)
        )

    def compute_output_shape(self, input_shape):
        time = input_shape[1]
        if time is not None:
            time += sum(padding_lengths(self.num_taps, self.padding))
            time = (time - self.num_taps) // self.strides + 1
        return (input_shape[0], time, output_channels(self, input_shape))

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        initializer = self.tap_initializer
        if initializer != "spike":
            initializer = keras.initializers.serialize(initializer)
        plain = ("filters", "num_taps", "complex", "symmetric", "padding")
        plain += ("strides", "tap_gradient", "signal_gradient", "accumulator")
        formats = ("tap_format", "signal_format", "output_format")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in plain},
            **{name: serialize(getattr(self, name)) for name in formats},
            "tap_initializer": initializer,
        }

    @property
    def quantizers(self):
        """List of `FixedPointQuantizer`, those that the layer has."""
        found = self.tap_quantizer, self.input_quantizer, self.output_quantizer
        return [each for each in found if each is not None]

    def _make_children(self):
        self.tap_hold = TapHold(name="tap_hold", dtype=self.dtype_policy)
        of_taps = {"saturation_gradient": "inward", "count_overflow": False}
        self.tap_quantizer = self._quantizer(
            "tap", self.tap_format, gradient=self.tap_gradient, **of_taps
        )
        for role, form in (
            ("input", self.signal_format),
            ("output", self.output_format or self.signal_format),
        ):
            made = self._quantizer(role, form, gradient=self.signal_gradient)
            setattr(self, f"{role}_quantizer", made)

    def _quantizer(self, role, form, **arguments):
        if form is None:
            return None
        arguments |= {"name": f"{self.name}_{role}", "dtype": self.dtype_policy}
        return FixedPointQuantizer(form, **arguments)
