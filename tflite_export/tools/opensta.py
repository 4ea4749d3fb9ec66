"""Static timing analysis by OpenSTA."""

import dataclasses
import re
import tempfile
from pathlib import Path

from keras_bp import _checks
from tflite_export.tools import _process
from tflite_export.tools._liberty_file import plain

_SLACK = re.compile(r"^worst slack (\S+)$", re.MULTILINE)
_END = re.compile(r"^(Startpoint|Endpoint): (\S+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Timing:
    """The slowest path of a netlist.

    Args:
        period: Float, of the clock, in ns.
        slack: Float, what the slowest path leaves of it, in ns; negative
            where it takes longer.
        start: String, the register or port where that path begins.
        end: String, where it ends.
        path: String, OpenSTA's report on it.
    """

    period: float
    slack: float
    start: str
    end: str
    path: str

    @property
    def critical_path(self):
        """The smallest period, setup time included, in ns."""
        return self.period - self.slack


def sta(netlist, top, liberty, *, clock="clk", period=10.0, timeout=600):
    """Finds the slowest path of a netlist.

    Inputs arrive and outputs are taken at the rising edge of the clock. The
    clock is ideal, and wires have the default wire load of the library.

    Args:
        netlist: Path of a Verilog netlist of the library's cells.
        top: String, the module.
        liberty: Path of a liberty file, plain or `.gz`, or a `cost.Liberty`.
        clock: String, the clock port; where the module has none of that name,
            inputs and outputs are timed against a virtual one.
            Defaults to `"clk"`.
        period: Positive float, of the clock, in ns. Defaults to `10.0`.
        timeout: Float, seconds. Defaults to `600`.

    Returns:
        `Timing`.

    Raises:
        FileNotFoundError: The netlist or library is missing.
        MissingToolError: OpenSTA is not installed.
        RuntimeError: OpenSTA failed, or found no path.
        ValueError: `period` is not positive, or a name no identifier.

    Example:

    ```python
    timing = sta("fir.netlist.v", "fir", "osu018.lib", period=5.0)
    timing.slack, timing.critical_path
    ```
    """
    _checks.check_positive("period", period, owner="sta")
    for name in (top, clock):
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ValueError(f"sta expects identifiers. Received: {name!r}")
    netlist = Path(netlist).resolve()
    if not netlist.is_file():
        raise FileNotFoundError(
            f"sta expects a netlist. Received: {str(netlist)!r}, no file"
        )
    program = _process.find("sta", "opensta")
    with plain(liberty) as library, tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.tcl"
        script.write_text(_script(netlist, top, library, clock, period))
        told = _process.run(
            [program, "-no_init", "-no_splash", "-exit", script],
            cwd=folder,
            timeout=timeout,
        )
    slack = _SLACK.search(told)
    # It exits with 0 even so.
    if slack is None or re.search("^Error:", told, re.MULTILINE):
        raise RuntimeError(
            "sta expects OpenSTA to find a path. Received, at the end of its "
            f"output:\n{told[-2000:]}"
        )
    ends = dict(_END.findall(told))
    return Timing(
        float(period),
        float(slack.group(1)),
        ends.get("Startpoint", ""),
        ends.get("Endpoint", ""),
        told[: slack.start()].strip(),
    )


def _script(netlist, top, library, clock, period):
    return f"""
read_liberty "{library}"
read_verilog "{netlist}"
link_design {top}
set_cmd_units -time ns
set port [get_ports -quiet {clock}]
if {{[llength $port]}} {{
  create_clock -name main -period {period} $port
}} else {{
  create_clock -name main -period {period}
}}
foreach input [all_inputs] {{
  if {{[get_property $input full_name] != "{clock}"}} {{
    set_input_delay 0 -clock main $input
  }}
}}
set_output_delay 0 -clock main [all_outputs]
report_checks -path_delay max -digits 4
set paths [find_timing_paths -path_delay max]
if {{[llength $paths]}} {{
  puts "worst slack [get_property [lindex $paths 0] slack]"
}}
"""
