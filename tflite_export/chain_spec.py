"""The description of what is exported: stages one after the other."""

import dataclasses

import numpy as np

from keras_bp import _checks
from tflite_export import reference
from tflite_export._described import Described, check_entries
from tflite_export._read_model import read_stages
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec
from tflite_export.round_spec import RoundSpec

KINDS = {"fir": FIRSpec, "kerr": KerrSpec, "round": RoundSpec}

# Integers up to here are floats, too.
_LARGEST_EXACT = 2**53
# Those of an integer that float32 holds.
_FLOAT32_BITS = 24


@dataclasses.dataclass(frozen=True, eq=False)
class ChainSpec(Described):
    """What every target of the export computes, with integers alone.

    The stages follow each other: filters, Kerr rotations, and changes of
    format between them. Each is computed exactly and rounded as
    docs/fixed_point.md says.

    Args:
        stages: Sequence of `FIRSpec`, `KerrSpec` and `RoundSpec`; the
            `signal_format` of each is the `output_format` of the one before.
        channels: Positive integer, of the input: I and Q of each complex
            signal. A filter of fewer channels filters several signals.
        input_gain: Positive float, by which samples are multiplied before
            they are rounded to integers. Defaults to `1.0`.
        output_gain: Positive float, by which the outputs are multiplied, as
            real numbers. Defaults to `1.0`.

    Raises:
        TypeError: A stage is of another class.
        ValueError: There is none, formats or channels do not fit together,
            or a sum could exceed the 53 bits that float64 holds exactly.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import QuantizedFIR
    >>> from tflite_export import ChainSpec
    >>> layer = QuantizedFIR(1, 3, complex=False, padding="causal")
    >>> layer.build((None, 4, 1))
    >>> chain = ChainSpec.from_layer(layer)
    >>> chain.run(np.array([[[5], [0], [-7], [1]]])).ravel().tolist()
    [5, 0, -7, 1]
    """

    stages: tuple
    channels: int
    input_gain: float = 1.0
    output_gain: float = 1.0

    def __post_init__(self):
        owner = "ChainSpec"
        object.__setattr__(self, "stages", tuple(self.stages))
        _checks.check_integer("channels", self.channels, minimum=1, owner=owner)
        for name in ("input_gain", "output_gain"):
            _checks.check_positive(name, getattr(self, name), owner=owner)
            object.__setattr__(self, name, float(getattr(self, name)))
        for stage in self.stages:
            if not isinstance(stage, tuple(KINDS.values())):
                raise TypeError(
                    f"{owner} expects stages of FIRSpec, KerrSpec and "
                    "RoundSpec. Received: "
                    f"{type(stage).__module__}.{type(stage).__name__}"
                )
        self._check_fit(owner)
        self._check_exact(owner)

    @classmethod
    def from_layer(cls, layer):
        """Describes a layer or model.

        Args:
            layer: Built `keras_bp.layers.QuantizedFIR` or `KerrRotation`; a
                functional or Sequential `keras.Model` that applies some of
                them one after the other; or `keras_bp.optics.TimeDomainDBP`
                or `LearnedDBP` whose formats are all given. Of those what
                follows the last rotation, a gain and the matched filter, is
                left out: it is no part of the fixed-point path.

        Returns:
            `ChainSpec`.

        Raises:
            TypeError: It is none of those.
            ValueError: It is not built, does not round each number, contains
                another layer, or a rotation whose `signal_format` is not
                what the layer before it gives.
        """
        found = read_stages(layer, owner="ChainSpec.from_layer")
        return cls(
            found.stages, found.channels, found.input_gain, found.output_gain
        )

    @property
    def input_format(self):
        """`FixedPoint` of the input."""
        return self.stages[0].signal_format

    @property
    def output_format(self):
        """`FixedPoint` of the output."""
        return self.stages[-1].output_format

    @property
    def stage_channels(self):
        """List of the channels ahead of each stage, and after the last."""
        found = [int(self.channels)]
        for stage in self.stages:
            before = found[-1]
            if isinstance(stage, FIRSpec):
                _, each, outputs = stage.kernel.shape
                before = before // each * outputs
            found.append(before)
        return found

    @property
    def output_channels(self):
        """Channels of the output."""
        return self.stage_channels[-1]

    @property
    def strides(self):
        """How many inputs make one output."""
        found = 1
        for stage in self.stages:
            found *= getattr(stage, "strides", 1)
        return found

    @property
    def memory(self):
        """Samples before the present one that an output depends on."""
        found, rate = 0, 1
        for stage in self.stages:
            found += rate * stage.memory
            rate *= getattr(stage, "strides", 1)
        return found

    @property
    def delay(self):
        """Samples of the input by which a stream lags behind `run`.

        With strides it holds where, at each filter, the lag so far is a
        multiple of the strides so far; elsewhere a stream keeps other
        outputs than `run`, and no lag makes them equal.
        """
        found, rate = 0, 1
        for stage in self.stages:
            found += rate * stage.delay
            rate *= getattr(stage, "strides", 1)
        return found

    def bounds(self):
        """List of dictionaries, the largest exact sums of each stage."""
        return [
            stage.bounds(channels)
            for stage, channels in zip(
                self.stages, self.stage_channels, strict=False
            )
        ]

    def quantize(self, samples):
        """The integers that samples become ahead of the first stage.

        Args:
            samples: Float array `(batch, time, channels)`. As the layers do,
                it is computed in float32, and in float64 where the format
                has more than the 24 bits that float32 holds.

        Returns:
            NumPy array of int64 of that shape.

        Raises:
            ValueError: A sample is not finite.
        """
        form = self.input_format
        wide = form.word_length > _FLOAT32_BITS
        dtype = np.float64 if wide else np.float32
        samples = dtype(samples) * dtype(self.input_gain)
        return reference.quantize(samples, form, -form.fraction_bits)

    def dequantize(self, integers):
        """The real numbers that outputs stand for, a float64 array."""
        step = self.output_format.step
        return np.asarray(integers, "float64") * step * self.output_gain

    def run(self, signal):
        """Computes whole signals, each with the ends of its padding.

        Args:
            signal: Integer array `(batch, time, channels)` within the range
                of `input_format`.

        Returns:
            NumPy array of int64 of shape `(batch, new_time,
            output_channels)`.

        Raises:
            TypeError: `signal` does not hold integers.
            ValueError: It is out of range, too short, or of another shape.
        """
        for stage in self.stages:
            signal = stage.run(signal)
        return signal

    def get_config(self):
        """Everything as a dictionary that JSON holds."""
        return {
            "channels": int(self.channels),
            "input_gain": self.input_gain,
            "output_gain": self.output_gain,
            "stages": [stage.get_config() for stage in self.stages],
        }

    @classmethod
    def from_config(cls, config):
        """The reverse of `get_config`.

        Raises:
            ValueError: An entry is missing, unknown, or contradicts another.
        """
        check_entries(cls, config)
        stages, entries = [], config["stages"]
        if not isinstance(entries, list) or not all(
            isinstance(entry, dict) for entry in entries
        ):
            raise TypeError(
                "ChainSpec.from_config expects `stages` to be a list of "
                f"dictionaries. Received: stages={entries!r}"
            )
        for entry in entries:
            kind = entry.get("kind")
            _checks.check_one_of(
                "kind", kind, KINDS, owner="ChainSpec.from_config"
            )
            stages.append(KINDS[kind].from_config(entry))
        return cls(**{**config, "stages": stages})

    def _check_fit(self, owner):
        if not self.stages:
            raise ValueError(f"{owner} expects at least one stage. Received: 0")
        pairs = zip(self.stages, self.stages[1:], strict=False)
        for index, (before, after) in enumerate(pairs):
            if before.output_format != after.signal_format:
                raise ValueError(
                    f"{owner} expects stage {index + 1} to take the format "
                    "that the one before gives; put a RoundSpec between. "
                    f"Received: {before.output_format}, then "
                    f"{after.signal_format}"
                )
        for index, stage in enumerate(self.stages):
            channels = self.stage_channels[index]
            each = 1
            if isinstance(stage, FIRSpec):
                each = stage.kernel.shape[1]
            elif isinstance(stage, KerrSpec):
                each = 2
            if channels % each or not channels:
                raise ValueError(
                    f"{owner} expects a multiple of {each} channels at stage "
                    f"{index}. Received: {channels}"
                )

    def _check_exact(self, owner):
        for index, bounds in enumerate(self.bounds()):
            for name, bound in bounds.items():
                if bound > _LARGEST_EXACT:
                    raise ValueError(
                        f"{owner} expects sums of at most 53 bits, which a "
                        "layer computes exactly in float64; take shorter "
                        f"formats. Received: {name!r} of stage {index} up to "
                        f"2^{bound.bit_length() - 1}"
                    )


def check_chain(chain, owner):
    """Raises `TypeError` unless `chain` is a `ChainSpec`."""
    if not isinstance(chain, ChainSpec):
        raise TypeError(
            f"{owner} expects a tflite_export.ChainSpec. "
            f"Received: {type(chain).__module__}.{type(chain).__name__}"
        )
