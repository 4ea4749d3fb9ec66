"""Runs jobs on a cluster of Ray, or on this machine by Ray."""

import os
import sys

from examples.fan_out_parts.here import outcome
from examples.fan_out_parts.processes import thread_variables


class OnRay:
    """Tasks of Ray, one a core of its cluster.

    Joins the cluster that `RAY_ADDRESS` names, or starts Ray on this machine.
    The package and the data have to be where they are here on each machine of
    a cluster.

    Raises:
        ImportError: Ray is not installed.
    """

    def __init__(self):
        try:
            import ray
        except ImportError as error:
            raise ImportError(
                "--workers=ray expects Ray. Run `pip install ray`, or give a "
                "number of processes. Received: no module `ray`"
            ) from error
        self._ray, self._names = ray, {}
        self._started = not ray.is_initialized()
        if self._started:
            ray.init(include_dashboard=False)
        # Once: what has failed is told, and done at the next start.
        self._task = ray.remote(outcome).options(
            num_cpus=1,
            max_retries=0,
            runtime_env={"env_vars": _variables()},
        )

    @property
    def is_free(self):
        # A cluster may grow, and shrink.
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        return len(self._names) < max(1, cores)

    def begin(self, name, function, arguments):
        self._names[self._task.remote(function, arguments)] = name

    def ended(self):
        """Triples of a name, what the job gave, and None or its failure.

        Waits until there is one.
        """
        ready, _ = self._ray.wait(list(self._names), num_returns=1)
        found = []
        for task in ready:
            try:
                given, failure = self._ray.get(task)
            except self._ray.exceptions.RayError as error:
                given, failure = None, f"{type(error).__name__}: {error}"
            found.append((self._names.pop(task), given, failure))
        return found

    def close(self):
        """Ends what goes on, and Ray if it was started here."""
        for task in self._names:
            self._ray.cancel(task, force=True)
        self._names = {}
        if self._started:
            self._ray.shutdown()


def _variables():
    """Of tasks: a thread each, and the folders of modules of this process."""
    folders = (path or os.getcwd() for path in sys.path)
    return {**thread_variables(1), "PYTHONPATH": os.pathsep.join(folders)}
