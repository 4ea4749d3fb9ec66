"""The fixed-point formats of a digital backpropagation."""

import dataclasses
import math

import keras

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.ops.fixed_point import FixedPoint


@serializable
@dataclasses.dataclass(frozen=True)
class DBPFormats:
    """Where a digital backpropagation rounds, and to what.

    One step filters (`taps`, `fir`), takes the power, multiplies it by the
    Kerr coefficient to get the phase, and rotates the signal by its cosine
    and sine. None leaves a number as it is. docs/fixed_point.md defines each
    operation on integers.

    Args:
        input: `FixedPoint` or None, the signal from the converter.
        taps: `FixedPoint` or None, of the filters; its scale is fixed, and
            the scale of a step is folded into the Kerr coefficients.
        fir: `FixedPoint` or None, the signal after each filter.
        power: `FixedPoint` or None, sum of the squares.
        coefficient: `FixedPoint` or None, radians per unit of power.
        phase: `FixedPoint` or None, radians.
        rotation: `FixedPoint` or None, cosine and sine.
        output: `FixedPoint` or None, the signal after each rotation.

    Raises:
        TypeError: A format is no `FixedPoint`.
        ValueError: A format has a scale that is trained, or another than
            `taps` has `max_digits`.

    Example:

    >>> from keras_bp.optics import DBPFormats
    >>> DBPFormats.of(tap_bits=6, signal_bits=10).fir.minimum
    -4.0
    """

    input: FixedPoint | None = None
    taps: FixedPoint | None = None
    fir: FixedPoint | None = None
    power: FixedPoint | None = None
    coefficient: FixedPoint | None = None
    phase: FixedPoint | None = None
    rotation: FixedPoint | None = None
    output: FixedPoint | None = None

    def __post_init__(self):
        for field in dataclasses.fields(self):
            form = getattr(self, field.name)
            if form is None:
                continue
            if not isinstance(form, FixedPoint):
                raise TypeError(
                    f"DBPFormats expects `{field.name}` to be a "
                    "keras_bp.ops.FixedPoint or None. Received: "
                    f"{field.name}={form!r}"
                )
            if form.scale != "fixed":
                raise ValueError(
                    "DBPFormats expects formats with scale='fixed'. "
                    f"Received: {field.name}={form}"
                )
            if form.max_digits and field.name != "taps":
                raise ValueError(
                    "DBPFormats expects `max_digits` in `taps` alone. "
                    f"Received: {field.name}={form}"
                )

    @classmethod
    def of(
        cls,
        tap_bits=None,
        signal_bits=None,
        *,
        max_coefficient=2.0**-4,
        signed=False,
        **changes,
    ):
        """Formats for a signal of mean power 1 and phases below one radian.

        The signal reaches from -4 to 4, the taps from -1 to 1, the power up
        to 32, the phase up to 1. `TimeDomainDBP.formats_for` chooses the
        range of the coefficients for a model.

        Args:
            tap_bits: Integer, word length of the taps, or None for taps that
                are not rounded. Defaults to `None`.
            signal_bits: Integer, word length of everything else, or None for
                a signal that is not rounded. Defaults to `None`.
            max_coefficient: Positive float, radians per unit of power: the
                coefficient reaches up to the next power of two.
                Defaults to `2**-4`.
            signed: Boolean, whether coefficients and phases may be negative,
                as a filter on the power makes them. Defaults to `False`.
            **changes: Fields that differ.

        Returns:
            `DBPFormats`.

        Raises:
            TypeError: A word length is no integer.
            ValueError: A number is out of range.
        """
        found = {}
        if tap_bits is not None:
            _checks.check_integer(
                "tap_bits", tap_bits, minimum=2, owner="DBPFormats.of"
            )
            found["taps"] = FixedPoint(tap_bits, tap_bits - 1)
        if signal_bits is not None:
            _checks.check_integer(
                "signal_bits", signal_bits, minimum=4, owner="DBPFormats.of"
            )
            _checks.check_positive(
                "max_coefficient", max_coefficient, owner="DBPFormats.of"
            )
            signal = FixedPoint(signal_bits, signal_bits - 3)
            magnitude = signal_bits - int(signed)
            fraction = magnitude - math.ceil(math.log2(max_coefficient))
            found |= {
                "input": signal,
                "fir": signal,
                "power": FixedPoint(signal_bits, signal_bits - 5, signed=False),
                "coefficient": FixedPoint(signal_bits, fraction, signed=signed),
                "phase": FixedPoint(signal_bits, magnitude, signed=signed),
                "rotation": FixedPoint(signal_bits, signal_bits - 2),
                "output": signal,
            }
        return cls(**(found | changes))

    @property
    def kerr(self):
        """Dictionary of the formats of a `KerrRotation`."""
        roles = ("power", "coefficient", "phase", "rotation", "output")
        return {role: getattr(self, role) for role in roles}

    def get_config(self):
        return {
            field.name: keras.saving.serialize_keras_object(
                getattr(self, field.name)
            )
            for field in dataclasses.fields(self)
        }

    @classmethod
    def from_config(cls, config):
        return cls(
            **{
                name: keras.saving.deserialize_keras_object(form)
                for name, form in config.items()
            }
        )
