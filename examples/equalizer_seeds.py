"""The fiber equalizer of the quickstart, over several seeds.

Run it as `python -m examples.equalizer_seeds`; `--out` records the result.
Seeds are run by as many processes as there are cores, or by `--workers`, which
may be `ray`; those that are done are kept.
"""

import pathlib
import statistics

from examples import quiet  # isort: skip  # noqa: F401, before Keras

from absl import app, flags

from benchmarks import environment, results, tables
from examples import fan_out
from examples.fan_out_parts import Lines
from examples.quickstart_parts.seeds import ENDS, signal_to_noise


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        "seeds": flags.DEFINE_integer(
            "seeds", 10, "Number of seeds.", lower_bound=1
        ),
        "workers": fan_out.define_flag(),
        "out_dir": flags.DEFINE_string(
            "out_dir",
            "out/equalizer_seeds",
            "Folder of what is done. Another one to begin anew.",
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
    }


def work(seeds, folder, fan, one=signal_to_noise):
    """Runs the seeds that are left.

    Args:
        seeds: Integer.
        folder: Path.
        fan: `fan_out.FanOut`.
        one: Function of a seed, which gives what is kept of it.

    Returns:
        List of what was given for each seed that is done, in order.
    """
    lines = Lines(pathlib.Path(folder, "seeds.jsonl"), ", ".join(ENDS))
    names = {f"seed {seed}": seed for seed in range(seeds)}
    jobs = {
        name: (seed,) for name, seed in names.items() if not lines.has(name)
    }
    fan.run(one, jobs, lines.keep)
    return [lines.found(name) for name in names if lines.has(name)]


def main(argv, holders):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in holders.items()}
    fan = fan_out.FanOut(given["workers"])
    found = work(given["seeds"], given["out_dir"], fan)
    # A result is one of all seeds.
    fan.raise_if_failed()
    real, rounded, learned = ([run[end] for run in found] for end in ENDS)
    gain = [run["learned"] - run["rounded"] for run in found]
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
        f"python -m examples.equalizer_seeds --seeds={given['seeds']}",
        range(given["seeds"]),
        sum(run["seconds"] for run in found),
        rows,
    )
    if given["out"]:
        results.write(result, given["out"])


if __name__ == "__main__":
    flag_holders = define_flags()
    app.run(lambda argv: main(argv, flag_holders))
