"""Cost of an implicit step, against an explicit one on the same model.

One train step of an MLP of two hidden layers of 1,024 units at batch 128, of
the convolutional network of Fagan and Iyengar (1808.02433), and of an LSTM over
50 steps, by each rule of `make_implicit` and by Adam: each ratio to plain SGD
is the median over rounds in which all are timed in turns.

Run it as `python -m benchmarks.implicit_step`; `--out` records the result.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import time

import keras
from absl import app, flags

from benchmarks import environment, implicit_step_cases, results, tables


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
        "rounds": flags.DEFINE_integer(
            "rounds", 15, "Timings of each method.", lower_bound=1
        ),
        "only": flags.DEFINE_string(
            "only", None, "Run the parts that hold this word."
        ),
    }


def parts(rounds):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, how often each method is timed.

    Returns:
        Dictionary.
    """
    found = {}
    for name, case in implicit_step_cases.CASES.items():
        for mode in ("graph", "XLA"):
            # XLA's convolutions on a CPU take some forty times as long.
            slow = (name, mode) == ("conv", "XLA")
            found[f"{name} {mode}"] = lambda case=case, mode=mode, slow=slow: (
                implicit_step_cases.rows(
                    case, mode == "XLA", 3 if slow else rounds
                )
            )
    return found


def main(argv, given):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in given.items()}
    begin = time.perf_counter()
    rows = []
    for name, part in parts(given["rounds"]).items():
        if given["only"] and given["only"] not in name:
            continue
        print(f"Running {name}.", flush=True)
        found = part()
        print(tables.text_table(found), flush=True)
        rows += found
        keras.backend.clear_session()
    if not rows:
        raise app.UsageError(f"No part holds {given['only']!r}.")
    print(f"\n{tables.text_table(rows)}\nMedians of rounds, and their range.")
    result = environment.result(
        "Cost of an implicit step",
        "python -m benchmarks.implicit_step",
        [0],
        time.perf_counter() - begin,
        rows,
    )
    if given["out"]:
        results.write(result, given["out"])


if __name__ == "__main__":
    holders = define_flags()
    app.run(lambda argv: main(argv, holders))
