"""How a design is laid out, which does not change what it computes."""

import dataclasses

from keras_bp import _checks
from tflite_export.verilog._keywords import check_name

PIPELINES = ("none", "adders")
TAPS = ("constant", "programmable")
# Each lane is written out by itself.
_MOST_LANES = 1024


@dataclasses.dataclass(frozen=True)
class Options:
    """The arguments of `to_verilog`, checked.

    Args:
        name: String, with which all names begin.
        lanes: Positive integer, samples taken in one clock.
        pipeline: String or positive integer, see `to_verilog`.
        taps: String, `"constant"` or `"programmable"`.
        handshake: Boolean, whether samples come with valid and ready.
    """

    name: str
    lanes: int = 1
    pipeline: object = "none"
    taps: str = "constant"
    handshake: bool = True

    def __post_init__(self):
        owner = "to_verilog"
        check_name(self.name, owner=owner)
        _checks.check_integer(
            "lanes", self.lanes, minimum=1, maximum=_MOST_LANES, owner=owner
        )
        if isinstance(self.pipeline, str):
            _checks.check_one_of(
                "pipeline", self.pipeline, PIPELINES, owner=owner
            )
        else:
            _checks.check_integer(
                "pipeline", self.pipeline, minimum=1, owner=owner
            )
        _checks.check_one_of("taps", self.taps, TAPS, owner=owner)

    @property
    def levels(self):
        """Levels of adders between registers, or None for any number."""
        return {"none": None, "adders": 1}.get(self.pipeline, self.pipeline)

    @property
    def programmable(self):
        """Whether taps are kept in registers."""
        return self.taps == "programmable"
