"""The description of an exported FIR filter: integers and formats."""

import dataclasses

import numpy as np

from keras_bp import _checks
from keras_bp.layers import QuantizedFIR
from keras_bp.ops import FixedPoint, padding_lengths
from keras_bp.ops.fir import PADDINGS
from tflite_export import reference
from tflite_export._described import Described
from tflite_export._resolve import resolve
from tflite_export._signals import (
    as_int64,
    check_format,
    check_range,
    check_time,
)

_FORMATS = ("tap_format", "signal_format", "output_format")


@dataclasses.dataclass(frozen=True, eq=False)
class FIRSpec(Described):
    r"""What every target of the export computes, with integers alone.

    :math:`y_t = o(r(2^{-s} \sum_k h_k x_{t-k}))` with the integer samples x,
    the integer taps h, the shift s, and the rounding r and overflow rule o of
    the output format. The step of each format is 2^-fraction_bits, so that
    s is the sum of the fraction bits of taps and signal, less those of the
    output.

    Args:
        taps: Integer array, h_0 first: `(num_taps, inputs, filters, 2)` if
            `complex`, else `(num_taps, channels, filters)`.
        tap_format: `keras_bp.ops.FixedPoint` with a fixed scale.
        signal_format: The same, of the samples.
        output_format: The same, of the results.
        padding: String, see `keras_bp.ops.pad_signal`. Defaults to `"valid"`.
        strides: Positive integer; every `strides`-th output is kept.
            Defaults to `1`.
        complex: Boolean, whether taps and channels are complex.
            Defaults to `True`.

    Raises:
        TypeError: `taps` does not hold integers, or a format is none.
        ValueError: A number, name or shape is out of range, the step of a
            format is trained, or another than `tap_format` has `max_digits`.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import QuantizedFIR
    >>> from tflite_export import FIRSpec
    >>> layer = QuantizedFIR(1, 3, complex=False, padding="causal")
    >>> layer.build((None, 4, 1))
    >>> spec = FIRSpec.from_layer(layer)
    >>> spec.run(np.array([[[5], [0], [-7], [1]]])).ravel().tolist()
    [5, 0, -7, 1]
    """

    taps: np.ndarray
    tap_format: FixedPoint
    signal_format: FixedPoint
    output_format: FixedPoint
    padding: str = "valid"
    strides: int = 1
    complex: bool = True

    def __post_init__(self):
        taps = as_int64("taps", self.taps, owner="FIRSpec")
        taps.flags.writeable = False
        object.__setattr__(self, "taps", taps)
        for name in _FORMATS:
            check_format(name, getattr(self, name), owner="FIRSpec")
        _checks.check_one_of("padding", self.padding, PADDINGS, owner="FIRSpec")
        _checks.check_integer(
            "strides", self.strides, minimum=1, owner="FIRSpec"
        )
        _check_taps(taps, self.tap_format, self.complex)

    @classmethod
    def from_layer(cls, layer, signal_format=None, output_format=None):
        """Describes a built `keras_bp.layers.QuantizedFIR`.

        Args:
            layer: The layer. A step that it trains as a power of two becomes
                a fixed one.
            signal_format: `FixedPoint` of its input where the layer itself
                does not round it, as in a digital backpropagation, or None.
            output_format: The same, of its output.

        Returns:
            `FIRSpec`.

        Raises:
            TypeError: `layer` is no `QuantizedFIR`.
            ValueError: It is not built, does not round its taps or signal, or
                has a step that is no power of two.
        """
        if not isinstance(layer, QuantizedFIR):
            raise TypeError(
                "FIRSpec.from_layer expects a keras_bp.layers.QuantizedFIR. "
                f"Received: {type(layer).__module__}.{type(layer).__name__}"
            )
        if not layer.built:
            raise ValueError(
                "FIRSpec.from_layer expects a built layer; call it on a "
                "signal, or `layer.build((None, time, channels))`. "
                f"Received: {layer.name!r}, which is not built"
            )
        return cls(
            tap_format=resolve(layer, "tap_format", layer.tap_quantizer),
            signal_format=signal_format
            or resolve(layer, "signal_format", layer.input_quantizer),
            output_format=output_format
            or resolve(layer, "output_format", layer.output_quantizer),
            taps=layer.export_taps(),
            padding=layer.padding,
            strides=layer.strides,
            complex=layer.complex,
        )

    @property
    def step_exponents(self):
        """Dictionary; the step of each format is 2 to this power."""
        return {name: -getattr(self, name).fraction_bits for name in _FORMATS}

    @property
    def shift(self):
        """The bits that the sum is shifted to the right, s."""
        exponents = self.step_exponents
        return (
            exponents["output_format"]
            - exponents["tap_format"]
            - exponents["signal_format"]
        )

    @property
    def kernel(self):
        """Int64 array `(num_taps, channels, outputs)`, h_0 first, all real."""
        return reference.real_kernel(self.taps) if self.complex else self.taps

    @property
    def accumulator_bound(self):
        """The largest magnitude that a sum can have, an integer."""
        weights = np.abs(self.kernel).sum(axis=(0, 1)).max()
        return int(weights) * self.signal_format.largest_magnitude

    @property
    def memory(self):
        """Samples before the present one that an output depends on."""
        return len(self.taps) - 1

    @property
    def delay(self):
        """Samples by which a stream lags behind the whole signal.

        With `padding="valid"` the whole signal has no output ahead of the
        first one of full length, and a stream has.
        """
        if self.padding == "valid":
            return self.memory
        return padding_lengths(len(self.taps), self.padding)[1]

    def bounds(self, channels):
        """The largest magnitudes of its exact sums, integers by name.

        Args:
            channels: Integer, which does not count here.
        """
        return {"sum": self.accumulator_bound}

    def output_time(self, time):
        """Number of outputs for `time` samples.

        Raises:
            ValueError: The signal is too short.
        """
        num_taps = len(self.taps)
        check_time(time, num_taps, self.padding, owner="FIRSpec")
        time += sum(padding_lengths(num_taps, self.padding))
        return (time - num_taps) // self.strides + 1

    def run(self, signal):
        """Filters integers exactly; see `tflite_export.reference.fir`.

        Args:
            signal: Integer array `(batch, time, channels)` within the range
                of `signal_format`. With n times the channels of the filter,
                it filters n signals.

        Returns:
            NumPy array of int64 of shape `(batch, new_time, outputs)`.

        Raises:
            TypeError: `signal` does not hold integers.
            ValueError: It is out of range, too short, or of another shape.
        """
        owner = "FIRSpec.run"
        signal = as_int64("signal", signal, owner=owner)
        check_range("signal", signal, self.signal_format, owner=owner)
        each = self.kernel.shape[1]
        signals = [signal]
        if signal.ndim == 3 and signal.shape[2] % each == 0:
            signals = np.split(signal, signal.shape[2] // each or 1, axis=2)
        filtered = [
            reference.fir(
                one,
                self.taps,
                output=self.output_format,
                shift=self.shift,
                padding=self.padding,
                strides=self.strides,
                complex=self.complex,
            )
            for one in signals
        ]
        return np.concatenate(filtered, axis=2)

    def get_config(self):
        """Everything as a dictionary that JSON holds."""
        formats = {name: getattr(self, name).get_config() for name in _FORMATS}
        return {
            "kind": "fir",
            "taps": self.taps.tolist(),
            **formats,
            "step_exponents": self.step_exponents,
            "shift": self.shift,
            "padding": self.padding,
            "strides": int(self.strides),
            "complex": bool(self.complex),
        }

    @classmethod
    def from_config(cls, config):
        """The reverse of `get_config`.

        Raises:
            ValueError: An entry is missing, unknown, or contradicts another.
        """
        fields = [field.name for field in dataclasses.fields(cls)]
        missing = [name for name in fields if name not in config]
        wrong = missing
        if not missing:
            values = {name: config[name] for name in fields}
            for name in _FORMATS:
                values[name] = FixedPoint.from_config(config[name])
            values["taps"] = np.array(config["taps"])
            spec = cls(**values)
            again = spec.get_config()
            names = {*again, *config}
            wrong = [n for n in names if again.get(n) != config.get(n)]
        if wrong:
            raise ValueError(
                "FIRSpec.from_config expects the entries that `get_config` "
                "makes, in agreement with each other. Received: missing, "
                f"unknown, or contradicting entries {sorted(wrong)}"
            )
        return spec


def _check_taps(taps, form, complex):
    if (
        taps.size == 0
        or taps.ndim != 3 + complex
        or complex > (taps.shape[-1] == 2)
    ):
        expected = (
            "(num_taps, inputs, filters, 2)"
            if complex
            else "(num_taps, channels, filters)"
        )
        raise ValueError(
            f"FIRSpec expects taps of shape {expected} where complex="
            f"{complex}. Received: shape={taps.shape}"
        )
    check_range("taps", taps, form, owner="FIRSpec")
