"""What `benchmarks.local_rules` measures."""

import multiprocessing
import os
import pathlib
import statistics
import tempfile

import keras
import tensorflow as tf

from benchmarks import lagrangian_step_cases, results, timing
from benchmarks.lagrangian_step_memory import temporary_bytes
from keras_bp.training import local_rules

BACKPROP = "backpropagation"
# Other names stand for rules with other options.
_VARIANTS = {
    "forward_forward, linear": (
        "forward_forward",
        {"inference": "linear", "negatives": "hard"},
    )
}
RULES = (*(n for n in local_rules() if n != "backprop"), *_VARIANTS)
CASES = {name: lagrangian_step_cases.CASES[name] for name in ("mlp", "conv")}


class Trainer:
    """Trains on one batch when called, and returns when that is done.

    Args:
        case: `implicit_step_cases.Case`.
        name: String, of `RULES`, or `BACKPROP` for a plain Keras model.
        jit_compile: Boolean, whether XLA compiles it.
    """

    def __init__(self, case, name, jit_compile):
        keras.utils.set_random_seed(0)
        self.model = keras.Sequential(case.make())
        if name != BACKPROP:
            rule, options = _VARIANTS.get(name, (name, {}))
            self.model = local_rules()[rule](self.model, **options)
        self.model.compile(
            keras.optimizers.SGD(0.01),
            loss=case.loss(),
            jit_compile=jit_compile,
        )
        self.batches = case.batches()
        self.model.optimizer.build(self.model.trainable_variables)
        self.model.make_train_function()
        if name == "lagrangian":
            # Past the first steps, in each of which stiffness is measured.
            self()
            self.model.steps.assign(1001)

    def __call__(self):
        return float(self.model.train_function(self.batches)["loss"])


def rows(case, jit_compile, rounds, rules=RULES, seconds_per_round=0.1):
    """The time of one step, of all rules in turns.

    Args:
        case: `implicit_step_cases.Case`.
        jit_compile: Boolean, whether XLA compiles all of them.
        rounds: Integer, how often each is timed.
        rules: Tuple of names of `RULES`.
        seconds_per_round: Float, how long one timing lasts at least.

    Returns:
        List of `results.Row`: the time of backpropagation, and how many times
        that each rule takes.
    """
    trainers = {
        name: Trainer(case, name, jit_compile) for name in (BACKPROP, *rules)
    }
    found = timing.compare(
        trainers, rounds=rounds, seconds_per_round=seconds_per_round
    )
    metric = f"step, {case.name}, {'XLA' if jit_compile else 'graph'}"
    took = [1e3 * seconds for seconds in found[BACKPROP]]
    made = [
        results.row(
            BACKPROP, metric, statistics.median(took), "ms", samples=took
        )
    ]
    for name in rules:
        ratios = timing.ratios(found, name, BACKPROP)
        made.append(
            results.row(
                name,
                metric,
                statistics.median(ratios),
                "times",
                samples=ratios,
            )
        )
    return made


def planned_bytes(key, names):
    """What XLA allocates for a step, beside weights and the batch.

    XLA reads where to report its plans when it first compiles, so this is for
    a new process.

    Args:
        key: String, of `CASES`.
        names: List of what `Trainer` takes.

    Returns:
        List of integers.
    """
    with tempfile.TemporaryDirectory() as folder:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = (
            f"{flags} --xla_dump_to={folder} --xla_dump_hlo_as_text"
        )
        return [
            _planned(CASES[key], name, pathlib.Path(folder)) for name in names
        ]


def _planned(case, name, folder):
    trainer = Trainer(case, name, False)
    # Without the loop over batches that `fit` may compile around it.
    trainer.model.jit_compile = True
    step = tf.function(
        lambda *data: trainer.model.train_step(data),
        jit_compile=True,
        autograph=False,
    )
    before = set(folder.glob("*buffer-assignment.txt"))
    step(*next(trainer.batches))
    reports = set(folder.glob("*buffer-assignment.txt")) - before
    sizes = [temporary_bytes(path.read_text()) for path in reports]
    if not sizes:
        raise RuntimeError("XLA reported no plan. Was it used before?")
    # Small functions, as that of a random seed, may be compiled beside it.
    return max(sizes)


def kept_bytes(case, name):
    """Bytes of the variables of a model, its optimizer's slots left out."""
    model = Trainer(case, name, False).model
    return sum(
        int(tf.size(v.value)) * tf.as_dtype(v.dtype).size
        for v in model.variables
    )


def memory_rows(key, rules=RULES, measure=None):
    """Memory of a step by XLA's plan, and of what a rule keeps.

    Args:
        key: String, of `CASES`.
        rules: Tuple of names of `RULES`.
        measure: Function as `planned_bytes`, or None for that in a new
            process.

    Returns:
        List of `results.Row`, against backpropagation.
    """
    measure = measure or _elsewhere
    names, case = [BACKPROP, *rules], CASES[key]
    sizes = {
        "planned memory": measure(key, names),
        "variables": [kept_bytes(case, name) for name in names],
    }
    return [
        results.row(
            name,
            f"{what}, {case.name}",
            size / 2**20,
            "MiB",
            against=BACKPROP,
            against_value=found[0] / 2**20,
        )
        for what, found in sizes.items()
        for name, size in zip(names, found, strict=True)
    ]


def _elsewhere(*arguments):
    """What `planned_bytes` returns in a process that has done nothing else."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(planned_bytes, arguments)
