"""A process that trains, alone or as one worker of a cluster."""

import json
import multiprocessing
import os
import socket
import struct
import time

from benchmarks import scaling_traffic

# Before TensorFlow starts in a process.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR"}


class Worker:
    """A process on one core, and the pipe to it.

    Args:
        core: Integer, on which it runs, or None for any.
        index: Integer, of the worker in a cluster.
        addresses: List of strings, of all workers; without, it is alone.
    """

    def __init__(self, core=None, index=0, addresses=()):
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve,
            args=(theirs, core, index, list(addresses)),
            daemon=True,
        )
        self._process.start()
        theirs.close()

    def ask(self, *request):
        """Sends a request, which `answer` waits for."""
        self._pipe.send(request)

    def answer(self):
        """What the last request has led to.

        Raises:
            RuntimeError: The process has failed.
        """
        try:
            return self._pipe.recv()
        except EOFError as error:
            self._process.join()
            raise RuntimeError(
                f"A worker has ended with {self._process.exitcode}; above is "
                "why."
            ) from error

    def end(self):
        self._pipe.close()
        self._process.kill()
        self._process.join()


class Cluster:
    """Workers that do the same at the same time.

    Args:
        cores: List of integers, the core of each worker.
    """

    def __init__(self, cores):
        ports = _free_ports(len(cores)) if len(cores) > 1 else []
        addresses = [f"localhost:{port}" for port in ports]
        self.workers = [
            Worker(core, index, addresses) for index, core in enumerate(cores)
        ]

    def ask(self, *request):
        for worker in self.workers:
            worker.ask(*request)

    def answer(self):
        """The answer of the first worker, when all have answered."""
        return [worker.answer() for worker in self.workers][0]

    def do(self, *request):
        self.ask(*request)
        return self.answer()

    def end(self):
        for worker in self.workers:
            worker.end()


def _free_ports(count):
    """Ports that nobody listens at."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _serve(pipe, core, index, addresses):
    """Answers requests until the other end of the pipe is closed."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    os.environ.update(_QUIET)
    if addresses:
        os.environ["TF_CONFIG"] = json.dumps(
            {
                "cluster": {"worker": addresses},
                "task": {"type": "worker", "index": index},
            }
        )
    trainers = Trainers(bool(addresses))
    while True:
        try:
            name, *arguments = pipe.recv()
        except EOFError:
            return
        pipe.send(getattr(trainers, name)(*arguments))


class Trainers:
    """Models that train on one batch for ever.

    Args:
        several: Boolean, whether there are other workers, of whom TF_CONFIG
            tells.
    """

    def __init__(self, several):
        import tensorflow as tf

        self._several = several
        self._strategy = tf.distribute.get_strategy()
        if several:
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        self._steps = {}

    def make(self, key, find, name, examples):
        """Makes a model, and trains a little.

        Args:
            key: Anything by which it is asked for later.
            find: Function of a name, that other processes can import, to a
                `scaling_cases.Method`.
            name: String.
            examples: Integer, of all workers together.

        Returns:
            Dictionary: bytes of its trainable `"weights"`, and of several
            workers what `scaling_traffic.collectives` finds in a step, without
            its logs.
        """
        import tensorflow as tf

        from keras_bp.training import distributed

        made = find(name)
        with self._strategy.scope():
            model = distributed(made.model())
        data = made.dataset(examples)
        # Builds all that a first step does.
        model.fit(data, steps_per_epoch=2, shuffle=False, verbose=0)
        batches = iter(self._strategy.experimental_distribute_dataset(data))
        step = model.train_function
        self._steps[key] = lambda: step(batches)
        found = {"weights": _bytes_of(model.trainable_variables)}
        if self._several:
            traced = tf.function(
                lambda data: self._strategy.run(model.train_step, (data,)),
                autograph=False,
            )
            graph = traced.get_concrete_function(next(batches)).graph
            found.update(scaling_traffic.collectives(graph))
        return found

    def seconds(self, key, steps):
        """Seconds of a step."""
        begin = time.perf_counter()
        self._train(key, steps)
        return (time.perf_counter() - begin) / steps

    def sent(self, key, steps):
        """Bytes that this worker sends in a step, or None if none tells."""
        before = sent_bytes()
        self._train(key, steps)
        after = sent_bytes()
        return None if before is None else (after - before) / steps

    def forget(self):
        """Drops all models."""
        import keras

        self._steps = {}
        keras.backend.clear_session()

    def _train(self, key, steps):
        for _ in range(steps):
            logs = self._steps[key]()
        # Done when there is a number.
        for value in logs.values():
            float(value)


def _bytes_of(variables):
    import tensorflow as tf

    return sum(
        int(tf.size(v.value)) * tf.as_dtype(v.dtype).size for v in variables
    )


def sent_bytes():
    """Bytes that this process has sent over TCP, as Linux counts them.

    Returns:
        Integer, with the headers of gRPC and without those of TCP, over all
        connections that are open; None where the system does not tell.
    """
    if not hasattr(socket, "TCP_INFO"):
        return None
    told = [_tcp_info(int(name)) for name in os.listdir("/proc/self/fd")]
    told = [each for each in told if each is not None]
    if any(len(each) < _SENT_AT + 8 for each in told):
        return None
    return sum(struct.unpack_from("Q", each, _SENT_AT)[0] for each in told)


def _tcp_info(descriptor):
    """What Linux tells of a connection, or None if it is something else."""
    try:
        if not os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:"):
            return None
        with socket.socket(fileno=os.dup(descriptor)) as each:
            if each.family not in (socket.AF_INET, socket.AF_INET6):
                return None
            return each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    except OSError:
        # Closed meanwhile, or no TCP.
        return None


# Of `tcpi_bytes_sent` in `struct tcp_info`, as of Linux 4.19.
_SENT_AT = 200
