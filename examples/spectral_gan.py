"""GANs with and without a term of the spectrum of their generator.

Trains small GANs with the implicit likelihood of the generator in its loss, as
in "Backpropagation for Implicit Spectral Densities" (Ramesh and LeCun, 2018),
with either sign, with penalties of its Jacobian, and with neither, and measures
the conditioning of the Jacobian; the implicit likelihood of samples, of test
images that were inverted, and of what is found by climbing it; the quality of
samples; and what changes along the eigenvectors of the metric.

Run it as `python -m examples.spectral_gan`, for scikit-learn's digits;
`--study=mnist`, gray, and `--study=binary`, with binary neurons, need mnist.npz
in --data_dir or KERAS_BP_DATA. What is done is kept after each run: with
`--minutes` it ends in time, and the next call goes on from there.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import pathlib
import time

import keras
from absl import app, flags

from benchmarks import environment, results, tables
from examples.spectral_parts import figures
from examples.spectral_parts.config import STUDIES
from examples.spectral_parts.data import images_of, judge_of
from examples.spectral_parts.measure import Reference, measured
from examples.spectral_parts.summary import SHORT, Summary, metric_of
from examples.spectral_parts.training import seconds_of_training, train
from examples.store import Store

# Said in each folder: of other measures no runs are taken over.
_MEASURED = "Sets of equal size; changes by those between two samples."


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        "study": flags.DEFINE_enum(
            "study", "digits", sorted(STUDIES), "What is compared."
        ),
        "only": flags.DEFINE_list(
            "only", None, "Do runs whose name holds one of these words."
        ),
        "data_dir": flags.DEFINE_string(
            "data_dir",
            None,
            "Folder with mnist.npz. Default: the one that the variable "
            "KERAS_BP_DATA names.",
        ),
        "minutes": flags.DEFINE_float(
            "minutes", None, "No run begins after so many; default all."
        ),
        "out_dir": flags.DEFINE_string(
            "out_dir", None, "Folder; default out/spectral_gan/STUDY."
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
    }


def work(study, reference, store, words=None, minutes=None):
    """Does what is left, as long as there is time.

    Args:
        study: `Study`.
        reference: `Reference`.
        store: `Store`.
        words: List of strings, of which one is in the name of a run, or None.
        minutes: Float, after which no run begins, or None.
    """
    begin, known = time.perf_counter(), {}
    for run in study.runs():
        if store.has(run.name):
            record = store.found(run.name)
            known[run.arm] = record["seconds"] + record["seconds of measures"]
            continue
        if words and not any(word in run.name for word in words):
            continue
        passed = (time.perf_counter() - begin) / 60
        if minutes is not None and passed > minutes:
            print(f"Left: {run.name}.", flush=True)
            continue
        _do(study, run, reference, store, known)


def _do(study, run, reference, store, known):
    """Trains and measures one run, and keeps it."""
    if run.arm in known:
        told = f"{known[run.arm]:.0f} s, as of another seed"
    else:
        seconds = seconds_of_training(study, run, reference.images)
        told = f"{seconds:.0f} s of training by the time of its batches"
    print(f"{run.name}: about {told}", flush=True)
    generator, numbers, spectra = train(study, run, reference.images)
    begin = time.perf_counter()
    found, pictures = measured(generator, reference)
    numbers["seconds of measures"] = time.perf_counter() - begin
    known[run.arm] = numbers["seconds"] + numbers["seconds of measures"]
    store.keep_weights(run.name, pictures)
    store.keep(run.name, {**numbers, **found, "spectra": spectra})
    keras.backend.clear_session()
    print(
        f"  {numbers['seconds']:.0f} s and {numbers['seconds of measures']:.0f}"
        f" s: FD {found['FD']:.3g}, coverage {found['coverage']:.2f}, "
        f"condition {found['condition']:.3g}",
        flush=True,
    )


def conclude(study, store, reference, path=None):
    """Prints a table, draws, and writes the result."""
    summary = Summary(study, store, reference)
    rows = summary.rows()
    print(tables.text_table([r for r in rows if _is_short(r)]))
    for picture in figures.draw(summary, store.folder):
        print(f"Picture: {picture}")
    result = environment.result(
        f"Spectral GANs ({reference.images.told})",
        f"python -m examples.spectral_gan --study={study.name}",
        summary.seeds(),
        summary.seconds(),
        rows,
    )
    results.write(result, path or store.folder / "metrics.json")


def _is_short(row):
    shown = [metric_of(measure) for measure in SHORT]
    return row.metric in shown or "none" in row.metric or "counts" in row.metric


def main(argv, given):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in given.items()}
    study = STUDIES[given["study"]]
    try:
        images = images_of(study, given["data_dir"])
    except (FileNotFoundError, ValueError) as error:
        raise app.UsageError(str(error)) from error
    print(f"Data: {images.told}.", flush=True)
    folder = pathlib.Path(given["out_dir"] or f"out/spectral_gan/{study.name}")
    try:
        store = Store(folder, f"{study}\n{images.told}\n{_MEASURED}\n")
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    reference = Reference(study, images, judge_of(images, folder))
    work(study, reference, store, given["only"], given["minutes"])
    conclude(study, store, reference, given["out"])


if __name__ == "__main__":
    holders = define_flags()
    app.run(lambda argv: main(argv, holders))
