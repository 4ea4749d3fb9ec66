"""What both examples do when they are run."""

import dataclasses
import pathlib
import time
from collections.abc import Callable

from absl import app, flags

from benchmarks import environment, results, tables
from examples.critic_parts import figures
from examples.critic_parts.study import Study
from examples.critic_parts.summary import Summary
from examples.store import Store


@dataclasses.dataclass(frozen=True)
class Comparison:
    """An example.

    Attributes:
        name: String, of the module.
        title: String.
        presets: Dictionary from a name to a pair: a function of a folder of
            data that returns the task, and a `study.Config`.
        has_data: Boolean, whether data may come from a folder.
    """

    name: str
    title: str
    presets: dict[str, tuple[Callable, object]]
    has_data: bool = False


def define_flags(comparison):
    """Defines the flags; returns their holders by name."""
    found = {
        "preset": flags.DEFINE_enum(
            "preset", "small", sorted(comparison.presets), "What is run."
        ),
        "minutes": flags.DEFINE_float(
            "minutes", None, "No part begins after so many; default all."
        ),
        "out_dir": flags.DEFINE_string(
            "out_dir", None, "Folder of the run; default out/EXAMPLE/PRESET."
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
    }
    if comparison.has_data:
        found["data_dir"] = flags.DEFINE_string(
            "data_dir",
            None,
            "Folder with mnist.npz. Default: the one that the variable "
            "KERAS_BP_DATA names, else scikit-learn's small digits.",
        )
    return found


def main(argv, comparison, holders):
    """Runs what is left of a study, and writes its result."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in holders.items()}
    name = given["preset"]
    make, config = comparison.presets[name]
    try:
        task = make(given.get("data_dir"))
    except (FileNotFoundError, ValueError) as error:
        raise app.UsageError(str(error)) from error
    print(f"Task: {task.told}.")
    folder = pathlib.Path(given["out_dir"] or f"out/{comparison.name}/{name}")
    study = Study(task, config, Store(folder, f"{config}\n{task}\n"))
    work(study, given["minutes"])
    conclude(comparison, Summary(study, name), folder, given["out"])


def work(study, minutes=None):
    """Does the parts that are left, as long as there is time.

    Args:
        study: `Study`.
        minutes: Float, after which no part begins, or None.
    """
    begin, told = time.perf_counter(), False
    left = study.left(study.parts())
    while left:
        passed = (time.perf_counter() - begin) / 60
        if minutes is not None and passed > minutes:
            break
        if not told and not study.left(study.speeds()):
            told = True
            print(f"Budget: {study.budget():.0f} s for what is left.")
        found = study.run(left[0])
        print(
            f"[{len(left)} left, {passed:.1f} min] "
            f"{left.pop(0).name}: {_seen(found)}",
            flush=True,
        )
    print(f"{len(left)} of {len(study.parts())} parts are left.")


def _seen(found):
    """What a part gave, in a few words."""
    if "compiling" in found:
        return (
            f"{1e3 * found['wall']:.2f} ms a step, "
            f"compiled in {found['compiling']:.1f} s"
        )
    values = found.get("test") or found["validation"]
    return f"{values[-1]:.2f} % wrong"


def conclude(comparison, summary, folder, path=None):
    """Prints the rows, draws the picture, and writes the result."""
    rows = summary.rows()
    if not rows:
        return
    print(tables.text_table(rows))
    for line in summary.told():
        print(line)
    print(f"Picture: {figures.draw(summary, folder / 'curves.png')}")
    result = environment.result(
        f"{comparison.title} ({summary.study.task.told})",
        f"python -m examples.{comparison.name} --preset={summary.name}",
        list(range(summary.config.seeds)),
        summary.seconds(),
        rows,
    )
    results.write(result, path or folder / "metrics.json")
