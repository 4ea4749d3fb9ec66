"""The fiber equalizer of the quickstart, over several seeds.

Run it as `python -m examples.equalizer_seeds`; `--out` records the result.
"""

import pathlib
import statistics
import time

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import keras
from absl import app, flags

from benchmarks import environment, results, tables
from examples.quickstart_parts import Run
from examples.quickstart_parts.equalizer import snr_db, train_filters

_SEEDS = flags.DEFINE_integer("seeds", 10, "Number of seeds.", lower_bound=1)
_OUT = flags.DEFINE_string("out", None, "File for the result, JSON.")


def _one(seed):
    """Signal-to-noise ratios in dB, rounded and learned, for one seed."""
    keras.utils.set_random_seed(seed)
    run = Run(pathlib.Path(), seed, full=False)
    models, (samples, symbols), _ = train_filters(run)
    return tuple(
        snr_db(models[name](samples), symbols)
        for name in ("real", "rounded", "learned")
    )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    begin = time.perf_counter()
    found = []
    for seed in range(_SEEDS.value):
        print(f"Seed {seed}")
        found.append(_one(seed))
    real, rounded, learned = zip(*found, strict=True)
    gain = [after - before for _, before, after in found]
    rows = [
        results.row(
            "fiber equalizer, seeds",
            metric,
            statistics.median(samples),
            "dB",
            samples=samples,
            aim=aim,
        )
        for metric, samples, aim in (
            ("SNR, 41 real taps", real, None),
            ("SNR, taps rounded afterwards to 4 bits", rounded, None),
            ("SNR, taps learned in 4 bits", learned, None),
            ("gain of learning over rounding", gain, ">= 0.5"),
        )
    ]
    print(tables.text_table(rows))
    result = environment.result(
        "Fiber equalizer over seeds",
        f"python -m examples.equalizer_seeds --seeds={_SEEDS.value}",
        range(_SEEDS.value),
        time.perf_counter() - begin,
        rows,
    )
    if _OUT.value:
        results.write(result, _OUT.value)


if __name__ == "__main__":
    app.run(main)
