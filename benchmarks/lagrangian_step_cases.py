"""What `benchmarks.lagrangian_step` times."""

import dataclasses
import math
import statistics

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks import implicit_step_cases, results, timing
from keras_bp.training import LagrangianModel

# Tables of the cases that do not ask for another size, in batches.
_BATCHES = 10
# Past the first steps, in each of which stiffness is measured; later it is in
# one of 20, with the cost of two inner steps.
_SETTLED = 1001


def _mlp():
    return _dense(300, 100)


def _dense(*units):
    return [
        keras.Input((784,)),
        *(layers.Dense(n, activation="tanh") for n in units),
        layers.Dense(10),
    ]


def _conv():
    return [
        keras.Input((28, 28, 1)),
        layers.Conv2D(10, 5, activation="tanh"),
        layers.MaxPooling2D(),
        layers.Conv2D(20, 5, activation="tanh"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(50, activation="tanh"),
        layers.Dense(10),
    ]


def _lstm():
    return [
        keras.Input((40, 88)),
        layers.LSTM(200, return_sequences=True),
        layers.Dense(88),
    ]


def _case(name, make, shape, units):
    return implicit_step_cases.Case(name, make, shape, units, aim=None)


CASES = {
    "mlp": _case("MLP 784-300-100-10", _mlp, (128, 784), 10),
    "conv": _case("conv net", _conv, (128, 28, 28, 1), 10),
    "lstm": _case("LSTM 88-200-88", _lstm, (32, 40, 88), 88),
}


def deep(depth):
    """The case of as many hidden layers of 100 units."""
    units = [100] * depth
    return _case(f"{depth} x 100", lambda: _dense(*units), (128, 784), 10)


def find(key):
    """The case of a name of `CASES`, or of a depth."""
    return CASES[key] if key in CASES else deep(key)


@dataclasses.dataclass(frozen=True)
class Method:
    """Local learning; no `Method` is backpropagation.

    Attributes:
        states: As `LagrangianModel` takes it.
        inner_steps: Integer.
        num_examples: Integer, rows of the tables; None for ten batches.
    """

    states: str
    inner_steps: int
    num_examples: int | None = None

    def __str__(self):
        return f"{self.states}, K={self.inner_steps}"


METHODS = (
    *(Method("transient", steps) for steps in (1, 5, 10, 20)),
    *(Method("persistent", steps) for steps in (1, 5)),
)
DEFAULTS = (Method("transient", 10), Method("persistent", 5))


def expected(network, inner_steps):
    """Matrix products of a step, as multiples of those of backpropagation.

    Backpropagation takes three for each matrix of weights: forward, by the
    weights, and by what is read, but not by the data. Of a step with K inner
    steps, all start with a pass forward and end with derivatives by the
    weights; between them, K times and once more for the last residuals, a
    matrix above the first is multiplied to predict, and K times for what it
    pulls at. Products with the data do not change between inner steps. So

        2 A + (2 K + 1) a    against    2 A + a,

    where A multiplications are in all matrices, and a in those above the
    data. Persistent states take as many: one inner step fewer, and residuals
    once more.

    Args:
        network: Built model.
        inner_steps: Integer, K.

    Returns:
        Float.
    """
    found = [
        math.prod(weight.shape) * math.prod(layer.output.shape[1:-1])
        for layer in network.layers
        for weight in layer.trainable_weights
        if len(weight.shape) > 1
    ]
    total, above = sum(found), sum(found[1:])
    return 1.0 + 2.0 * inner_steps * above / (2.0 * total + above)


class Trainer:
    """Trains on one batch when called, and returns when that is done.

    Args:
        case: `implicit_step_cases.Case`.
        method: `Method`, or None for backpropagation.
        jit_compile: Boolean, whether XLA compiles it.
        settle: Boolean, whether the first steps, which take longer, are past.
    """

    def __init__(self, case, method, jit_compile, settle=True):
        keras.utils.set_random_seed(0)
        self.model = self.network = keras.Sequential(case.make())
        self.batches = case.batches()
        if method is not None:
            self.model, self.batches = _local(case, method, self.network)
        self.model.compile(
            keras.optimizers.SGD(0.01),
            loss=case.loss(),
            jit_compile=jit_compile,
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self.model.make_train_function()
        if method is not None and settle:
            # Stiffness is measured in the first step.
            self()
            self.model.steps.assign(_SETTLED)

    def __call__(self):
        return float(self.model.train_function(self.batches)["loss"])

    def check(self):
        """Raises `RuntimeError` if a step was not taken, which is cheaper."""
        trouble = getattr(self.model, "trouble", 0)
        if int(keras.ops.convert_to_numpy(trouble)):
            raise RuntimeError("A state diverged. Use a smaller rate.")


def _local(case, method, network):
    size = case.shape[0]
    persistent = method.states == "persistent"
    count = method.num_examples or _BATCHES * size
    model = LagrangianModel(
        network,
        states=method.states,
        inner_steps=method.inner_steps,
        num_examples=count if persistent else None,
    )
    if not persistent:
        return model, case.batches()
    return model, _numbered(case, count)


def _numbered(case, count):
    """The same batch for ever, as examples of a set of `count`."""
    size = case.shape[0]
    order = np.random.default_rng(0).permutation(count).astype("int32")
    order = order[: count - count % size]
    # Batches of unknown size, as in `fit`.
    x, y, index = (
        tf.data.Dataset.from_tensor_slices(each).batch(size).cache().repeat()
        for each in (*next(case.batches()), order)
    )
    batches = tf.data.Dataset.zip(({"example_index": index, "inputs": x}, y))
    return iter(batches)


def rows(case, jit_compile, rounds, methods=METHODS, seconds_per_round=0.1):
    """The time of one step, of all methods in turns.

    Args:
        case: `implicit_step_cases.Case`.
        jit_compile: Boolean, whether XLA compiles all of them.
        rounds: Integer, how often each is timed.
        methods: Tuple of `Method`.
        seconds_per_round: Float, how long one timing lasts at least.

    Returns:
        List of `results.Row`: the time of backpropagation, and of each method
        how many times that it takes, against what `expected` says.
    """
    trainers = {
        method: Trainer(case, method, jit_compile)
        for method in (None, *methods)
    }
    found = timing.compare(
        trainers, rounds=rounds, seconds_per_round=seconds_per_round
    )
    for trainer in trainers.values():
        trainer.check()
    metric = f"step, {case.name}, {'XLA' if jit_compile else 'graph'}"
    took = [1e3 * seconds for seconds in found[None]]
    made = [
        results.row(
            "backpropagation",
            metric,
            statistics.median(took),
            "ms",
            samples=took,
        )
    ]
    for method in methods:
        ratios = timing.ratios(found, method, None)
        made.append(
            results.row(
                str(method),
                metric,
                statistics.median(ratios),
                "times",
                samples=ratios,
                against="matrix products",
                against_value=expected(
                    trainers[None].network, method.inner_steps
                ),
            )
        )
    return made


def depth_rows(depths, jit_compile, rounds):
    """The time of one step for networks of several depths."""
    return [
        row
        for depth in depths
        for row in rows(deep(depth), jit_compile, rounds, DEFAULTS)
    ]


def size_rows(case, sizes, jit_compile, rounds, seconds_per_round=0.1):
    """The time of one step for tables of several sizes, in one run.

    Args:
        case: `implicit_step_cases.Case`.
        sizes: Tuple of integers, examples of the sets; the first is what the
            others are compared with.
        jit_compile, rounds, seconds_per_round: As `rows` takes them.

    Returns:
        List of `results.Row`.
    """
    inner = DEFAULTS[1].inner_steps
    trainers = {
        size: Trainer(case, Method("persistent", inner, size), jit_compile)
        for size in sizes
    }
    found = timing.compare(
        trainers, rounds=rounds, seconds_per_round=seconds_per_round
    )
    metric = f"step, {case.name}, {'XLA' if jit_compile else 'graph'}"
    took = {size: [1e3 * x for x in seconds] for size, seconds in found.items()}
    made = []
    for size, each in took.items():
        trainers[size].check()
        made.append(
            results.row(
                f"persistent, K={inner}, {size:,} examples",
                metric,
                statistics.median(each),
                "ms",
                samples=each,
                against=f"{sizes[0]:,} examples",
                against_value=statistics.median(took[sizes[0]]),
            )
        )
    return made
