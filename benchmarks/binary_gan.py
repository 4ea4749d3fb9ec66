"""Cost of training a GAN of bits, against a sigmoid end and code by hand.

One batch of training, five steps of the critic and one of the generator, of
the two network pairs of Dong and Yang (1810.04714) with the WGAN-GP objective:
with each kind of end against a sigmoid, and `BinaryGAN` against two usual ways
to write such a loop. Then the critic step of the convolutional pair, part by
part. Each ratio is the median over rounds in which all are timed in turns.

Run it as `python -m benchmarks.binary_gan`; `--out` records the result.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import time

import keras
from absl import app, flags

from benchmarks import (
    binary_gan_cases,
    binary_gan_profile,
    environment,
    results,
    tables,
)


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


def parts(rounds):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, how often each function is timed.

    Returns:
        Dictionary.
    """
    mlp, cnn = (binary_gan_cases.Setting(name) for name in ("mlp", "cnn"))
    rows = binary_gan_cases.batch_rows
    return {
        "mlp batch graph": lambda: rows(mlp, False, rounds),
        "mlp batch XLA": lambda: rows(mlp, True, rounds),
        "cnn batch graph": lambda: rows(cnn, False, rounds),
        # Of one round: it is some forty times slower.
        "cnn batch XLA": lambda: [binary_gan_cases.compiled_row(cnn, 1)],
        "mlp critic profile": lambda: binary_gan_profile.critic_rows(
            mlp, rounds
        ),
        "cnn critic profile": lambda: binary_gan_profile.critic_rows(
            cnn, rounds
        ),
    }


def main(argv, given):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in given.items()}
    keras.utils.set_random_seed(0)
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
        "Cost of a GAN of bits",
        "python -m benchmarks.binary_gan",
        [0],
        time.perf_counter() - begin,
        rows,
    )
    if given["out"]:
        results.write(result, given["out"])


if __name__ == "__main__":
    holders = define_flags()
    app.run(lambda argv: main(argv, holders))
