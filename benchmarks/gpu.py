"""Layers and ops on an accelerator: times, and bandwidth against its limit.

For each case the time of a call, compiled where the backend compiles; the
bytes that it has to move at the least, by the time; and the ratio of that
bandwidth to the one of a kernel that moves as many bytes and computes next to
nothing, timed in turns with it. A filter is held against a product of matrices
too, in the precision that the backend takes by default, such as TF32. Calls
are queued, and waited for once a timing.

It runs under the backend of Keras, whichever is installed, and needs no
TensorFlow: `KERAS_BACKEND=jax python -m benchmarks.gpu`. On a CPU it shows
that the cases run.
"""

import functools
import inspect
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from absl import app, flags
from keras import ops as tensors

from benchmarks import gpu_backends, gpu_cases, results, timing
from benchmarks import parts as benchmark

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
PASSES = {"forward": "forward", "both": "forward and backward"}
# Entries of a tensor that takes a mebibyte in float32.
_ENTRIES = 2**18
_ACCELERATOR_MEBIBYTES, _CPU_MEBIBYTES = 256, 1
_SECONDS_PER_ROUND = 0.01
_LONGEST_REASON = 300


class Bench:
    """Times cases of one size on one device.

    Args:
        backend: Object of `gpu_backends`.
        size: Integer, entries of the largest tensor of a case.
        rounds: Integer, how often each is timed.
    """

    def __init__(self, backend, size, rounds):
        self.backend = backend
        self.size = size
        self.rounds = rounds

    def rows(self, case, passes, dtype):
        """List of `results.Row`: the time, the bandwidth, and the arithmetic.

        Args:
            case: `gpu_cases.Case`.
            passes: String, a key of `PASSES`.
            dtype: String, a key of `POLICIES`, of the inputs.
        """
        step, least = self.prepare(case, passes, dtype)
        copies = self.backend.copies(tensors.ones((least // 8,)))
        found = self._compare({"case": step, **copies})
        best = min(copies, key=lambda name: statistics.median(found[name]))
        row = functools.partial(self._row, case.name, passes, dtype)
        made = [
            row(
                "time",
                [1e3 * seconds for seconds in found["case"]],
                "ms",
                against=f"{least / 2**20:,.1f} MiB to move: {case.moves}",
            ),
            row(
                "bandwidth",
                [least / 1e9 / seconds for seconds in found["case"]],
                "GB/s",
                against=f"{best} of as many bytes",
                against_value=least / 1e9 / statistics.median(found[best]),
            ),
        ]
        if case.flops is not None:
            # Each of the two gradients is a product as large as the filter.
            count = case.flops(self.size) * (3 if passes == "both" else 1)
            made.append(
                row(
                    "arithmetic",
                    [count / 1e12 / seconds for seconds in found["case"]],
                    "TFLOP/s",
                    against="product of float32 matrices",
                    against_value=statistics.median(self.products),
                )
            )
        return made

    def prepare(self, case, passes, dtype):
        """The function to time, and what it must move, in bytes."""
        layer = case.make(POLICIES[dtype])
        inputs = [
            tensors.cast(gpu_cases.DRAWS[draw](shape), dtype)
            for shape, draw in case.inputs(self.size)
        ]
        inputs = inputs[0] if len(inputs) == 1 else inputs
        if not layer.built:
            layer.build(inputs.shape)
        output = layer.compute_output_spec(
            keras.tree.map_structure(
                lambda x: keras.KerasTensor(x.shape, dtype), inputs
            )
        )
        upstream = None
        if passes == "both":
            upstream = keras.random.normal(output.shape, seed=6)
            upstream = tensors.cast(upstream, output.dtype)
        trains = "training" in inspect.signature(layer.call).parameters
        arguments = {"training": True} if trains else {}
        step = self.backend.step(layer, arguments, inputs, upstream)
        return step, least_bytes(inputs, output, passes)

    def limits(self):
        """Rows of the kernels that the others are held against."""
        mebibytes = 8 * self.size / 2**20
        copies = self.backend.copies(tensors.ones((self.size,)))
        rows = [
            results.row(
                name,
                f"bandwidth, {mebibytes:,.0f} MiB moved",
                statistics.median(rates),
                "GB/s",
                samples=rates,
            )
            for name, seconds in self._compare(copies).items()
            for rates in [[8 * self.size / 1e9 / each for each in seconds]]
        ]
        return [
            *rows,
            results.row(
                "product of float32 matrices",
                f"arithmetic, {self._side} x {self._side}",
                statistics.median(self.products),
                "TFLOP/s",
                samples=self.products,
            ),
        ]

    @functools.cached_property
    def products(self):
        """Rates of a product of square matrices, TFLOP/s."""
        matrix = keras.random.normal((self._side, self._side), seed=5)
        run = self.backend.plain(tensors.matmul)
        found = self._compare({"product": lambda: run(matrix, matrix)})
        count = 2 * self._side**3 / 1e12
        return [count / seconds for seconds in found["product"]]

    @property
    def _side(self):
        return int(self.size**0.5)

    def _compare(self, functions):
        return timing.compare(
            functions,
            rounds=self.rounds,
            seconds_per_round=_SECONDS_PER_ROUND,
            wait=self.backend.wait,
        )

    @staticmethod
    def _row(name, passes, dtype, quantity, samples, unit, **against):
        return results.row(
            name,
            f"{PASSES[passes]}, {dtype}, {quantity}",
            statistics.median(samples),
            unit,
            samples=samples,
            **against,
        )


def least_bytes(inputs, output, passes):
    """What a case reads and writes, at the least.

    Args:
        inputs: Tensor, or list of tensors.
        output: Tensor, or `keras.KerasTensor`.
        passes: String, a key of `PASSES`.

    Returns:
        Integer.
    """
    once = 0
    for x in [*keras.tree.flatten(inputs), output]:
        entries = 1
        for length in x.shape:
            entries *= length
        dtype = keras.backend.standardize_dtype(x.dtype)
        once += entries * {"bfloat16": 2, "float32": 4}[dtype]
    # The gradient of the output is read, and those of the inputs are written.
    return once * (2 if passes == "both" else 1)


class Parts:
    """The parts of the benchmark; one that fails leaves the others alone."""

    def __init__(self, bench, seconds):
        self.bench = bench
        self.end = time.perf_counter() + seconds if seconds else None
        self.failed, self.left_out = [], []

    def __call__(self, rounds):
        made = {"limits": self.bench.limits}
        for dtype in POLICIES:
            for case in gpu_cases.cases():
                for passes in case.passes:
                    name = f"{case.name}, {PASSES[passes]}, {dtype}"
                    made[name] = functools.partial(
                        self.measure, name, case, passes, dtype
                    )
        return made

    def measure(self, name, *what):
        """Rows of a case; none where it fails, or where time is up."""
        if self.end is not None and time.perf_counter() > self.end:
            self.left_out.append(name)
            return []
        try:
            return self.bench.rows(*what)
        except Exception as error:
            # Of any kind: what a backend lacks, it says in its own words.
            reason = " ".join(str(error).split())[:_LONGEST_REASON]
            self.failed.append(f"{name}: {type(error).__name__}: {reason}")
            print(f"Failed: {self.failed[-1]}", flush=True)
            return []


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        **benchmark.define_flags(),
        "size": flags.DEFINE_integer(
            "size",
            0,
            "Mebibytes of a float32 tensor; 0 for "
            f"{_ACCELERATOR_MEBIBYTES} on an accelerator and "
            f"{_CPU_MEBIBYTES} on a CPU.",
            lower_bound=0,
        ),
        "seconds": flags.DEFINE_integer(
            "seconds",
            0,
            "No case begins after so many; 0 for no limit.",
            lower_bound=0,
        ),
        "torch_compile": flags.DEFINE_bool(
            "torch_compile", False, "Have PyTorch compile what is timed."
        ),
    }


def main(argv, given):
    backend = gpu_backends.backend(given["torch_compile"])
    device, accelerated = backend.device()
    mebibytes = _ACCELERATOR_MEBIBYTES if accelerated else _CPU_MEBIBYTES
    size = (given["size"] or mebibytes) * _ENTRIES
    bench = Bench(backend, size, given["rounds"])
    parts = Parts(bench, given["seconds"])
    benchmark.run(
        argv,
        given,
        parts,
        f"Layers and ops on one device, {backend.mode}",
        "python -m benchmarks.gpu",
        device if accelerated else None,
    )
    for word, names in (("failed", parts.failed), ("left out", parts.left_out)):
        if names:
            print(f"\n{len(names)} {word}:\n" + "\n".join(names))
    if parts.failed:
        raise SystemExit(1)


if __name__ == "__main__":
    holders = define_flags()
    app.run(lambda argv: main(argv, benchmark.values(holders)))
