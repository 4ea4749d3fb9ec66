"""Logic synthesis by yosys: cells of a library, or of an FPGA."""

import collections
import dataclasses
import json
import re
import tempfile
from pathlib import Path

from keras_bp import _checks
from tflite_export.tools import _process
from tflite_export.tools._liberty_file import plain

# For each family: the command, and the cells that count as LUTs, carries,
# DSP blocks and registers, by how their names begin.
_FAMILIES = {
    "ecp5": (
        "synth_ecp5",
        ("LUT4", "CCU2C", "MULT18X18D", "TRELLIS_FF"),
    ),
    "ice40": (
        "synth_ice40 -dsp",
        ("SB_LUT4", "SB_CARRY", "SB_MAC16", "SB_DFF"),
    ),
    "xilinx": ("synth_xilinx", ("LUT|SRL", "CARRY4", "DSP48", "FD")),
}
FAMILIES = tuple(_FAMILIES)

_AREA = re.compile(r"Chip area for (?:top )?module .*: ([\d.]+)")


@dataclasses.dataclass(frozen=True)
class Synthesis:
    """A netlist of cells of a library.

    Args:
        top: String, the name of the module.
        verilog: `pathlib.Path` of the netlist.
        json: `pathlib.Path` of the same in yosys' own format, with the same
            names.
        area: Float, of all cells, in the unit of the library.
        cells: Dictionary from the types of cells to how many there are.
    """

    top: str
    verilog: Path
    json: Path
    area: float
    cells: dict


@dataclasses.dataclass(frozen=True)
class FPGAResources:
    """What a design takes of an FPGA.

    Args:
        family: String.
        luts: Integer, lookup tables of four inputs, or of one to six in
            `"xilinx"`; shift registers made of them count there, too.
        carries: Integer, cells of carry chains: two bits each in `"ecp5"`,
            one in `"ice40"`, four in `"xilinx"`.
        dsps: Integer, multipliers.
        registers: Integer.
        cells: Dictionary from the types of cells to how many there are.
    """

    family: str
    luts: int
    carries: int
    dsps: int
    registers: int
    cells: dict


def synthesize(sources, top, liberty, *, out_dir, flatten=True, timeout=1200):
    """Maps Verilog to the cells of a library.

    Args:
        sources: List of paths of Verilog files.
        top: String, the module.
        liberty: Path of a liberty file, plain or `.gz`, or a `cost.Liberty`.
        out_dir: Path of a folder for `TOP.netlist.v` and `TOP.netlist.json`;
            it is made.
        flatten: Boolean, whether to dissolve submodules. Defaults to `True`.
        timeout: Float, seconds. Defaults to `1200`.

    Returns:
        `Synthesis`.

    Raises:
        FileNotFoundError: A source or the library is missing.
        MissingToolError: yosys is not installed.
        RuntimeError: yosys failed.
        ValueError: `top` is no identifier.

    Example:

    ```python
    netlist = synthesize(["fir.v"], "fir", "osu018.lib", out_dir="netlist")
    netlist.area, netlist.cells
    ```
    """
    sources = _check_sources(sources, top)
    out_dir = Path(out_dir).resolve()
    out_dir.mkdir(parents=True, exist_ok=True)
    verilog = out_dir / f"{top}.netlist.v"
    netlist = out_dir / f"{top}.netlist.json"
    with plain(liberty) as library:
        told = _run(
            [
                *(f'read_verilog "{path}"' for path in sources),
                f"hierarchy -check -top {top}",
                f"synth -top {top}" + " -flatten" * flatten,
                f'dfflibmap -liberty "{library}"',
                # The script without -fast may take minutes.
                f'abc -fast -liberty "{library}"',
                "setundef -zero",
                "opt_clean -purge",
                # Else the names differ between the two files.
                "rename -enumerate",
                f'stat -liberty "{library}"',
                # OpenSTA reads no concatenation on the left.
                f'write_verilog -noattr -simple-lhs "{verilog}"',
                f'write_json "{netlist}"',
            ],
            timeout,
        )
    area = _AREA.findall(told)
    return Synthesis(
        top,
        verilog,
        netlist,
        float(area[-1]) if area else 0.0,
        _counts(netlist, top),
    )


def fpga(sources, top, family="ecp5", *, timeout=1200):
    """Maps Verilog to an FPGA and counts what it takes.

    Nothing is placed or routed.

    Args:
        sources: List of paths of Verilog files.
        top: String, the module.
        family: String: `"ecp5"` (Lattice), `"ice40"` (Lattice) or
            `"xilinx"` (7 series). Defaults to `"ecp5"`.
        timeout: Float, seconds. Defaults to `1200`.

    Returns:
        `FPGAResources`.

    Raises:
        FileNotFoundError: A source is missing.
        MissingToolError: yosys is not installed.
        RuntimeError: yosys failed.
        ValueError: `family` is unknown, or `top` is no identifier.
    """
    _checks.check_one_of("family", family, FAMILIES, owner="fpga")
    sources = _check_sources(sources, top)
    command, kinds = _FAMILIES[family]
    with tempfile.TemporaryDirectory() as folder:
        netlist = Path(folder) / "netlist.json"
        _run(
            [
                *(f'read_verilog "{path}"' for path in sources),
                f"{command} -top {top}",
                "flatten",
                f'write_json "{netlist}"',
            ],
            timeout,
        )
        cells = _counts(netlist, top)
    found = [
        sum(n for cell, n in cells.items() if re.match(kind, cell))
        for kind in kinds
    ]
    return FPGAResources(family, *found, cells)


def _check_sources(sources, top):
    if not re.fullmatch(r"[A-Za-z_]\w*", top):
        raise ValueError(
            f"yosys expects `top` to be an identifier. Received: top={top!r}"
        )
    paths = [Path(path).resolve() for path in sources]
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(
                f"yosys expects Verilog files. Received: {str(path)!r}, "
                "which is none"
            )
    return paths


def _run(commands, timeout):
    program = _process.find("yosys", "yosys")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.ys"
        script.write_text("\n".join(commands) + "\n")
        return _process.run(
            [program, "-s", script], cwd=folder, timeout=timeout
        )


def _counts(netlist, top):
    cells = json.loads(netlist.read_text())["modules"][top]["cells"]
    found = collections.Counter(cell["type"] for cell in cells.values())
    return dict(sorted(found.items()))
