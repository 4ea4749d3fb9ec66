"""Commands that run the sweeps of a study in pieces, and conclude."""

import dataclasses
import pathlib
import time

from absl import app, flags

from benchmarks import environment, results, tables


@dataclasses.dataclass(frozen=True)
class Command:
    """What sets one of these examples apart.

    Attributes:
        module: String, by which it is run.
        studies: Dictionary from names to studies, with `methods`, `seeds`,
            `with_seeds` and `sweeps`, a function of a folder of data.
        files: String, the files in that folder, for the help.
        folder: String, of the runs of all studies.
        title: Function of a study and its summary.
        summary: Function of the name of a study, the study, and what was
            found; returns an object with `rows`, `draw` and `seconds`.
        picture: String, the name of its file.
    """

    module: str
    studies: dict
    files: str
    folder: str
    title: object
    summary: object
    picture: str

    def define_flags(self):
        """Defines the flags; returns their holders by name."""
        return {
            "study": flags.DEFINE_enum(
                "study", "digits", sorted(self.studies), "What is compared."
            ),
            "data_dir": flags.DEFINE_string(
                "data_dir",
                None,
                f"Folder with {self.files}. Default: the one that the "
                "variable KERAS_BP_DATA names; without, what comes with the "
                "packages, if it does.",
            ),
            "seeds": flags.DEFINE_integer(
                "seeds", None, "Number of seeds; default that of the study."
            ),
            "only": flags.DEFINE_list("only", None, "Methods; default all."),
            "minutes": flags.DEFINE_float(
                "minutes", None, "Nothing begins after so many; default all."
            ),
            "out_dir": flags.DEFINE_string(
                "out_dir", None, f"Folder; default {self.folder}/STUDY."
            ),
            "out": flags.DEFINE_string(
                "out", None, "File for the result, JSON."
            ),
        }

    def run(self, argv, given, work):
        """Runs a study as far as its flags say, and concludes.

        Args:
            argv: List of arguments that are left, the program first.
            given: Dictionary from the name of a flag to its holder.
            work: Function of a study, its sweeps, names of methods, a folder
                and minutes, that returns what was found.
        """
        if len(argv) > 1:
            raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
        given = {name: holder.value for name, holder in given.items()}
        name = given["study"]
        study = self.studies[name].with_seeds(given["seeds"])
        names = given["only"] or study.methods
        unknown = sorted(set(names) - set(study.methods))
        if unknown:
            raise app.UsageError(
                f"--only expects methods of {list(study.methods)}. "
                f"Received: {unknown}"
            )
        try:
            sweeps = study.sweeps(given["data_dir"])
        except (FileNotFoundError, ValueError) as error:
            raise app.UsageError(str(error)) from error
        folder = pathlib.Path(given["out_dir"] or f"{self.folder}/{name}")
        folder.mkdir(parents=True, exist_ok=True)
        found = work(study, sweeps, names, folder, given["minutes"])
        self.conclude(name, study, found, folder, given["out"])

    def conclude(self, name, study, found, folder, path=None):
        """Prints the rows, draws the picture, and writes the result."""
        summary = self.summary(name, study, found)
        rows = summary.rows()
        print(tables.text_table(rows))
        print(f"Picture: {summary.draw(folder / self.picture)}")
        result = environment.result(
            self.title(study, summary),
            f"python -m {self.module} --study={name}",
            list(range(study.seeds)),
            summary.seconds(),
            rows,
        )
        results.write(result, path or folder / "metrics.json")


def in_time(sweeps, names, minutes):
    """Pairs of a sweep and a method, as long as there is time.

    Yields also the minutes that have passed. Those that are left are named.
    """
    begin = time.perf_counter()
    for sweep in sweeps:
        for name in names:
            passed = (time.perf_counter() - begin) / 60
            if minutes is not None and passed > minutes:
                print(f"Left: {sweep.name}, {name}.", flush=True)
                continue
            yield sweep, name, passed
