"""What `benchmarks.backprop_q` times: chains of bits, and their steps."""

import dataclasses
import statistics

import keras
import tensorflow as tf
from keras import ops

from benchmarks import results, timing
from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import BackpropQModel, CriticOptions, SurrogateModel

_SEED = 0
RLOO = "rloo"
MODES = ("all_action", "advantage", "control_variate")


@dataclasses.dataclass(frozen=True)
class Chain:
    """Layers of bits, each of which sees the one before.

    Attributes:
        nodes: Integer, how many layers.
        costs: Integer, how many costs the last of them has.
        units: Integer, bits of a layer.
        hidden: Integer, units of each critic.
        batch: Integer.
        seconds_per_round: Float, of a timing.
    """

    nodes: int = 4
    costs: int = 1
    units: int = 32
    hidden: int = 64
    batch: int = 64
    seconds_per_round: float = 0.1

    @property
    def title(self):
        return (
            f"{self.nodes} x {self.units} bits, {self.costs} "
            f"cost{'s' * (self.costs > 1)}, batch {self.batch}"
        )

    def model(self, method):
        """The chain, compiled.

        Args:
            method: String, `RLOO` or a mode of `BackpropQModel`.
        """
        keras.utils.set_random_seed(_SEED)
        rloo = method == RLOO
        x = keras.Input((self.units,))
        value = x
        for index in range(self.nodes):
            logits = keras.layers.Dense(self.units)(value)
            value = StochasticNode(
                "bernoulli",
                "rloo" if rloo else "score",
                samples=2 if rloo and index == 0 else 1,
                seed=index,
            )(logits)
        costs = [
            CostNode(_distance, name=f"cost_{index}")(
                [keras.layers.Dense(self.units)(value), x]
            )
            for index in range(self.costs)
        ]
        if rloo:
            model = SurrogateModel(x, costs)
            model.compile(keras.optimizers.Adam(1e-3))
            return model
        model = BackpropQModel(x, costs)
        model.compile(
            keras.optimizers.Adam(1e-3),
            keras.optimizers.Adam(1e-3),
            mode=method,
            critic=CriticOptions(units=(self.hidden,)),
        )
        return model


CHAIN = Chain()


def _distance(y, x):
    return ops.mean((y - x) ** 2, axis=-1)


def step_of(chain, method, compiled):
    """Function that runs one step of training and waits for it."""
    model = chain.model(method)
    model.optimizer.build(model.trainable_variables)
    x = tf.random.stateless_uniform((chain.batch, chain.units), [1, 2])
    step = tf.function(lambda: model.train_step((x,)), jit_compile=compiled)
    return lambda: step()["loss"].numpy()


def mode_rows(chain, compiled, rounds):
    """What each mode costs, against RLOO."""
    methods = (RLOO, *MODES)
    found = timing.compare(
        {name: step_of(chain, name, compiled) for name in methods},
        rounds=rounds,
        seconds_per_round=chain.seconds_per_round,
    )
    took = 1e3 * statistics.median(found[RLOO])
    return [
        _ratio_row(
            f"Backprop-Q, {mode}",
            f"step, {chain.title}, {_mode(compiled)}",
            timing.ratios(found, mode, RLOO),
            f"RLOO of two samples ({took:.2f} ms)",
        )
        for mode in MODES
    ]


def growth_rows(chain, what, numbers, compiled, rounds):
    """How a step grows with one number, of Backprop-Q and of RLOO.

    Args:
        chain: `Chain`.
        what: String, `"nodes"` or `"costs"`.
        numbers: Tuple of integers.
        compiled: Boolean, by XLA.
        rounds: Integer.

    Returns:
        List of `results.Row`: each against the first number.
    """
    chains = [
        dataclasses.replace(chain, **{what: number}) for number in numbers
    ]
    rows = []
    for method, name in ((RLOO, "RLOO"), (MODES[0], "Backprop-Q")):
        found = timing.compare(
            {
                number: step_of(each, method, compiled)
                for number, each in zip(numbers, chains, strict=True)
            },
            rounds=rounds,
            seconds_per_round=chain.seconds_per_round,
        )
        took = 1e3 * statistics.median(found[numbers[0]])
        rows += [
            _ratio_row(
                f"{name}, {number} {what}",
                f"step, {chain.units} bits, {_mode(compiled)}",
                timing.ratios(found, number, numbers[0]),
                f"{numbers[0]} ({took:.2f} ms)",
            )
            for number in numbers[1:]
        ]
    return rows


def _ratio_row(name, metric, ratios, against):
    return results.row(
        name,
        metric,
        statistics.median(ratios),
        "times",
        samples=ratios,
        against=against,
    )


def _mode(compiled):
    return "XLA" if compiled else "graph"
