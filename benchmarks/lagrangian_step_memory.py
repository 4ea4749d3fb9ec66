"""How much memory the steps of `benchmarks.lagrangian_step` take."""

import multiprocessing
import os
import pathlib
import re
import tempfile

import tensorflow as tf

from benchmarks import lagrangian_step_cases as cases
from benchmarks import results
from benchmarks.process_memory import resident_peak

_TEMPORARY = re.compile(r"^allocation \d+: size (\d+), preallocated-temp", re.M)
_REPORTS = "*buffer-assignment.txt"


def elsewhere(function, *arguments):
    """What a function returns in a process that has done nothing else."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(function, arguments)


def planned_bytes(keys, methods):
    """What XLA allocates for a step, beside weights, tables and the batch.

    XLA reads where to report its plans when it first compiles, so this is for
    a new process.

    Args:
        keys: Tuple of what `lagrangian_step_cases.find` takes.
        methods: List of `lagrangian_step_cases.Method`, or None for
            backpropagation.

    Returns:
        List of lists of integers, one for each key.
    """
    with tempfile.TemporaryDirectory() as folder:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = (
            f"{flags} --xla_dump_to={folder} --xla_dump_hlo_as_text"
        )
        return [
            [_planned(key, method, folder) for method in methods]
            for key in keys
        ]


def _planned(key, method, folder):
    trainer = cases.Trainer(cases.find(key), method, True, settle=False)
    # Without the loop over batches that `fit` may compile around it.
    step = tf.function(
        lambda *data: trainer.model.train_step(data), jit_compile=True
    )
    batch = next(trainer.batches)
    before = set(pathlib.Path(folder).glob(_REPORTS))
    step(*batch)
    reports = set(pathlib.Path(folder).glob(_REPORTS)) - before
    sizes = [temporary_bytes(path.read_text()) for path in reports]
    if not sizes:
        raise RuntimeError("XLA reported no plan. Was it used before?")
    # Small functions, as that of a random seed, may be compiled beside it.
    return max(sizes)


def temporary_bytes(report):
    """Bytes that a report of XLA's buffers says are for what comes between."""
    return sum(int(size) for size in _TEMPORARY.findall(report))


def planned_rows(keys, methods=cases.DEFAULTS, measure=None):
    """Memory of a step by XLA's plan, against that of backpropagation.

    Args:
        keys: Tuple of what `lagrangian_step_cases.find` takes.
        methods: Tuple of `Method`.
        measure: Function as `planned_bytes`, or None for that in a new
            process.

    Returns:
        List of `results.Row`.
    """
    measure = measure or (lambda *given: elsewhere(planned_bytes, *given))
    made = []
    found = measure(keys, [None, *methods])
    for key, (plain, *sizes) in zip(keys, found, strict=True):
        made += [
            results.row(
                str(method),
                f"planned memory, {cases.find(key).name}",
                size / 2**20,
                "MiB",
                against="backpropagation",
                against_value=plain / 2**20,
            )
            for method, size in zip(methods, sizes, strict=True)
        ]
    return made


def resident_bytes(key, size):
    """What the tables should take, and the peak memory of this process.

    Args:
        key: As `lagrangian_step_cases.find` takes it.
        size: Integer, examples of the set, all of which are visited.

    Returns:
        Pair of integers.
    """
    case = cases.find(key)
    trainer = cases.Trainer(case, cases.Method("persistent", 1, size), False)
    for _ in range(size // case.shape[0]):
        trainer()
    trainer.check()
    return trainer.model.state_memory(), resident_peak()


def size_rows(key, sizes, measure=None):
    """How the memory of a process grows with the size of a data set.

    Args:
        key: As `lagrangian_step_cases.find` takes it.
        sizes: Tuple of integers; growth is from the first on.
        measure: Function as `resident_bytes`, or None for that in a new
            process each.

    Returns:
        List of `results.Row`.
    """
    measure = measure or (lambda *given: elsewhere(resident_bytes, *given))
    stated, taken = zip(*(measure(key, size) for size in sizes), strict=True)
    return [
        results.row(
            f"tables, {sizes[place]:,} examples",
            f"peak memory beyond {sizes[0]:,} examples, {cases.find(key).name}",
            (taken[place] - taken[0]) / 2**20,
            "MiB",
            against="state_memory()",
            against_value=(stated[place] - stated[0]) / 2**20,
        )
        for place in range(1, len(sizes))
    ]
