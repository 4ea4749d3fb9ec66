"""Learned digital backpropagation: trained, pruned, and in fixed point.

Run it as `python -m examples.learned_dbp --config small|isit|ecoc|dual`. A run
goes on where the last one with the same `--out_dir` ended. Powers of the link
are simulated and measured by as many processes as there are cores, or by
`--workers`, which may be `ray`.
"""

import pathlib
import sys

from examples import quiet  # isort: skip  # noqa: F401, before Keras

from absl import app, flags

from benchmarks import environment, results, tables
from examples import fan_out
from examples.learned_dbp_parts import CONFIGS, STAGES, Store
from examples.learned_dbp_parts.figures import draw

_CONFIG = flags.DEFINE_enum("config", "small", sorted(CONFIGS), "The link.")
_STAGES = flags.DEFINE_list(
    "stages", list(STAGES), f"Which to run, of {', '.join(STAGES)}."
)
_OUT_DIR = flags.DEFINE_string(
    "out_dir", None, "Folder of the run; default out/learned_dbp/CONFIG."
)
_WORKERS = fan_out.define_flag()
_OUT = flags.DEFINE_string("out", None, "File for the result, JSON.")
flags.register_validator(
    _STAGES,
    lambda stages: set(stages) <= set(STAGES),
    message=f"expects stages of {', '.join(STAGES)}",
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    name = _CONFIG.value
    folder = pathlib.Path(_OUT_DIR.value or f"out/learned_dbp/{name}")
    config = CONFIGS[name]
    fan = fan_out.FanOut(_WORKERS.value)
    store = Store(folder, config, name, sys.stdout.isatty(), fan)
    rows = []
    for stage in _STAGES.value:
        print(f"\n{stage.capitalize()}")
        rows += store.rows(stage, lambda stage=stage: STAGES[stage](store))
    print(f"\n{tables.text_table(rows)}")
    if "swept" in _STAGES.value:
        picture = draw(store, folder / "learned_dbp.png")
        print(f"\nPicture: {picture}")
    result = environment.result(
        f"Learned digital backpropagation, {name}",
        f"python -m examples.learned_dbp --config={name}",
        range(config.seeds),
        store.seconds,
        rows,
    )
    results.write(result, _OUT.value or folder / "metrics.json")


if __name__ == "__main__":
    app.run(main)
