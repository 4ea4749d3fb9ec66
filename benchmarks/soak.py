"""Does memory grow while `fit` goes on? Each train step for ten minutes.

Each model trains in a process of its own by `fit`, called again and again, as
from a notebook, and the memory that the process holds is read after each call.
What counts is its growth over the second half, by the medians of the first and
the last quarter of it: the first half traces, and fills caches.

Run it as `python -m benchmarks.soak`, or `make soak`; `--seconds=30` is quick,
`--only` takes a word of the names, and `--processes=2` runs two at once. The
readings of a model are kept in `--out_dir`, where a later run finds them.
"""

import functools
import json
import multiprocessing.pool
import pathlib
import re
import statistics
import subprocess
import sys
import time

from absl import app, flags

from benchmarks import environment, results, tables

# What a process may grow by and is not a leak: buffers of allocators.
_MEBIBYTES = 8.0


def resident():
    """The memory that this process holds, in MiB."""
    with open("/proc/self/statm", encoding="utf-8") as file:
        pages = int(file.read().split()[1])
    return pages * 4096 / 2**20


def growth(memory):
    """Growth over the second half of a list of readings, in their unit."""
    half = memory[len(memory) // 2 :]
    quarter = max(len(half) // 4, 1)
    return statistics.median(half[-quarter:]) - statistics.median(
        half[:quarter]
    )


def train(model, arrays, seconds, epochs=1, batch=32):
    """Calls `fit` again and again.

    Args:
        model: Compiled `keras.Model`.
        arrays: Tuple of the arguments of `fit`.
        seconds: Float, after the first call.
        epochs, batch: Integers, of each call.

    Returns:
        Dictionary with `memory`, list of floats in MiB, `fits`, and
        `seconds`, with the first call.
    """
    begin = time.perf_counter()
    model.fit(*arrays, batch_size=batch, epochs=epochs, verbose=0)
    memory, end = [resident()], time.perf_counter() + seconds
    while time.perf_counter() < end:
        model.fit(*arrays, batch_size=batch, epochs=epochs, verbose=0)
        memory.append(resident())
    spent = time.perf_counter() - begin
    return {"memory": memory, "fits": len(memory), "seconds": spent}


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
    if "error" not in found:
        results.replace_file(path, json.dumps(found))
    return name, found


def rows_of(name, found, limit=_MEBIBYTES):
    """Rows of results of a model.

    Args:
        name: String.
        found: Dictionary, as of `train`.
        limit: Float, growth in MiB that passes.

    Returns:
        List of `results.Row`.
    """
    return [
        results.row(
            name,
            "growth of memory over the second half",
            growth(found["memory"]),
            "MiB",
            aim=f"<= {limit:g}",
        ),
        results.row(name, "memory at the end", found["memory"][-1], "MiB"),
        results.row(name, "calls of fit", found["fits"], ""),
    ]


def main(argv, given):
    """Soaks the models, prints and records; exits 1 where one grows."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    from benchmarks import soak_cases

    names = [n for n in soak_cases.CASES if (given["only"] or "") in n]
    if not names:
        raise app.UsageError(f"No model is named {given['only']!r}.")
    folder = pathlib.Path(given["out_dir"])
    folder.mkdir(parents=True, exist_ok=True)
    rows, failed, trained = [], [], 0.0
    with multiprocessing.pool.ThreadPool(given["processes"]) as pool:
        soaked = functools.partial(
            readings, seconds=given["seconds"], folder=folder
        )
        for name, found in pool.imap(soaked, names):
            if "error" in found:
                failed.append(name)
                print(f"{name} failed:\n{found['error']}", flush=True)
                continue
            rows += rows_of(name, found)
            trained += found["seconds"]
            print(f"{name}: {growth(found['memory']):.2f} MiB", flush=True)
    print(tables.text_table(rows))
    if given["out"] and rows:
        result = environment.result(
            "Memory while models train",
            f"python -m benchmarks.soak --seconds={given['seconds']:g}",
            [0],
            trained,
            rows,
        )
        results.write(result, given["out"])
    failed += [row.name for row in rows if row.verdict == "miss"]
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
        "only": flags.DEFINE_string("only", None, "A word of the names."),
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
