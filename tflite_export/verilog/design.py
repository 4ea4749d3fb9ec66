"""A chain as synthesizable Verilog."""

import dataclasses

import numpy as np

from keras_bp import _checks
from tflite_export import vectors
from tflite_export.chain_spec import ChainSpec, check_chain
from tflite_export.fir_spec import FIRSpec
from tflite_export.stream import Stream
from tflite_export.verilog._bench import checking_bench
from tflite_export.verilog._chain import write_core
from tflite_export.verilog._cocotb import cocotb_test
from tflite_export.verilog._module import port_list
from tflite_export.verilog._options import Options
from tflite_export.verilog._vectors import as_hex, to_words
from tflite_export.verilog._wrapper import wrapper_ports, write_wrapper


@dataclasses.dataclass(frozen=True)
class Design:
    """Verilog, and what whoever uses it has to know.

    Args:
        name: String, with which all names begin.
        chain: `ChainSpec` that it computes.
        files: Dictionary from the name of a file to its text.
        sources: Tuple of the names of those files that are hardware; each
            holds the module of its name.
        top: String, the module with valid and ready; `core` without them.
        core: String, the module inside.
        ports: Dictionary from the ports of `top` to a pair: `"input"` or
            `"output"`, and bits.
        core_ports: The same of `core`.
        lanes: Integer, samples taken in one clock.
        latency: Integer, clocks from a sample to its result.
        handshake: Boolean, whether there are valid and ready.
        counts: Dictionary: adders, adder bits, multipliers, register bits.
        tap_resets: Tuple of integers, what the tap registers are reset to, by
            their addresses; empty where taps are constant.
    """

    name: str
    chain: ChainSpec
    files: dict
    sources: tuple
    top: str
    core: str
    ports: dict
    core_ports: dict
    lanes: int
    latency: int
    handshake: bool
    counts: dict
    tap_resets: tuple = ()

    @property
    def hardware(self):
        """Dictionary from the names of `sources` to their text."""
        return {name: self.files[name] for name in self.sources}


def to_verilog(
    chain,
    name="filter",
    *,
    lanes=1,
    pipeline="none",
    taps="constant",
    handshake=True,
    time=64,
):
    r"""Writes a chain as Verilog-2001 that computes what a `Stream` does.

    Each filter and what follows it up to the next filter is a step, a module
    of its own, with a register at its end. The module `NAME_core` joins them:
    it moves where `en` is 1, and carries a bit `in_valid` along with the
    samples, so that it may be given none in some clocks. The module `NAME`
    around it has valid and ready on both sides. A sample is taken, or a result
    given, in each clock in which both are 1; gaps and waiting neither lose
    nor repeat one. A reset (synchronous) is as good as a new `Stream`.

    `in_data` and `out_data` hold one sample of each lane: the first in the
    lowest bits, and of each sample its first channel lowest, in as many bits
    as the format has.

    Constant taps become adders (`tflite_export.adder_graph`), programmable
    ones multipliers. Those are kept in registers: with `tap_write` the one of
    `tap_address` takes the lowest bits of `tap_data`. The addresses go through
    the filters in order, and through the taps of each as `FIRSpec.taps` does;
    of symmetric taps through the first half, with the middle. The samples that
    are on their way see the new tap, too. Kerr coefficients stay constant.

    Args:
        chain: `ChainSpec`.
        name: String, an identifier. Defaults to `"filter"`.
        lanes: Positive integer, samples taken in one clock. Defaults to `1`.
        pipeline: `"none"`: registers at the end of a step alone. `"adders"`:
            one behind each adder, saturation, table or multiplier. Positive
            integer: behind so many levels of adders at most; a multiplier
            counts as many as its partial products take. Defaults to `"none"`.
        taps: String, `"constant"` or `"programmable"`.
            Defaults to `"constant"`.
        handshake: Boolean. If false, there is the core alone, without `en`
            and valid bits: each clock takes a sample. The reset then has to
            last for `latency` clocks, with zeros at the input. Meant for
            comparing costs. Defaults to `True`.
        time: Positive integer, samples of each kind of
            `tflite_export.vectors` for the test bench, or more where those
            do not fill one word of all lanes. Defaults to `64`.

    Returns:
        `Design`. Its files are the modules, a test bench `NAME_tb.v` with its
        vectors, and, with a handshake, a test for cocotb, `NAME_cocotb.py`.

    Raises:
        TypeError: `chain` is no `ChainSpec`, or a number no integer.
        ValueError: A name or number is out of range, or a filter keeps only
            some of its outputs.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export import ChainSpec, FIRSpec
    >>> from tflite_export.verilog import to_verilog
    >>> form = FixedPoint(8, 6)
    >>> taps = np.array([[[3]], [[10]], [[3]]])
    >>> fir = FIRSpec(taps, form, form, form, "causal", complex=False)
    >>> design = to_verilog(ChainSpec([fir], 1))
    >>> design.sources, design.latency, design.counts["multipliers"]
    (('filter.v', 'filter_core.v'), 1, 0)
    """
    _check_chain(chain)
    options = Options(name, lanes, pipeline, taps, bool(handshake))
    modules, resets = write_core(chain, options)
    core, files = modules[0], {}
    core_ports = port_list(
        options.handshake, core.input_bits, core.output_bits, core.tap_ports
    )
    ports = core_ports
    if options.handshake:
        files[f"{name}.v"] = write_wrapper(name, core)
        ports = wrapper_ports(core)
    files |= {f"{module.name}.v": module.text for module in modules}
    design = Design(
        name=name,
        chain=chain,
        files=files,
        sources=tuple(files),
        top=name if options.handshake else core.name,
        core=core.name,
        ports=_as_dictionary(ports),
        core_ports=_as_dictionary(core_ports),
        lanes=lanes,
        latency=core.latency,
        handshake=options.handshake,
        counts=core.counts,
        tap_resets=tuple(resets),
    )
    files |= _test_files(design, time)
    return design


def _as_dictionary(ports):
    return {name: (side, bits) for side, bits, name in ports}


def _test_files(design, time):
    """The test bench, its vectors, and a test for cocotb."""
    chain, name = design.chain, design.name
    _checks.check_integer("time", time, minimum=1, owner="to_verilog")
    # A word at least.
    time = max(time, -(-design.lanes // len(vectors.KINDS)))
    signal = np.concatenate(
        [vectors.draw(chain, kind, time) for kind in vectors.KINDS], axis=1
    )
    signal = signal[:, : signal.shape[1] // design.lanes * design.lanes]
    found = {}
    for side, form, value in (
        ("in", chain.input_format, signal),
        ("out", chain.output_format, Stream(chain).process(signal)),
    ):
        words = to_words(value[0], design.lanes, form.word_length)
        bits = design.ports[f"{side}_data"][1]
        found[f"{name}_{side}put.hex"] = as_hex(words, bits)
    found[f"{name}_tb.v"] = checking_bench(design, len(words))
    if design.handshake:
        found[f"{name}_cocotb.py"] = cocotb_test(design)
    return found


def _check_chain(chain):
    owner = "to_verilog"
    check_chain(chain, owner)
    for index, stage in enumerate(chain.stages):
        if isinstance(stage, FIRSpec) and stage.strides > 1:
            raise ValueError(
                f"{owner} expects filters that keep all of their outputs. "
                f"Received: stage {index} with strides={stage.strides}"
            )
