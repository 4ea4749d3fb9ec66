"""All figures of a chain: synthesized, simulated and timed."""

import dataclasses
import tempfile
from pathlib import Path

from keras_bp import _checks
from tflite_export._signals import as_int64
from tflite_export.chain_spec import ChainSpec, check_chain
from tflite_export.cost._gate_figures import gate_figures
from tflite_export.cost.default_liberty import default_liberty
from tflite_export.cost.energy import Energy
from tflite_export.cost.operations import Operations, operations
from tflite_export.cost.simulate import DELAYS
from tflite_export.cost.timing import common_clock
from tflite_export.fir_spec import FIRSpec
from tflite_export.stream import Stream
from tflite_export.tools import yosys
from tflite_export.verilog import to_verilog

# Figures of a step that add up over the steps, per lane or not.
_SUMS = ("area", "cells", "registers", "latency")


@dataclasses.dataclass(frozen=True)
class StepReport:
    """The figures of one step of a chain.

    Args:
        area: Float, in the unit of the library, um^2 as a rule.
        cells: Integer, gates and flip-flops.
        registers: Integer, flip-flops.
        latency: Integer, clocks from a sample to its result.
        depth: Integer, the largest number of gates in a row.
        critical_path: Float, the smallest period that it works at, in ns.
        energies: Dictionary from `"zero"` and `"unit"`, the delay of gates
            with which changes were counted, to `Energy` for each sample.
        fpga: `tools.yosys.FPGAResources`, or None.
    """

    area: float
    cells: int
    registers: int
    latency: int
    depth: int
    critical_path: float
    energies: dict[str, Energy]
    fpga: yosys.FPGAResources | None


@dataclasses.dataclass(frozen=True)
class Report:
    """The figures of a chain.

    Args:
        library: String, the name of the library of cells.
        options: Dictionary: `lanes`, `pipeline` and `taps`.
        operations: `Operations`.
        steps: Tuple of `StepReport`.
        period: Float, of a clock that OpenSTA has shown every step to meet,
            in ns.
    """

    library: str
    options: dict
    operations: Operations
    steps: tuple[StepReport, ...]
    period: float

    def at(self, period):
        """The same at a slower clock, to compare with other reports.

        Args:
            period: Float, of the clock, in ns.

        Returns:
            `Report`.

        Raises:
            ValueError: A step takes longer.
        """
        slowest = max(step.critical_path for step in self.steps)
        if period < slowest:
            raise ValueError(
                f"Report.at expects a `period` of at least {slowest:.3f} ns, "
                f"the slowest path. Received: period={period}"
            )
        return dataclasses.replace(self, period=period)

    @property
    def total(self):
        """Dictionary of all figures over the steps, numbers alone.

        `area`, `cells`, `registers` and `latency` are sums;
        `critical_path` is the largest; `energy_zero` and `energy_unit` are in
        pJ for each sample, `energy_unit_clock` and so on its parts with unit
        delay, and `leakage` is in pJ at the clock `period`. `luts`,
        `carries`, `dsps` and `fpga_registers` are there where an FPGA was
        asked for.
        """
        found = {
            name: sum(getattr(step, name) for step in self.steps)
            for name in _SUMS
        }
        found["critical_path"] = max(s.critical_path for s in self.steps)
        for delay in DELAYS:
            each = [step.energies[delay] for step in self.steps]
            found[f"energy_{delay}"] = sum(e.total for e in each)
            for part in each[0].parts:
                found[f"energy_{delay}_{part}"] = sum(
                    e.parts[part] for e in each
                )
        sample = self.period / self.options["lanes"]
        found["leakage"] = sum(
            step.energies["zero"].leakage(sample) for step in self.steps
        )
        if self.steps[0].fpga is not None:
            for name in ("luts", "carries", "dsps", "registers"):
                label = "fpga_registers" if name == "registers" else name
                found[label] = sum(getattr(s.fpga, name) for s in self.steps)
        return found


