"""The slowest path of netlists, and a clock for all of them."""

import math

from keras_bp import _checks
from tflite_export.tools import opensta


def timing(netlist, liberty, *, period=10.0, clock="clk"):
    """The slowest path of a synthesized netlist, by OpenSTA.

    Args:
        netlist: `tools.yosys.Synthesis`.
        liberty: `Liberty`.
        period: Positive float, of the clock, in ns. Defaults to `10.0`.
        clock: String, the clock port. Defaults to `"clk"`.

    Returns:
        `tools.opensta.Timing`, with `slack` and `critical_path` in ns.

    Raises:
        MissingToolError: OpenSTA is not installed.
        RuntimeError: It failed.
        ValueError: `period` is not positive.
    """
    return opensta.sta(
        netlist.verilog, netlist.top, liberty, period=period, clock=clock
    )


def common_clock(netlists, liberty, *, step=0.01, clock="clk"):
    """The smallest period of a clock that several netlists meet.

    Energies are to be compared at one clock; this one is a multiple of
    `step`, and OpenSTA has shown that each of them meets it.

    Args:
        netlists: Sequence of `tools.yosys.Synthesis`.
        liberty: `Liberty`.
        step: Positive float, in ns. Defaults to `0.01`.
        clock: String, the clock port. Defaults to `"clk"`.

    Returns:
        Float, in ns, and a list of one `tools.opensta.Timing` at that clock
        for each netlist, none of a negative slack.

    Raises:
        MissingToolError: OpenSTA is not installed.
        RuntimeError: It failed, or finds other paths at the clock found.
        ValueError: There is no netlist, or `step` is not positive.
    """
    _checks.check_positive("step", step, owner="common_clock")
    netlists = list(netlists)
    if not netlists:
        raise ValueError(
            "common_clock expects at least one netlist. Received: none"
        )
    found = [timing(each, liberty, clock=clock) for each in netlists]
    slowest = max(each.critical_path for each in found)
    period = math.ceil(slowest / step - 1e-9) * step
    found = [
        timing(each, liberty, period=period, clock=clock) for each in netlists
    ]
    late = [each for each in found if each.slack < -1e-6]
    if late:
        raise RuntimeError(
            f"common_clock expects slacks of 0 or more at {period} ns. "
            f"Received: {late[0].slack} ns"
        )
    return period, found
