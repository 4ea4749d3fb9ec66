"""What a step costs on many workers: a model on paper.

A step of `n` workers takes the time of its examples on one worker, and that of
its all-reduces and all-gathers, one after the other and not hidden behind
anything:

    T(n) = t0 + c * examples of a worker + A(n) + G(n)

A ring all-reduce of `k` tensors with `b` bytes in all sends each byte twice,
less the share of the worker itself, in 2 (n - 1) turns:

    A(n) = 2 (n - 1) / n * b / bandwidth + k * 2 (n - 1) * latency

An all-gather passes what each worker has, `g` bytes in `m` tensors, once
around:

    G(n) = (n - 1) * g / bandwidth + m * (n - 1) * latency

The ring is that of Patarasuk and Yuan (2009, "Bandwidth optimal all-reduce
algorithms for clusters of workstations"), its cost as in Thakur, Rabenseifner
and Gropp (2005, "Optimization of collective communication operations in
MPICH").
"""

import dataclasses

from benchmarks.tables import digits, markdown

WORKERS = (8, 64, 1024)


@dataclasses.dataclass(frozen=True)
class Network:
    """What connects workers, each by one link.

    Attributes:
        name: String.
        bandwidth: Float, bytes per second of a link in each direction.
        latency: Float, seconds until a neighbor has a short message.
    """

    name: str
    bandwidth: float
    latency: float


NETWORKS = (
    Network("10 Gbit/s, 50 us", 10e9 / 8, 50e-6),
    Network("100 Gbit/s, 5 us", 100e9 / 8, 5e-6),
)


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of one method, as measured.

    Attributes:
        fixed: Float, seconds of a step without examples.
        per_example: Float, seconds of an example on one worker.
        num_bytes: Float, all-reduced in a step.
        reductions: Integer, all-reduces of a step.
        gathered: Float, bytes of an example that are gathered.
        gathers: Integer, all-gathers of a step.
    """

    fixed: float
    per_example: float
    num_bytes: float
    reductions: int
    gathered: float = 0.0
    gathers: int = 0

    @classmethod
    def of_two(cls, whole, half, examples, **exchanged):
        """That of a line through two measured times.

        Args:
            whole: Float, seconds of a step with all examples.
            half: Float, seconds of one with half of them.
            examples: Integer.
            **exchanged: The other attributes.
        """
        # Measured times may say that what is fixed is negative, or that
        # examples are free.
        per_example = min(max(2 * (whole - half), 0.0), whole) / examples
        fixed = whole - per_example * examples
        return cls(fixed, per_example, **exchanged)

    def seconds(self, examples):
        """Of a step of one worker that is alone."""
        return self.fixed + self.per_example * examples


def all_reduce_seconds(workers, num_bytes, reductions, network):
    """Time of the all-reduces of a step on a ring."""
    turns = 2 * (workers - 1)
    transfer = turns / workers * num_bytes / network.bandwidth
    return transfer + reductions * turns * network.latency


def all_gather_seconds(workers, num_bytes, gathers, network):
    """Time of the all-gathers of a step, of which each worker has a part.

    Args:
        workers: Integer.
        num_bytes: Float, of one worker.
        gathers: Integer.
        network: `Network`.
    """
    each = num_bytes / network.bandwidth + gathers * network.latency
    return (workers - 1) * each


def efficiency(step, workers, examples, network, scaling):
    """Speed of so many workers, by as many times that of one.

    Args:
        step: `Step`.
        workers: Integer.
        examples: Integer, of each worker for `"weak"` scaling, of all workers
            together for `"strong"`.
        network: `Network`.
        scaling: String.

    Returns:
        Pair of floats: the efficiency, and seconds of a step.
    """
    share = examples if scaling == "weak" else examples / workers
    seconds = (
        step.seconds(share)
        + all_reduce_seconds(workers, step.num_bytes, step.reductions, network)
        + all_gather_seconds(
            workers, step.gathered * share, step.gathers, network
        )
    )
    # One worker takes all examples of strong scaling in one step.
    alone = step.seconds(examples)
    ideal = alone if scaling == "weak" else alone / workers
    return ideal / seconds, seconds


def table(steps, network, examples, strong_examples, workers=WORKERS):
    """Efficiency, and milliseconds of a step, of all methods, as Markdown.

    Args:
        steps: Dictionary from a name to a `Step`.
        network: `Network`.
        examples: Dictionary from a name to the examples of each worker, for
            weak scaling.
        strong_examples: Integer, of all workers together.
        workers: Tuple of integers.
    """
    records = []
    for name, step in steps.items():
        record = {"Method": name}
        for scaling, count in (
            ("weak", examples[name]),
            ("strong", strong_examples),
        ):
            for number in workers:
                share, seconds = efficiency(
                    step, number, count, network, scaling
                )
                record[f"{scaling}, {number:,}"] = (
                    f"{digits(100 * share)} %, {digits(1e3 * seconds)} ms"
                )
        records.append(record)
    return markdown(records)
