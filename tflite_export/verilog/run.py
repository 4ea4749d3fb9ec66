"""Runs a design on a signal in Icarus Verilog."""

from pathlib import Path

from tflite_export._signals import as_int64, check_range
from tflite_export.tools import iverilog
from tflite_export.verilog._bench import recorder_name, recording_bench
from tflite_export.verilog._vectors import as_hex, from_words, to_words

_OWNER = "verilog.run"


def run(
    design,
    signal,
    *,
    stalls=False,
    seed=0,
    sources=None,
    writes=(),
    period=10,
    vcd=None,
    timeout=600,
):
    """Simulates a design, from a reset on.

    Args:
        design: `Design`.
        signal: Integer array `(1, time, channels)` within the range of the
            chain's `input_format`.
        stalls: Boolean, whether samples come, and results are taken, in half
            of the clocks, drawn at random. It counts with a handshake alone.
            Defaults to `False`.
        seed: Integer, from which those are drawn. Defaults to `0`.
        sources: Sequence of paths of Verilog files, or None. They hold the
            module `design.core` with its ports, such as a netlist of gates,
            and all that it needs, and take the place of the design's own
            modules but for the one with valid and ready. Defaults to `None`.
        writes: Sequence of pairs of integers, the addresses and values of
            taps that are written ahead of the first sample.
            Defaults to `()`.
        period: Even positive integer, time units of a clock; longer than
            the longest path if gates have delays. Defaults to `10`.
        vcd: Path of a file, in which all value changes are written, or None.
            Defaults to `None`.
        timeout: Float, seconds for compiling and for running.
            Defaults to `600`.

    Returns:
        NumPy array of int64 of shape `(1, time, channels)`: what a `Stream`
        gives.

    Raises:
        MissingToolError: Icarus Verilog is not installed.
        RuntimeError: The design does not compile, loses or repeats a result,
            or takes one back, or a bit is unknown.
        TypeError: `signal` does not hold integers.
        ValueError: It is out of range, or of another shape.
    """
    signal = as_int64("signal", signal, owner=_OWNER)
    words = _words_of(design, signal)
    kept = design.hardware
    if sources is not None:
        wrapper = f"{design.top}.v"
        kept = {wrapper: kept[wrapper]} if design.handshake else {}
    bench = recording_bench(
        design,
        len(words),
        stalls=stalls,
        seed=seed,
        writes=writes,
        period=period,
        # It runs in a folder of its own.
        vcd=None if vcd is None else Path(vcd).resolve(),
    )
    bits = design.ports["in_data"][1]
    top = recorder_name(design)
    printed = iverilog.simulate(
        {**kept, f"{top}.v": bench, "input.hex": as_hex(words, bits)},
        top,
        sources=sources or (),
        timeout=timeout,
    )
    words = _results(printed.splitlines(), len(words))
    chain = design.chain
    channels, form = chain.output_channels, chain.output_format
    found = from_words(words, design.lanes, channels, form)
    return found[None, : signal.shape[1]]


def _words_of(design, signal):
    expected = (1, None, design.chain.channels)
    if signal.ndim != 3 or signal.shape[::2] != expected[::2]:
        raise ValueError(
            f"{_OWNER} expects a signal of shape {expected}. "
            f"Received: shape={signal.shape}"
        )
    form = design.chain.input_format
    check_range("signal", signal, form, owner=_OWNER)
    return to_words(signal[0], design.lanes, form.word_length)


def _results(lines, expected):
    found = [line[1:] for line in lines if line.startswith(">")]
    lost = lines.count("!")
    if len(found) != expected or lost:
        raise RuntimeError(
            f"{_OWNER} expects a result for each of {expected} words, which "
            f"stays until it is taken. Received: {len(found)}, of which "
            f"{lost} were taken back"
        )
    unknown = [word for word in found if set(word.lower()) & set("xz")]
    if unknown:
        raise RuntimeError(
            f"{_OWNER} expects bits that are known. Received: {len(unknown)} "
            f"words such as {unknown[0]!r}"
        )
    return [int(word, 16) for word in found]
