"""Does memory grow while `fit` goes on? Each train step for ten minutes.

Each model trains in a process of its own: for half of the time in one call of
`fit`, and then by calling it again and again, as from a notebook. The memory
that the process holds is read after each epoch. What counts is the slope over
the second half of the readings: the first traces, and fills caches. A call of
`fit` leaves some 16 KiB behind in Keras itself, so that calls are compared with
those of a plain model.

Run it as `python -m benchmarks.soak`, or `make soak`; `--seconds=30` is quick,
`--only` takes words of the names, and `--processes=2` runs two at once. The
readings of a model are kept in `--out_dir`, where a later run of the same
length finds them: to train anew, delete the folder or name another.
"""

import functools
import json
import math
import multiprocessing.pool
import pathlib
import re
import statistics
import subprocess
import sys
import time

import keras
from absl import app, flags

from benchmarks import environment, results, tables

PLAIN = "backpropagation"
# MiB for a thousand steps: a million may take a hundred MiB. A call of `fit`
# may leave so many times what it leaves in a plain model. Beside these, buffers
# of allocators, which are no leak, in MiB: most of what short runs show.
_MOST, _TIMES, _BUFFERS = 0.1, 1.25, 8.0
# Readings of each kind below which there is no slope to tell.
_FEWEST = 4


def resident():
    """The memory that this process holds, in MiB."""
    with open("/proc/self/statm", encoding="utf-8") as file:
        pages = int(file.read().split()[1])
    return pages * 4096 / 2**20


