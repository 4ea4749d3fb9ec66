"""Cost of each layer against the plain layer that it replaces.

Forward and backward pass, in graph mode and under XLA, alone and inside the
train step of a real network: the two BinaryGAN networks of Dong and Yang
(1810.04714) for the neuron, the rectifier and the mask, an equalizer for the
filter. Each ratio is the median over rounds in which both are timed in turns.

Run it as `python -m benchmarks.layers`; `--out` records the result.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import time

import keras
from absl import app, flags

from benchmarks import environment, layers_cases, results, tables, timing

_OUT = flags.DEFINE_string("out", None, "File for the result, JSON.")
_ROUNDS = flags.DEFINE_integer("rounds", 15, "Timings of each function.")
_ONLY = flags.DEFINE_string("only", None, "Run the cases that hold this word.")


def _measure(case, jit_compile):
    """One row: the time of ours, against that of the plain layer."""
    functions = {
        name: case.make(layer, jit_compile)
        for name, layer in (("ours", case.ours), ("plain", case.plain))
    }
    found = timing.compare(functions, rounds=_ROUNDS.value)
    middle, low, high = timing.ratio(found, "ours", "plain")
    milliseconds = 1e3 * sorted(found["plain"])[len(found["plain"]) // 2]
    mode = "XLA" if jit_compile else "graph"
    return results.row(
        case.name,
        f"{case.where}, {mode}",
        middle,
        "times",
        samples=[low, middle, high],
        against=f"{case.against} ({milliseconds:.2f} ms)",
        aim=case.aim if jit_compile or not case.aim_needs_xla else None,
    )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    keras.utils.set_random_seed(0)
    begin = time.perf_counter()
    rows = []
    for case in layers_cases.cases():
        if _ONLY.value and _ONLY.value not in f"{case.name} {case.where}":
            continue
        for jit_compile in (False, True):
            rows.append(_measure(case, jit_compile))
            print(tables.text_table(rows[-1:]).splitlines()[-1], flush=True)
    seconds = time.perf_counter() - begin
    print()
    print(tables.text_table(rows))
    missed = [row for row in rows if row.verdict == "miss"]
    for row in missed:
        print(f"Missed: {row.name}, {row.metric}: {row.value:.2f}")
    result = results.Result(
        name="Cost of the layers",
        command="python -m benchmarks.layers",
        versions=environment.versions(),
        machine=environment.machine(),
        seeds=[0],
        seconds=round(seconds, 1),
        rows=rows,
    )
    results.check(result)
    if _OUT.value:
        results.write(result, _OUT.value)


if __name__ == "__main__":
    app.run(main)
