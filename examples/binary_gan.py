"""Generators of bits, trained end to end, and measured.

Trains the networks of "Training Generative Adversarial Networks with Binary
Neurons by End-to-end Backpropagation" (Dong and Yang, 2018) with deterministic
and stochastic binary neurons, and with real values that are binarized
afterwards, and measures what they generate.

Run it as `python -m examples.binary_gan` for scikit-learn's digits, which take
less than two minutes, or, with mnist.npz in --data_dir or KERAS_BP_DATA, as
`python -m examples.binary_gan --preset=mlp --neuron=dbn,sbn,real --epochs=20
--seeds=3`: where the variable is set, the first command takes MNIST too, and
more than an hour. `--study=mnist` is the whole comparison. What is done
is kept after each epoch: with `--minutes` a run ends in time, and the next one
goes on from there.

On a GPU, `KERAS_BACKEND=jax python -m examples.binary_gan --study=mnist-seeds`
trains runs side by side, three seeds of each, and keeps what `--minutes` cuts,
but no models to go on with.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import pathlib
import time

import keras
from absl import app, flags

from benchmarks import environment, results
from examples.binary_gan_parts import config, figures, side_by_side, summary
from examples.binary_gan_parts.classifier import classifier
from examples.binary_gan_parts.data import binary_digits
from examples.binary_gan_parts.measure import Reference
from examples.binary_gan_parts.training import (
    Training,
    budget,
    seconds_per_batch,
)
from examples.store import Store

# The classifier is trained for so many epochs; the digits are few.
_EPOCHS_OF_CLASSIFIER = {True: 4, False: 40}
_EVALUATED = {True: 10_000, False: 1500}


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        "study": flags.DEFINE_enum(
            "study", None, sorted(config.STUDIES), "Runs to do; default digits."
        ),
        "preset": flags.DEFINE_enum(
            "preset", None, ["mlp", "cnn"], "Networks."
        ),
        "neuron": flags.DEFINE_list(
            "neuron",
            None,
            "Ends of the generator: dbn, sbn, real; default all.",
        ),
        "objective": flags.DEFINE_list(
            "objective", None, "gan, wgan or wgan-gp; default wgan-gp."
        ),
        "variant": flags.DEFINE_list(
            "variant", None, f"Of {sorted(config.VARIANTS)}; default paper."
        ),
        "epochs": flags.DEFINE_integer(
            "epochs", None, "Epochs; default 20, of the study digits 10.", 1
        ),
        "seeds": flags.DEFINE_integer("seeds", 1, "Number of seeds.", 1),
        "only": flags.DEFINE_list(
            "only", None, "Do runs whose name holds one of these words."
        ),
        "data_dir": flags.DEFINE_string(
            "data_dir",
            None,
            "Folder with mnist.npz. Default: the one that the variable "
            "KERAS_BP_DATA names, else scikit-learn's small digits.",
        ),
        "minutes": flags.DEFINE_float(
            "minutes", None, "No epoch begins after so many; default all."
        ),
        "out_dir": flags.DEFINE_string(
            "out_dir", None, "Folder of the runs; default out/binary_gan/DATA."
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
    }


def _of_runs(given):
    """Names of the flags of single runs that were given."""
    names = ("preset", "neuron", "objective", "variant", "epochs")
    found = [name for name in names if given[name] is not None]
    return found + (["seeds"] if given["seeds"] != 1 else [])


def chosen(given):
    """The runs that the flags name."""
    names = _of_runs(given)
    if given["study"] and names:
        raise ValueError(
            "A study says which runs it holds: this example expects --study "
            f"or flags of runs. Received: --study={given['study']} beside "
            + ", ".join(f"--{name}" for name in names)
        )
    if names:
        runs = [
            config.Run(
                given["preset"] or "mlp",
                neuron,
                objective,
                variant,
                seed,
                given["epochs"] or 20,
            )
            for seed in range(given["seeds"])
            for variant in given["variant"] or ["paper"]
            for objective in given["objective"] or ["wgan-gp"]
            for neuron in given["neuron"] or ["dbn", "sbn", "real"]
        ]
    else:
        runs = config.STUDIES[given["study"] or "digits"]
    words = given["only"] or [""]
    found = [run for run in runs if any(word in run.name for word in words)]
    if not found:
        raise ValueError(f"No run is called {' or '.join(words)}")
    return found


def until(minutes):
    """A function that tells whether so many minutes are over; None: never."""
    begin = time.perf_counter()

    def enough():
        passed = (time.perf_counter() - begin) / 60
        return minutes is not None and passed > minutes

    return enough


def work(runs, images, store, reference, enough):
    """Trains what is left, as long as there is time."""
    for run in runs:
        training = Training(run, images, store)
        if not training.left or enough():
            continue
        seconds = seconds_per_batch(run, images.sample_shape)
        total = budget(seconds, len(images.all), training.left)
        print(
            f"{run.name}: {1000 * seconds[0]:.0f} ms a batch, {training.left} "
            f"epochs in about {total / 60:.1f} min",
            flush=True,
        )
        training.go_on(reference, enough)


def main(argv, given):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in given.items()}
    try:
        images = binary_digits(given["data_dir"])
        runs = chosen(given)
        for run in runs:
            config.check(run, images.is_mnist)
        name = "mnist" if images.is_mnist else "digits"
        folder = pathlib.Path(given["out_dir"] or f"out/binary_gan/{name}")
        store = Store(folder, f"{images.told}\n")
    except (FileNotFoundError, ValueError) as error:
        raise app.UsageError(str(error)) from error
    print(f"Data: {images.told}.", flush=True)
    judge = classifier(
        images,
        folder / "classifier.keras",
        _EPOCHS_OF_CLASSIFIER[images.is_mnist],
    )
    reference = Reference(images, judge, _EVALUATED[images.is_mnist])
    jax = keras.backend.backend() == "jax"
    train = side_by_side.work if jax else work
    train(runs, images, store, reference, until(given["minutes"]))
    conclude(images, store, reference, given["out"])


def conclude(images, store, reference, path=None):
    """Prints a table of all runs of a folder, and draws them."""
    found = summary.Summary(images, store, reference)
    rows = found.rows()
    print(found.table())
    for picture in figures.draw(found, store.folder):
        print(f"Picture: {picture}")
    device = found.device()
    study = "mnist" if images.is_mnist else "digits"
    command = f"python -m examples.binary_gan --study={study}"
    if device and images.is_mnist:
        command += "-seeds"
    result = environment.result(
        f"Generators of bits ({images.told})",
        command,
        sorted({run.seed for run, _ in found.runs.values()}),
        found.seconds(),
        rows,
        device,
    )
    results.write(result, path or store.folder / "metrics.json")


if __name__ == "__main__":
    holders = define_flags()
    app.run(lambda argv: main(argv, holders))