def growth(memory):
    """Slope over the second half of a list of readings, from one to the next.

    It is the median of the slopes of all pairs that are half of it apart, in
    the manner of Theil and Sen, which a few jumps do not move.
    """
    half = memory[len(memory) // 2 :]
    apart = max(len(half) // 2, 1)
    slopes = [
        (late - early) / apart
        for early, late in zip(half, half[apart:], strict=False)
    ]
    return statistics.median(slopes) if slopes else 0.0


class Watch(keras.callbacks.Callback):
    """Reads the memory after each epoch, and ends `fit` in time.

    Attributes:
        memory: List of floats, in MiB.
    """

    def __init__(self, seconds):
        super().__init__()
        self.memory, self._end = [], time.perf_counter() + seconds

    def on_epoch_end(self, epoch, logs=None):
        self.memory.append(resident())
        if time.perf_counter() > self._end:
            self.model.stop_training = True


def train(model, arrays, seconds, batch=32):
    """Trains in one call of `fit`, and then in many.

    Args:
        model: Compiled `keras.Model`.
        arrays: Tuple of the arguments of `fit`.
        seconds: Float, for both, after a first call.
        batch: Integer.

    Returns:
        Dictionary with `steps`, those of an epoch, and `seconds`, of all;
        `epochs` and `calls`, lists of floats: the memory in MiB after each.
    """
    begin, options = time.perf_counter(), {"batch_size": batch, "verbose": 0}
    model.fit(*arrays, **options)
    watch = Watch(seconds / 2)
    model.fit(*arrays, epochs=10**9, callbacks=[watch], **options)
    calls, end = [], time.perf_counter() + seconds / 2
    while time.perf_counter() < end:
        model.fit(*arrays, **options)
        calls.append(resident())
    return {
        "steps": math.ceil(len(arrays[0]) / batch),
        "seconds": time.perf_counter() - begin,
        "epochs": watch.memory,
        "calls": calls,
    }


def _apart(name, seconds):
    """`train` of a case in another process."""
    program = (
        "import json, keras\n"
        "from benchmarks import soak, soak_cases\n"
        "keras.utils.set_random_seed(0)\n"
        f"model, arrays = soak_cases.CASES[{name!r}]()\n"
        f"print(json.dumps(soak.train(model, arrays, {seconds})))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    if ended.returncode:
        return {"error": ended.stderr[-1500:]}
    return json.loads(ended.stdout.splitlines()[-1])


def readings(name, seconds, folder):
    """`train` of a case in another process, or what an earlier run kept.

    Args:
        name: String, of `soak_cases.CASES`.
        seconds: Float.
        folder: `pathlib.Path`, of the readings.

    Returns:
        Pair of the name and a dictionary, as of `train`, or with `error`.
    """
    stem = re.sub(r"\W+", "_", name)
    path = folder / f"{stem}-{seconds:g}.json"
    if path.exists():
        return name, json.loads(path.read_text(encoding="utf-8"))
    found = _apart(name, seconds)
    counts = [len(found.get(kind, ())) for kind in ("epochs", "calls")]
    if "error" not in found and min(counts) < _FEWEST:
        found = {"error": f"Too few readings in {seconds:g} s: {counts}"}
    if "error" not in found:
        results.replace_file(path, json.dumps(found))
    return name, found


def rows_of(name, found, plain):
    """Rows of results of a model.

    Args:
        name: String.
        found: Dictionary, as of `train`.
        plain: The same of a plain model, or None.

    Returns:
        List of `results.Row`.
    """
    steps = found["steps"] * len(found["epochs"])
    aim = None
    if plain is not None and name != PLAIN:
        usual = max(growth(plain["calls"]) * 1024, 0.0)
        buffers = _BUFFERS * 1024 / (len(found["calls"]) / 2)
        aim = f"<= {_TIMES * usual + buffers:.1f}"
    buffers = _BUFFERS / (steps / 2 / 1000)
    return [
        results.row(
            name,
            "growth of memory for a thousand steps, in one call of fit",
            growth(found["epochs"]) / found["steps"] * 1000,
            "MiB",
            aim=f"<= {_MOST + buffers:.2f}",
        ),
        results.row(
            name,
            "growth of memory for a call of fit",
            growth(found["calls"]) * 1024,
            "KiB",
            aim=aim,
        ),
        results.row(name, "steps", steps, ""),
        results.row(name, "calls of fit", len(found["calls"]), ""),
        results.row(name, "memory at the end", found["calls"][-1], "MiB"),
    ]


def main(argv, given):
    """Soaks the models, prints and records; exits 1 where one grows."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    from benchmarks import soak_cases

    words = given["only"] or [""]
    names = [n for n in soak_cases.CASES if any(w in n for w in words)]
    if not names:
        raise app.UsageError(f"No model is named {given['only']!r}.")
    folder = pathlib.Path(given["out_dir"])
    folder.mkdir(parents=True, exist_ok=True)
    done, rows, failed = {}, [], []
    with multiprocessing.pool.ThreadPool(given["processes"]) as pool:
        soaked = functools.partial(
            readings, seconds=given["seconds"], folder=folder
        )
        for name, found in pool.imap(soaked, names):
            if "error" in found:
                failed.append(name)
                print(f"{name} failed:\n{found['error']}", flush=True)
                continue
            done[name] = found
            told = rows_of(name, found, done.get(PLAIN))
            rows += told
            print(tables.text_table(told[:2]), flush=True)
    print(tables.text_table(rows))
    if given["out"] and rows:
        result = environment.result(
            "Memory while models train",
            f"python -m benchmarks.soak --seconds={given['seconds']:g} "
            f"--processes={given['processes']}",
            [0],
            sum(found["seconds"] for found in done.values()),
            rows,
        )
        results.write(result, given["out"])
    failed += [
        f"{row.name} ({row.metric})" for row in rows if row.verdict == "miss"
    ]
    if PLAIN not in done:
        print(f"Calls of fit are not compared: {PLAIN} was left out.")
    if failed:
        print(f"Failed, or grew: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    holders = {
        "seconds": flags.DEFINE_float(
            "seconds", 600.0, "For each model.", lower_bound=1.0
        ),
        "processes": flags.DEFINE_integer(
            "processes", 1, "At once.", lower_bound=1
        ),
        "only": flags.DEFINE_list("only", None, "Words of the names."),
        "out_dir": flags.DEFINE_string(
            "out_dir", "out/soak", "Folder for the readings."
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
    }
    app.run(
        lambda argv: main(
            argv, {name: holder.value for name, holder in holders.items()}
        )
    )
