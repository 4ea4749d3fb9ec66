"""Speed and memory of the fiber link and of its equalizers.

Run it as `python -m benchmarks.optics`. OptiCommPy and Sionna are timed in
the same run where they are installed (`make rivals` makes such a venv).
"""

import time

from absl import app, flags

from benchmarks import environment, optics_cases, results, tables

_PARTS = flags.DEFINE_list(
    "parts",
    ["propagation", "training", "memory"],
    "Which parts to run.",
)
flags.register_validator(
    _PARTS,
    lambda parts: set(parts) <= {"propagation", "training", "memory"},
    message="expects parts of propagation, training, memory",
)
_OUT = flags.DEFINE_string("out", None, "File for the result, JSON.")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    begin = time.perf_counter()
    rows = []
    for part in _PARTS.value:
        print(f"Running {part}.", flush=True)
        rows += getattr(optics_cases, part)()
    print(tables.text_table(rows))
    result = environment.result(
        "Optics",
        "python -m benchmarks.optics",
        [0],
        time.perf_counter() - begin,
        rows,
    )
    if _OUT.value:
        results.write(result, _OUT.value)


if __name__ == "__main__":
    app.run(main)
