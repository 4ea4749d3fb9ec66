"""Speed and size of exported filters against those of other packages.

Run it as `python -m benchmarks.edge`. It needs gcc; clang, a Cortex-M4 in
QEMU and CMSIS-DSP are met where they are installed (`make hardware`).
"""

import time

from absl import app, flags

from benchmarks import edge_cases, environment, results, tables

_PARTS = flags.DEFINE_list(
    "parts", ["speed", "builds", "size"], "Which parts to run."
)
flags.register_validator(
    _PARTS,
    lambda parts: set(parts) <= {"speed", "builds", "size"},
    message="expects parts of speed, builds, size",
)
_ROUNDS = flags.DEFINE_integer(
    "rounds", 11, "How often each is timed.", lower_bound=1
)
_OUT = flags.DEFINE_string("out", None, "File for the result, JSON.")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    begin = time.perf_counter()
    rows = []
    for part in _PARTS.value:
        print(f"Running {part}.", flush=True)
        rows += getattr(edge_cases, part)(_ROUNDS.value)
    print(tables.text_table(rows))
    result = environment.result(
        "Edge",
        "python -m benchmarks.edge",
        [0],
        time.perf_counter() - begin,
        rows,
    )
    if _OUT.value:
        results.write(result, _OUT.value)


if __name__ == "__main__":
    app.run(main)
