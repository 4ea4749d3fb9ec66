"""Cost of each layer against the plain layer that it replaces.

Forward and backward pass, in graph mode and under XLA, alone and inside the
train step of a real network: the two BinaryGAN networks of Dong and Yang
(1810.04714) for the neuron, the rectifier and the mask, an equalizer for the
filter. Each ratio is the median over rounds in which both are timed in turns.

Run it as `python -m benchmarks.layers`; `--out` records the result.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import functools
import statistics

import keras

from benchmarks import layers_cases, results, timing
from benchmarks import parts as benchmark


def measure(case, jit_compile, rounds):
    """One row: the time of a layer, against that of the plain one.

    Args:
        case: `layers_cases.Case`.
        jit_compile: Boolean, whether XLA compiles what is timed.
        rounds: Integer, how often each is timed.

    Returns:
        `results.Row` with the median of the ratios, and their range.
    """
    factories = {"ours": case.ours, "plain": case.plain}
    if case.floor is not None:
        factories["floor"] = case.floor
    found = timing.compare(
        {
            name: case.make(factory, jit_compile)
            for name, factory in factories.items()
        },
        rounds=rounds,
    )
    ratios = timing.ratios(found, "ours", "plain")
    took = {name: 1e3 * statistics.median(found[name]) for name in factories}
    against = f"{case.against} ({took['plain']:.2f} ms"
    if "floor" in took:
        against += f"; an identity {took['floor']:.2f} ms"
    mode = "XLA" if jit_compile else "graph"
    return results.row(
        case.name,
        f"{case.where}, {mode}",
        statistics.median(ratios),
        "times",
        samples=ratios,
        against=against + ")",
        aim=case.aim if jit_compile or not case.aim_needs_xla else None,
    )


def _remark(case, row):
    """Why a row stands out, where it misses or is far from 1."""
    crosses = row.aim and row.low <= float(row.aim.split()[1]) < row.high
    if crosses and row.verdict == "pass":
        print(f"{row.name}, {row.metric}: some rounds lie beyond the aim.")
    if row.verdict == "miss" or not 0.5 < row.value < 1.25:
        verdict = "missed" if row.verdict == "miss" else "stands out"
        print(
            f"{row.name}, {row.metric}: {row.value:.2f} times, {verdict}. "
            f"{case.why}"
        )


def parts(rounds):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, how often each layer is timed.

    Returns:
        Dictionary.
    """
    return {
        f"{case.name} {case.where}": functools.partial(_rows, case, rounds)
        for case in layers_cases.cases()
    }


def _rows(case, rounds):
    found = []
    for jit_compile in (False, True):
        found.append(measure(case, jit_compile, rounds))
        keras.backend.clear_session()
        _remark(case, found[-1])
    return found


if __name__ == "__main__":
    benchmark.main(parts, "Cost of the layers", "python -m benchmarks.layers")
