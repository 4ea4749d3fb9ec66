"""Does learning with constraints tell which neurons a network needs?

Trains networks by `LagrangianModel` with inequalities |r| <= epsilon, where
multipliers may be zero, for several epsilon, and by backpropagation. Tells how
many neurons are support neurons, what is left of the accuracy without the
others, and, at the epsilon that is best on examples for validation, how it
falls with the share of neurons that are dropped: by support, by the size of
weights, and at random.

Run it as `python -m examples.support_neurons`, for digits, or with MNIST in
`--data_dir`. Runs that are done are kept.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import pathlib
import time

import keras
from absl import app, flags

from benchmarks import environment, results, tables
from examples.implicit_parts import data
from examples.local_parts import support
from examples.store import Store

_EPOCHS = 20


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        "data_dir": flags.DEFINE_string(
            "data_dir",
            None,
            "Folder with mnist.npz; default digits of scikit-learn.",
        ),
        "seeds": flags.DEFINE_integer(
            "seeds", 5, "Number of seeds.", lower_bound=1
        ),
        "minutes": flags.DEFINE_float(
            "minutes", None, "Nothing begins after so many; default all."
        ),
        "out_dir": flags.DEFINE_string(
            "out_dir", None, "Folder; default out/support_neurons/SET."
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
    }


def work(parts, seeds, folder, epochs=_EPOCHS, minutes=None):
    """Makes the runs that are left, as long as there is time.

    Args:
        parts: Dictionary of `data.images`.
        seeds: Integer.
        folder: Path.
        epochs: Integer.
        minutes: Float, or None.

    Returns:
        Dictionary from an epsilon, None for backpropagation, to the list of
        what each seed gave.
    """
    store = Store(folder, f"{parts['name']}, {epochs} epochs\n")
    begin, found = time.perf_counter(), {}
    for epsilon in (None, *support.EPSILONS):
        for seed in range(seeds):
            name = f"{epsilon}-{seed}"
            known = store.found(name)
            if known is None:
                passed = (time.perf_counter() - begin) / 60
                if minutes is not None and passed > minutes:
                    print(f"Left: {name}.", flush=True)
                    continue
                known = support.run(epsilon, seed, parts, epochs)
                store.keep(name, known)
                keras.backend.clear_session()
                print(
                    f"[{passed:.1f} min] epsilon {epsilon}, seed {seed}: "
                    f"accuracy {known['test']:.4f}, "
                    f"{known['neurons']:.0%} are support neurons",
                    flush=True,
                )
            found.setdefault(epsilon, []).append(known)
    return found


def main(argv, holders):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in holders.items()}
    parts = data.images(given["data_dir"], True)
    folder = pathlib.Path(
        given["out_dir"] or f"out/support_neurons/{parts['name'].lower()}"
    )
    begin = time.perf_counter()
    found = work(parts, given["seeds"], folder, minutes=given["minutes"])
    rows = support.rows(found)
    print(tables.text_table(rows))
    print(f"Picture: {support.draw(found, folder / 'curves.png')}")
    result = environment.result(
        f"Support neurons ({parts['name']})",
        f"python -m examples.support_neurons --seeds={given['seeds']}",
        list(range(given["seeds"])),
        time.perf_counter() - begin,
        rows,
    )
    results.write(result, given["out"] or folder / "metrics.json")


if __name__ == "__main__":
    flag_holders = define_flags()
    app.run(lambda argv: main(argv, flag_holders))
