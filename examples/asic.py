"""Learned filters against filters by design, as hardware.

Run it as `python -m examples.asic --config small|isit`. It sweeps both
families of quantized digital backpropagation over taps and word lengths, on
the integers that gates compute, finds the cheapest design of each that
reaches a given SNR, and compares those as gates. What is done is kept: with
`--minutes` a run ends in time, and the next one goes on from there.
"""

import pathlib
import time

from absl import app, flags

from benchmarks import environment, results, tables
from examples.asic_parts import SWEEPS, compare, figures, sweep, targets
from examples.learned_dbp_parts import Store
from tflite_export import cost

_CONFIG = flags.DEFINE_enum("config", "small", sorted(SWEEPS), "What is swept.")
_MINUTES = flags.DEFINE_float(
    "minutes", None, "No part of the sweep begins after so many; default all."
)
_GATES = flags.DEFINE_bool(
    "gates", True, "Whether the designs compared are made into gates."
)
_LIBERTY = flags.DEFINE_string(
    "liberty", None, "File of cells; default those of `make hardware`."
)
_OUT_DIR = flags.DEFINE_string(
    "out_dir", None, "Folder of the run; default out/asic/CONFIG."
)
_OUT = flags.DEFINE_string("out", None, "File for the result, JSON.")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    name = _CONFIG.value
    swept = SWEEPS[name]
    folder = pathlib.Path(_OUT_DIR.value or f"out/asic/{name}")
    store = Store(folder, swept.base, name, verbose=0)
    begin = time.perf_counter()
    left = sweep.left(store, swept)
    while left:
        minutes = (time.perf_counter() - begin) / 60
        if _MINUTES.value is not None and minutes > _MINUTES.value:
            break
        told = f"{len(left)} left, {minutes:.1f} min"
        print(f"[{told}] {left[0].steps_name}", flush=True)
        sweep.measure(store, swept, left.pop(0))
    print(f"{len(left)} of {len(sweep.pieces(swept))} parts are left.")
    liberty = _liberty() if _GATES.value else None
    rows = compare.rows(store, swept, liberty)
    rows += targets.rows(store, swept, liberty)
    print(tables.text_table(rows))
    print(
        f"Picture: {figures.draw(store, swept, liberty, folder / 'asic.png')}"
    )
    # Of all runs together.
    seconds = [*store.numbers("seconds"), time.perf_counter() - begin]
    store.keep_numbers("seconds", [sum(seconds)])
    result = environment.result(
        f"Learned filters as hardware, {name}",
        f"python -m examples.asic --config={name}",
        [0],
        sum(seconds),
        rows,
    )
    results.write(result, _OUT.value or folder / "metrics.json")


def _liberty():
    if _LIBERTY.value:
        return cost.Liberty(_LIBERTY.value)
    return cost.default_liberty()


if __name__ == "__main__":
    app.run(main)
