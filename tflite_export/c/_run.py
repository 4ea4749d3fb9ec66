"""Runs headers: compiles them in a folder of their own, here or for Arm."""

import re
import tempfile

import numpy as np

from keras_bp import _checks
from tflite_export._signals import as_int64, check_ends
from tflite_export.c._header import to_header
from tflite_export.c._program import many_program
from tflite_export.c._whole import extend_signal
from tflite_export.tools import arm_gcc, host_cc, qemu

COMPILERS = (*host_cc.COMPILERS, "arm")

_GUARD = re.compile(r"^#ifndef (\w+)_H$", re.MULTILINE)


def run(
    header_or_chain,
    signal,
    compiler="gcc",
    *,
    whole=False,
    blocks=(64,),
    flags=("-O2",),
):
    """Compiles a filter, and runs it on signals.

    Args:
        header_or_chain: String that `to_header` made, or
            `tflite_export.ChainSpec`.
        signal: Integer array `(batch, time, channels)`; each signal is a
            stream of its own.
        compiler: String. `"gcc"` or `"clang"`, for this machine; `"arm"`, for
            a Cortex-M4 in QEMU. Defaults to `"gcc"`.
        whole: Boolean, whether the result is that of `ChainSpec.run` rather
            than of `tflite_export.Stream`: the signal is extended first, see
            `extend_signal`. It takes a chain. Defaults to `False`.
        blocks: Sequence of positive integers, samples at a time, in turn.
            Defaults to `(64,)`.
        flags: Sequence of strings, more flags of the compiler.
            Defaults to `("-O2",)`.

    Returns:
        NumPy array of int64 of shape `(batch, outputs, channels)`.

    Raises:
        MissingToolError: The compiler, or QEMU, is not installed.
        RuntimeError: The compiler refused the header, or the program failed.
        TypeError: `signal` does not hold integers.
        ValueError: It is out of range or of another shape, `compiler` is
            unknown, `blocks` is empty, a string is no header, or `whole`
            does not fit the chain.
    """
    kept = slice(None)
    if whole:
        signal, kept = extend_signal(header_or_chain, signal)
    (found,) = run_many(
        [(header_or_chain, signal)], compiler, blocks=blocks, flags=flags
    )
    return found[:, kept]


def run_many(pairs, compiler="gcc", *, blocks=(64,), flags=("-O2",)):
    """Compiles several filters as one program, and runs all of them.

    Args:
        pairs: List of `(header_or_chain, signal)`, as `run` takes them.
            Headers differ in their names.
        compiler: String, see `run`. Defaults to `"gcc"`.
        blocks: Sequence of positive integers. Defaults to `(64,)`.
        flags: Sequence of strings. Defaults to `("-O2",)`.

    Returns:
        List of NumPy arrays of int64, as `run` returns them.

    Raises:
        MissingToolError, RuntimeError, TypeError, ValueError: As `run` does.
    """
    owner = "c.run"
    _checks.check_one_of("compiler", compiler, COMPILERS, owner=owner)
    if not len(blocks):
        raise ValueError(
            f"{owner} expects `blocks` of one number or more. Received: none"
        )
    for block in blocks:
        _checks.check_integer("blocks", block, minimum=1, owner=owner)
    headers, lines, shapes = {}, [], []
    for index, (header, signal) in enumerate(pairs):
        signal = as_int64("signal", signal, owner=owner)
        if not isinstance(header, str):
            header = to_header(header, f"filter{index}")
        name = _name_of(header, owner)
        _check_signal(signal, header, owner)
        if name in headers:
            raise ValueError(
                f"{owner} expects headers of different names. "
                f"Received: {name!r} twice"
            )
        headers[name] = header
        channels = _number(header, "OUTPUT_CHANNELS", owner)
        shapes.append((len(signal), channels))
        lines.append(_as_lines(signal))
    with tempfile.TemporaryDirectory() as folder:
        sources = {f"{name}.h": text for name, text in headers.items()}
        sources["main.c"] = many_program(list(headers), list(blocks))
        told = _run(sources, folder, compiler, flags, "\n".join(lines))
    return _parsed(told, shapes)


def _run(sources, folder, compiler, flags, text):
    if compiler == "arm":
        program = arm_gcc.build(sources, folder, flags=flags)
        return qemu.run(program, text + "\n")
    program = host_cc.build(sources, folder, compiler=compiler, flags=flags)
    return host_cc.run(program, text + "\n")


def _check_signal(signal, header, owner):
    channels = _number(header, "INPUT_CHANNELS", owner)
    if signal.ndim != 3 or signal.shape[2] != channels:
        raise ValueError(
            f"{owner} expects a signal of shape (batch, time, {channels}). "
            f"Received: shape={signal.shape}"
        )
    ends = (_number(header, f"INPUT_{end}", owner) for end in ("MIN", "MAX"))
    check_ends("signal", signal, *ends, owner=owner)


def _name_of(header, owner):
    return _found(_GUARD, header, owner).lower()


def _number(header, macro, owner):
    """The number that a macro of a header stands for."""
    pattern = rf"^#define \w+_{macro} \(?(-?\d+)\)?$"
    return int(_found(re.compile(pattern, re.MULTILINE), header, owner))


def _found(pattern, header, owner):
    found = pattern.search(header)
    if found is None:
        raise ValueError(
            f"{owner} expects a header that `c.to_header` made. "
            f"Received: {header[:40]!r}"
        )
    return found[1]


def _as_lines(signal):
    """The number of signals, then of each its length and its samples."""
    parts = [str(len(signal))]
    for one in signal:
        parts += [str(len(one)), *map(str, one.ravel().tolist())]
    return "\n".join(parts)


def _parsed(told, shapes):
    parts = told.split("end\n")
    found = []
    for batch, channels in shapes:
        taken, parts = parts[:batch], parts[batch:]
        signals = [
            np.array(part.split(), "int64").reshape(-1, channels)
            for part in taken
        ]
        found.append(
            np.stack(signals)
            if signals
            else np.zeros((0, 0, channels), "int64")
        )
    return found
