"""The description of a change of format between two filters."""

import dataclasses

from keras_bp.ops import FixedPoint
from tflite_export import reference
from tflite_export._described import check_entries
from tflite_export._signals import as_int64, check_format, check_range


@dataclasses.dataclass(frozen=True)
class RoundSpec:
    """Rounds a signal to another format, sample by sample.

    Args:
        signal_format: `keras_bp.ops.FixedPoint` with a fixed scale.
        output_format: The same, of the results.

    Raises:
        TypeError: A format is no `FixedPoint`.
        ValueError: The step of a format is trained, or it has `max_digits`.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export import RoundSpec
    >>> spec = RoundSpec(FixedPoint(8, 4), FixedPoint(6, 2))
    >>> spec.run(np.array([[[5], [6]]])).ravel().tolist()
    [1, 2]
    """

    signal_format: FixedPoint
    output_format: FixedPoint

    # What the stages of a chain have in common.
    memory = 0
    delay = 0

    def __post_init__(self):
        for name in ("signal_format", "output_format"):
            check_format(name, getattr(self, name), owner="RoundSpec")

    @property
    def shift(self):
        """The bits that a sample is shifted to the right."""
        return (
            self.signal_format.fraction_bits - self.output_format.fraction_bits
        )

    def bounds(self, channels):
        """The largest magnitudes of its exact sums, integers by name."""
        largest = self.signal_format.largest_magnitude
        return {"sample": largest << max(0, -self.shift)}

    def run(self, signal):
        """Rounds integers.

        Args:
            signal: Integer array within the range of `signal_format`.

        Returns:
            NumPy array of int64 of its shape.

        Raises:
            TypeError: `signal` does not hold integers.
            ValueError: It is out of range.
        """
        owner = "RoundSpec.run"
        signal = as_int64("signal", signal, owner=owner)
        check_range("signal", signal, self.signal_format, owner=owner)
        fraction = self.signal_format.fraction_bits
        return reference.round_to(signal, fraction, self.output_format)

    def get_config(self):
        """Everything as a dictionary that JSON holds."""
        return {
            "kind": "round",
            "signal_format": self.signal_format.get_config(),
            "output_format": self.output_format.get_config(),
        }

    @classmethod
    def from_config(cls, config):
        """The reverse of `get_config`.

        Raises:
            ValueError: An entry is missing or unknown.
        """
        check_entries(cls, config, "kind")
        return cls(
            FixedPoint.from_config(config["signal_format"]),
            FixedPoint.from_config(config["output_format"]),
        )
