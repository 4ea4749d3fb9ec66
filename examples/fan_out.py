"""Runs independent jobs over processes, or over Ray, and keeps what they give.

For sweeps: of learning rates, of launch powers, of seeds. What is done is a
line of a file that only this process writes, and is not done again.
"""

import os
import time

from absl import flags

from examples.fan_out_parts import Here, OnRay, Processes

RAY = "ray"


def define_flag(values=flags.FLAGS):
    """Defines `--workers`; returns its holder."""
    holder = flags.DEFINE_string(
        "workers",
        None,
        "How many processes work at the same time, 1 for this one alone, or "
        f"{RAY!r} for the cores of a cluster of Ray. Default: one for each "
        "core.",
        flag_values=values,
    )
    flags.register_validator(
        holder,
        _is_valid,
        message=f"expects a positive integer, or {RAY!r}",
        flag_values=values,
    )
    return holder


def _is_valid(value):
    if value is None or value == RAY:
        return True
    return value.isdecimal() and int(value) > 0


def cores():
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class FanOut:
    """Where jobs run, for how long, and which of them have failed.

    Args:
        workers: Integer, or a string of one; `"ray"`; or None for one for
            each core.
        minutes: Float, after which no job begins, or None.

    Attributes:
        workers: Integer, or `"ray"`.
        failed: List of names of jobs.
    """

    def __init__(self, workers=1, minutes=None):
        self.workers = workers if workers == RAY else int(workers or cores())
        self._minutes, self._begin = minutes, time.perf_counter()
        self.failed = []

    @property
    def is_alone(self):
        """Whether there is no process beside this one."""
        return self.workers == 1

    @property
    def passed(self):
        """Minutes since this was made."""
        return (time.perf_counter() - self._begin) / 60

    @property
    def is_late(self):
        """Whether nothing begins any more."""
        return self._minutes is not None and self.passed > self._minutes

    def run(self, function, jobs, keep):
        """Runs jobs, and keeps what each gives as soon as it is done.

        A job that fails, or whose process dies, is told by its name, and the
        others go on. However this ends, no process is left.

        Args:
            function: Function that other processes can import: of a module,
                and not of one that is run as a script.
            jobs: Dictionary from the name of a job to its arguments, a tuple
                of what can be pickled.
            keep: Function of the name of a job and of what it gave, called in
                this process.
        """
        waiting = list(jobs)
        if not waiting:
            return
        if self.is_late:
            _tell_left(waiting)
            return
        pool, running = self._pool(len(waiting)), 0
        try:
            while waiting or running:
                while waiting and pool.is_free and not self.is_late:
                    name = waiting.pop(0)
                    pool.begin(name, function, jobs[name])
                    running += 1
                if not running:
                    break
                for name, given, failure in pool.ended():
                    running -= 1
                    self._end(name, given, failure, keep)
        finally:
            pool.close()
        _tell_left(waiting)

    def raise_if_failed(self):
        """Ends the program with the names of what has failed, if anything."""
        if self.failed:
            raise SystemExit(
                f"Failed: {', '.join(self.failed)}. What is done is kept; the "
                "next start does only these."
            )

    def _pool(self, jobs):
        if self.workers == RAY:
            return OnRay()
        if self.is_alone:
            return Here()
        return Processes(min(self.workers, jobs), cores())

    def _end(self, name, given, failure, keep):
        if failure is None:
            keep(name, given)
            print(f"[{self.passed:.1f} min] {name}", flush=True)
            return
        self.failed.append(name)
        print(f"Failed: {name}. {failure}", flush=True)


def _tell_left(names):
    for name in names:
        print(f"Left: {name}.", flush=True)
