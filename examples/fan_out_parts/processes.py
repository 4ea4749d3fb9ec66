"""Runs jobs in processes of this machine."""

import contextlib
import multiprocessing
import os
import signal
from multiprocessing import connection

from examples.fan_out_parts.here import outcome
from examples.sweeps import maps_are_full


def thread_variables(threads):
    """Environment variables that keep a process to so many threads.

    They are read by TensorFlow, and by what NumPy, PyTorch and SciPy call.
    """
    names = (
        "TF_NUM_INTRAOP_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
    )
    return dict.fromkeys(names, str(threads))


class Processes:
    """Workers that share the cores, each with its part of the threads.

    A worker lives for many jobs. One that dies is replaced, and so is one
    whose memory maps are full.

    Args:
        workers: Integer, how many at most.
        cores: Integer, that they share.
    """

    def __init__(self, workers, cores):
        self._workers, self._idle, self._busy = workers, [], {}
        self._variables = thread_variables(max(1, cores // workers))

    @property
    def is_free(self):
        return len(self._busy) < self._workers

    def begin(self, name, function, arguments):
        """Gives a job to a worker that has none, or to a new one."""
        worker = self._idle.pop() if self._idle else _Worker(self._variables)
        # Known before it has anything to do, so that `close` ends it.
        self._busy[name] = worker
        # Of one that has died meanwhile, `ended` tells.
        with contextlib.suppress(ConnectionError):
            worker.pipe.send((function, arguments))

    def ended(self):
        """Triples of a name, what the job gave, and None or its failure.

        Waits until there is one.
        """
        connection.wait([worker.pipe for worker in self._busy.values()])
        found = []
        for name, worker in list(self._busy.items()):
            if not worker.pipe.poll():
                continue
            del self._busy[name]
            try:
                given, failure, goes_on = worker.pipe.recv()
            except (EOFError, OSError):
                # Also in the midst of what it sent.
                code = worker.end()
                found.append((name, None, f"Its process ended with {code}."))
                continue
            found.append((name, given, failure))
            if goes_on:
                self._idle.append(worker)
            else:
                worker.end()
        return found

    def close(self):
        """Ends all processes, whatever they do."""
        for worker in [*self._idle, *self._busy.values()]:
            worker.kill()
        self._idle, self._busy = [], {}


class _Worker:
    """A process and the pipe to it."""

    def __init__(self, variables):
        # Not forked, which TensorFlow does not survive.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs,), daemon=True
        )
        with _environment(variables):
            self._process.start()
        # With this copy closed, the end of the process is an end of file.
        theirs.close()

    def end(self):
        """Waits for the process, which is over; returns its exit code."""
        self.pipe.close()
        self._process.join()
        return self._process.exitcode

    def kill(self):
        self._process.kill()
        self.end()


@contextlib.contextmanager
def _environment(variables):
    """Sets variables for processes that begin, unless the user has."""
    added = {k: v for k, v in variables.items() if k not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _work(pipe):
    """Runs jobs until the other end of the pipe is closed."""
    # A terminal interrupts all its processes; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        except Exception as error:
            # A function that cannot be imported here.
            pipe.send((None, f"{type(error).__name__}: {error}", True))
            continue
        found, failure = outcome(function, arguments)
        goes_on = not maps_are_full()
        try:
            pipe.send((found, failure, goes_on))
        except ConnectionError:
            return
        except Exception as error:
            pipe.send((None, f"{type(error).__name__}: {error}", goes_on))
        if not goes_on:
            return