def report(
    chain,
    liberty=None,
    *,
    signal,
    lanes=1,
    pipeline="none",
    taps="constant",
    fpga="ecp5",
    out_dir=None,
):
    """Synthesizes a chain and measures it with a signal, step by step.

    A step is a filter and what follows it up to the next one. Each becomes a
    netlist of its own, without handshake, and gets the integers that the
    steps before it make of the signal. Its outputs have to be those of a
    `Stream`. The first samples, with which it fills, are left out of the
    energies.

    Args:
        chain: `ChainSpec`.
        liberty: `Liberty`, or None for `default_liberty()`.
            Defaults to `None`.
        signal: Integer array `(time, channels)`, what the filter is for: its
            statistics make the energy. Some thousand samples are enough.
        lanes: Positive integer, samples in a clock. Defaults to `1`.
        pipeline: See `tflite_export.verilog.to_verilog`. Defaults to `"none"`.
        taps: String, `"constant"` or `"programmable"`, which hold the taps of
            `chain`. Defaults to `"constant"`.
        fpga: String, see `tools.yosys.fpga`, or None to leave it out.
            Defaults to `"ecp5"`.
        out_dir: Path of a folder for Verilog and netlists, or None for one
            that is deleted. Defaults to `None`.

    Returns:
        `Report`.

    Raises:
        FileNotFoundError: There is no library.
        MissingToolError: yosys or OpenSTA is not installed.
        RuntimeError: One of them failed, or gates and integers differ.
        TypeError: `signal` does not hold integers, or `lanes` is no
            integer.
        ValueError: `signal` is too short or of another shape, or an option
            is unknown.

    Example:

    ```python
    found = report(chain, Liberty("sky130hd_tt.lib.gz"), signal=samples)
    found.total["area"], found.total["energy_unit"], found.period
    ```
    """
    liberty = liberty or default_liberty()
    signal = _check_signal(signal, chain, lanes)
    options = {"lanes": lanes, "pipeline": pipeline, "taps": taps}
    if out_dir is None:
        with tempfile.TemporaryDirectory() as folder:
            steps, period = _measure(
                chain, liberty, signal, options, fpga, Path(folder)
            )
    else:
        steps, period = _measure(
            chain, liberty, signal, options, fpga, Path(out_dir)
        )
    return Report(liberty.name, options, operations(chain), steps, period)


def split_steps(chain):
    """Cuts a chain ahead of each filter.

    Args:
        chain: `ChainSpec`.

    Returns:
        List of `ChainSpec`.
    """
    check_chain(chain, "split_steps")
    starts = [
        index
        for index, stage in enumerate(chain.stages)
        if index == 0 or isinstance(stage, FIRSpec)
    ]
    ends = [*starts[1:], len(chain.stages)]
    return [
        ChainSpec(chain.stages[start:end], chain.stage_channels[start])
        for start, end in zip(starts, ends, strict=True)
    ]


def _measure(chain, liberty, signal, options, fpga, folder):
    """The reports of all steps, and the clock that they have in common."""
    folder.mkdir(parents=True, exist_ok=True)
    found, netlists = [], []
    for index, step in enumerate(split_steps(chain)):
        design = to_verilog(step, f"step{index}", handshake=False, **options)
        sources = [folder / name for name in design.sources]
        for path in sources:
            path.write_text(design.files[path.name])
        netlist = yosys.synthesize(
            sources, design.core, liberty, out_dir=folder
        )
        result = Stream(step).process(signal[None])[0]
        figures = gate_figures(design, netlist, liberty, signal, result)
        figures["fpga"] = fpga and yosys.fpga(sources, design.core, fpga)
        found.append(figures)
        netlists.append(netlist)
        signal = result
    period, timings = common_clock(netlists, liberty)
    steps = tuple(
        StepReport(critical_path=timing.critical_path, **figures)
        for figures, timing in zip(found, timings, strict=True)
    )
    return steps, period


def _check_signal(signal, chain, lanes):
    """An int64 array of whole clocks, or `ValueError`."""
    signal = as_int64("signal", signal, owner="report")
    if signal.ndim != 2 or signal.shape[1] != chain.channels:
        raise ValueError(
            f"report expects a `signal` of shape (time, {chain.channels}). "
            f"Received: shape={signal.shape}"
        )
    _checks.check_integer("lanes", lanes, minimum=1, owner="report")
    least = 2 * lanes * (chain.memory + 64)
    if len(signal) < least:
        raise ValueError(
            f"report expects at least {least} samples. Received: {len(signal)}"
        )
    return signal[: len(signal) // lanes * lanes]
