"""The description of an exported Kerr rotation: integers and formats."""

import dataclasses

import numpy as np

from keras_bp import _checks
from keras_bp.layers import KerrRotation
from keras_bp.ops import FixedPoint
from tflite_export import reference
from tflite_export._described import Described, check_entries
from tflite_export._kerr_tables import check_tables, tables_of
from tflite_export._signals import as_int64, check_format, check_range
from tflite_export.reference._rounding import LARGEST

METHODS = ("taylor2", "taylor3", "lut")

_FORMATS = (
    "signal_format",
    "power_format",
    "coefficient_format",
    "phase_format",
    "rotation_format",
    "output_format",
)


@dataclasses.dataclass(frozen=True, eq=False)
class KerrSpec(Described):
    r"""What every target computes of a `keras_bp.layers.KerrRotation`.

    The integers P of the power, c of the coefficients, :math:`\theta` of the
    phase, C and S of its cosine and sine, as docs/fixed_point.md defines
    them; see `tflite_export.reference.kerr`.

    Args:
        coefficients: Integer array `(power_taps,)`, symmetric, of an odd
            length.
        signal_format: `keras_bp.ops.FixedPoint` of the samples, with a fixed
            scale, as all of them.
        power_format: The same, of the power.
        coefficient_format: The same, of the coefficients.
        phase_format: The same, of the phase, with 0 or more fraction bits.
        rotation_format: The same, of cosine and sine.
        output_format: The same, of the results.
        method: String, `"taylor2"`, `"taylor3"` or `"lut"`.
            Defaults to `"taylor2"`.
        lut_bits: Integer, leading bits of the phase that address the tables,
            with `"lut"` alone. Defaults to `None`.
        cosines: Integer array `(entries,)` of the table, with `"lut"` alone.
            Defaults to `None`.
        sines: The same, of the sines. Defaults to `None`.

    Raises:
        TypeError: An array does not hold integers, or a format is none.
        ValueError: A number, name or shape is out of range, a step is
            trained, another than `coefficient_format` has `max_digits`, or
            tables are missing or of another length.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export import KerrSpec
    >>> signal, power = FixedPoint(10, 7), FixedPoint(10, 5, signed=False)
    >>> spec = KerrSpec(np.array([256]), signal, power,
    ...     FixedPoint(10, 10, signed=False), FixedPoint(10, 10, signed=False),
    ...     FixedPoint(10, 8), signal)
    >>> spec.run(np.array([[[128, 0]]])).tolist()
    [[[124, -32]]]
    """

    coefficients: np.ndarray
    signal_format: FixedPoint
    power_format: FixedPoint
    coefficient_format: FixedPoint
    phase_format: FixedPoint
    rotation_format: FixedPoint
    output_format: FixedPoint
    method: str = "taylor2"
    lut_bits: int | None = None
    cosines: np.ndarray | None = None
    sines: np.ndarray | None = None

    def __post_init__(self):
        owner = "KerrSpec"
        for name in _FORMATS:
            check_format(name, getattr(self, name), owner=owner)
        _checks.check_one_of("method", self.method, METHODS, owner=owner)
        for name in ("coefficients", "cosines", "sines"):
            value = getattr(self, name)
            if value is not None or name == "coefficients":
                value = as_int64(name, value, owner=owner)
                value.flags.writeable = False
                object.__setattr__(self, name, value)
        taps = self.coefficients
        if taps.ndim != 1 or len(taps) % 2 == 0 or np.any(taps != taps[::-1]):
            raise ValueError(
                f"{owner} expects `coefficients` of an odd length, symmetric. "
                f"Received: coefficients={taps.tolist()}"
            )
        check_range("coefficients", taps, self.coefficient_format, owner=owner)
        if self.phase_format.fraction_bits < 0:
            raise ValueError(
                f"{owner} expects a `phase_format` with 0 or more fraction "
                "bits: a step of at most one radian. "
                f"Received: phase_format={self.phase_format}"
            )
        check_tables(self)

    @classmethod
    def from_layer(cls, layer, signal_format=None):
        """Describes a built `keras_bp.layers.KerrRotation`.

        Args:
            layer: The layer.
            signal_format: `FixedPoint` of its input, or None for
                `layer.signal_format`.

        Returns:
            `KerrSpec`.

        Raises:
            TypeError: `layer` is no `KerrRotation`.
            ValueError: It is not built, does not round all of its numbers, or
                computes exact cosines.
        """
        owner = "KerrSpec.from_layer"
        if not isinstance(layer, KerrRotation):
            raise TypeError(
                f"{owner} expects a keras_bp.layers.KerrRotation. Received: "
                f"{type(layer).__module__}.{type(layer).__name__}"
            )
        if layer.method not in METHODS:
            raise ValueError(
                f"{owner} expects `method` among {', '.join(METHODS)}: the "
                "last bit of an exact cosine is the platform's. "
                f"Received: {layer.name!r} with method={layer.method!r}"
            )
        formats = {
            "signal_format": signal_format or layer.signal_format,
            **{name: layer.formats.get(name[:-7]) for name in _FORMATS[1:]},
        }
        missing = [name for name, form in formats.items() if form is None]
        if missing or not layer.built:
            raise ValueError(
                f"{owner} expects a built layer that rounds every number. "
                f"Received: {layer.name!r}, built={layer.built}, without "
                f"{', '.join(missing) or 'a missing format'}"
            )
        half = layer.coefficient_quantizer.to_integers(layer.coefficients)
        tables = {}
        if layer.method == "lut":
            tables = tables_of(layer)
        return cls(
            coefficients=np.concatenate([half, half[-2::-1]]),
            method=layer.method,
            **formats,
            **tables,
        )

    @property
    def memory(self):
        """Samples before the present one that an output depends on."""
        return len(self.coefficients) - 1

    @property
    def delay(self):
        """Samples by which a stream lags behind the whole signal."""
        return len(self.coefficients) // 2

    @property
    def smallest_address(self):
        """The phase, without the bits dropped, of the first table entry."""
        return self.phase_format.minimum_integer >> self.dropped_bits

    @property
    def dropped_bits(self):
        """Bits of the phase that do not address the tables."""
        return self.phase_format.word_length - (
            self.lut_bits or self.phase_format.word_length
        )

    def bounds(self, channels):
        """The largest magnitudes of its exact sums, integers by name.

        Args:
            channels: Integer, I and Q of all polarizations.
        """
        signal = self.signal_format.largest_magnitude
        power = self.power_format.largest_magnitude
        phase = self.phase_format.largest_magnitude
        rotation = self.rotation_format.largest_magnitude
        weights = sum(abs(int(c)) for c in self.coefficients)
        found = {
            "power": channels * signal**2,
            "phase": weights * power,
            "output": 2 * signal * rotation,
        }
        if self.method != "lut":
            found["cosine"] = (
                1 << (2 * self.phase_format.fraction_bits + 1)
            ) + phase**2
        if self.method == "taylor3":
            one = 1 << max(0, self.rotation_format.fraction_bits)
            found["square"] = phase**2
            found["cubic"] = rotation * reference.SIXTH[0]
            found["sine"] = phase * (one + rotation)
        return found

    def run(self, signal):
        """Turns integers exactly; see `tflite_export.reference.kerr`.

        Args:
            signal: Integer array `(batch, time, 2 * n)` within the range of
                `signal_format`.

        Returns:
            NumPy array of int64 of that shape.

        Raises:
            TypeError: `signal` does not hold integers.
            ValueError: It is out of range, too short, or of another shape, or
                a sum could exceed 64 bits.
        """
        owner = "KerrSpec.run"
        signal = as_int64("signal", signal, owner=owner)
        check_range("signal", signal, self.signal_format, owner=owner)
        if signal.ndim != 3 or signal.shape[2] % 2 or not signal.shape[2]:
            raise ValueError(
                f"{owner} expects a signal (batch, time, 2 * n). "
                f"Received: shape={signal.shape}"
            )
        least = max(1, self.delay)
        if signal.shape[1] < least:
            raise ValueError(
                f"{owner} expects at least {least} samples for "
                f"{len(self.coefficients)} coefficients. "
                f"Received: time={signal.shape[1]}"
            )
        self._check_sums(signal.shape[2], owner)
        return reference.kerr(signal, self)

    def _check_sums(self, channels, owner):
        for name, bound in self.bounds(channels).items():
            if bound > LARGEST:
                raise ValueError(
                    f"{owner} expects sums of at most 64 bits; take shorter "
                    f"formats. Received: {name!r} up to "
                    f"2^{bound.bit_length() - 1}"
                )

    def get_config(self):
        """Everything as a dictionary that JSON holds."""
        return {
            "kind": "kerr",
            "coefficients": self.coefficients.tolist(),
            **{name: getattr(self, name).get_config() for name in _FORMATS},
            "method": self.method,
            "lut_bits": self.lut_bits,
            "cosines": None if self.cosines is None else self.cosines.tolist(),
            "sines": None if self.sines is None else self.sines.tolist(),
        }

    @classmethod
    def from_config(cls, config):
        """The reverse of `get_config`.

        Raises:
            ValueError: An entry is missing or unknown.
        """
        check_entries(cls, config, "kind")
        values = {name: x for name, x in config.items() if name != "kind"}
        for name in _FORMATS:
            values[name] = FixedPoint.from_config(config[name])
        for name in ("coefficients", "cosines", "sines"):
            if values[name] is not None or name == "coefficients":
                values[name] = np.array(values[name])
        return cls(**values)
