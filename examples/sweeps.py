"""Commands that run the sweeps of a study in pieces, and conclude."""

import dataclasses
import pathlib
import time

from absl import app, flags

from benchmarks import environment, results, tables

# The share of its memory maps at which a process ends: the next method of a
# sweep needs room too.
_MAPS = 0.8


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
            found; returns an object with `rows`, `draw`, which returns the
            path of a picture, a list of them, or None, and `seconds`.
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
        if not rows:
            print("Nothing is done yet, so there is no result.")
            return
        print(tables.text_table(rows))
        drawn = summary.draw(folder / self.picture)
        for picture in drawn if isinstance(drawn, list) else [drawn]:
            if picture is not None:
                print(f"Picture: {picture}")
        result = environment.result(
            self.title(study, summary),
            self._command(name, study),
            list(range(study.seeds)),
            summary.seconds(),
            rows,
        )
        results.write(result, path or folder / "metrics.json")

    def _command(self, name, study):
        """What repeats a run, with the seeds if they are not the study's."""
        command = f"python -m {self.module} --study={name}"
        if study.seeds != getattr(self.studies.get(name), "seeds", None):
            command += f" --seeds={study.seeds}"
        return command


def in_time(sweeps, names, minutes):
    """Pairs of a sweep and a method, as long as there is time and room.

    Yields also the minutes that have passed. Those that are left are named.
    Each program that XLA compiles stays mapped in memory, and a process that
    reaches the limit of its system dies: nothing begins near it.
    """
    begin, full = time.perf_counter(), False
    for sweep in sweeps:
        for name in names:
            passed = (time.perf_counter() - begin) / 60
            if not full and maps_are_full():
                full = True
                print(
                    "This process has nearly all memory maps that the system "
                    "allows it. Begin again: what is done is kept.",
                    flush=True,
                )
            if full or (minutes is not None and passed > minutes):
                print(f"Left: {sweep.name}, {name}.", flush=True)
                continue
            yield sweep, name, passed


def maps_are_full(process="/proc/self", system="/proc/sys"):
    """Whether most of the memory maps of this process are used up.

    Args:
        process, system: Paths of folders in which Linux tells of both.

    Returns:
        Boolean, False where the system does not tell.
    """
    try:
        limit = pathlib.Path(system, "vm/max_map_count").read_text()
        with pathlib.Path(process, "maps").open("rb") as maps:
            return sum(1 for _ in maps) > _MAPS * int(limit)
    except OSError:
        return False
