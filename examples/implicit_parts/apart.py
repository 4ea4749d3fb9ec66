"""Seeds of a study, each run by another process, in the files of one."""

import functools
import json
import pathlib
import tempfile

import keras

from examples.fan_out_parts import whole_lines
from examples.implicit_parts import methods
from keras_bp.training import learning_rate_sweep


def path_of(folder, sweep, name):
    """Where the rows of a method are."""
    return folder / f"{sweep.name}-{name}.jsonl".replace(", ", "-")


def swept(sweep, name, rates, seeds, path):
    """The sweep of one method, of which the file holds what is done."""
    return learning_rate_sweep(
        {name: methods.make(name, sweep.network, sweep.loss)},
        sweep.data,
        rates,
        seeds,
        sweep.epochs,
        sweep.batch,
        path,
    )


def fill(fan, make, given, names, study, folder):
    """Runs what is left of all methods, a seed of one at a time.

    Args:
        fan: `FanOut`.
        make: Function of the arguments that follow it, and these: what makes
            `given`, which other processes can import.
        given: List of `Sweep`.
        names: List of names of methods.
        study: `Study`.
        folder: `pathlib.Path`.

    Returns:
        Set of pairs, the name of a sweep and that of a method, that are done.
    """
    jobs, files, due = {}, {}, {}
    for place, sweep in enumerate(given):
        for name in names:
            path = path_of(folder, sweep, name)
            done = _checked(sweep, name, path)
            for seed in range(study.seeds):
                rates = methods.rates(name, study.grid)
                left = [rate for rate in rates if (seed, rate) not in done]
                if left:
                    job = f"{sweep.name}, {name}, seed {seed}"
                    jobs[job] = (make, place, name, seed, left)
                    files[job] = path
                    due[job] = sweep.name, name

    def keep(job, text):
        append(files[job], text)
        del due[job]

    fan.run(run, jobs, keep)
    left = set(due.values())
    return {(x.name, name) for x in given for name in names} - left


def run(make, place, name, seed, rates):
    """The file of one seed of a method, as text."""
    sweep = _sweeps(*make)[place]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "rows.jsonl")
        swept(sweep, name, rates, [seed], path)
        keras.backend.clear_session()
        return path.read_text(encoding="utf-8")


@functools.lru_cache(1)
def _sweeps(make, *arguments):
    # Read once by a process, not for each job.
    return make(*arguments)


def append(path, text):
    """Adds the rows of a file of `learning_rate_sweep` to those of another.

    Raises:
        ValueError: The first lines, which hold the settings, differ.
    """
    lines, (first, *rows) = whole_lines(path), text.splitlines(keepends=True)
    if lines and lines[0] != first:
        raise ValueError(
            f"{path.name} is of other settings: its first line is "
            f"{lines[0][:200]!r}. Give another --out_dir, or remove it. "
            f"Received: {first[:200]!r}"
        )
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(rows if lines else [first, *rows]))


def _checked(sweep, name, path):
    """Set of pairs, seed and rate, of the rows in a file."""
    done = {
        (row["seed"], row["rate"])
        for row in map(json.loads, whole_lines(path)[1:])
    }
    if done:
        # Runs nothing, and refuses other settings and other data.
        seed, rate = min(done)
        swept(sweep, name, [rate], [seed], path)
    return done
