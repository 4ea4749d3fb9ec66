"""A benchmark in parts, each of which can be run alone."""

import time

import keras
from absl import app, flags

from benchmarks import environment, results, tables


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
        "rounds": flags.DEFINE_integer(
            "rounds", 15, "Timings of each function.", lower_bound=1
        ),
        "only": flags.DEFINE_string(
            "only", None, "Run the parts that hold this word."
        ),
    }


def run(argv, given, parts, title, command, device=None):
    """Runs parts, prints their rows, and records them.

    Args:
        argv: List of arguments that are left, the program first.
        given: Dictionary from the name of a flag to its value.
        parts: Function from the number of rounds to a dictionary, from a name
            to a function that returns a list of `results.Row`.
        title: String, of the result.
        command: String, by which it is run.
        device: String, what runs it beside the cores, or None.
    """
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    keras.utils.set_random_seed(0)
    begin = time.perf_counter()
    chosen = {
        name: part
        for name, part in parts(given["rounds"]).items()
        if not given["only"] or given["only"] in name
    }
    if not chosen:
        raise app.UsageError(f"No part holds {given['only']!r}.")
    if given["only"]:
        command += f" --only={given['only']}"
    rows = []
    for name, part in chosen.items():
        print(f"Running {name}.", flush=True)
        found = part()
        print(tables.text_table(found), flush=True)
        rows += found
        keras.backend.clear_session()
        if not rows:
            continue
        # After each part: what is cut off keeps what it has measured.
        seconds = time.perf_counter() - begin
        result = environment.result(title, command, [0], seconds, rows, device)
        if given["out"]:
            results.write(result, given["out"])
    print(f"\n{tables.text_table(rows)}\nMedians of rounds, and their range.")


def values(holders):
    """Values of flags by name."""
    return {name: holder.value for name, holder in holders.items()}


def main(parts, title, command):
    """Runs the parts that the command line names.

    Args:
        parts, title, command: As of `run`.
    """
    holders = define_flags()
    app.run(lambda argv: run(argv, values(holders), parts, title, command))
