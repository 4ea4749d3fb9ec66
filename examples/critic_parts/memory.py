"""Bits that are shown at first and have to be told at the end."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from examples.critic_parts.methods import initial
from keras_bp.layers import CostNode

_HELD_OUT = (20_001, 20_002)


@keras.saving.register_keras_serializable("examples")
def minus_log_likelihood(bits, logits):
    """-log p of bits, in nats, summed over units."""
    return ops.sum(ops.softplus(logits) - bits * logits, axis=-1)


@keras.saving.register_keras_serializable("examples")
class Hold(keras.layers.Layer):
    """Logits of units from those of them in the last step.

    Args:
        weight: Float, of a unit for itself, where it begins.
        coupled: Boolean, whether units also see each other; if not, each has
            a weight and a bias of its own.
    """

    def __init__(self, weight, coupled, **kwargs):
        super().__init__(**kwargs)
        self.weight, self.coupled = weight, coupled

    def build(self, input_shape):
        units = input_shape[-1]
        if self.coupled:
            self.kernel = self.add_weight(
                name="kernel",
                shape=(units, units),
                initializer=initial("hold"),
            )
        self.own = self.add_weight(
            name="own",
            shape=(units,),
            initializer=keras.initializers.Constant(self.weight),
        )
        self.bias = self.add_weight(
            name="bias", shape=(units,), initializer="zeros"
        )

    def call(self, inputs):
        logits = inputs * self.own + self.bias
        return logits + inputs @ self.kernel if self.coupled else logits

    def get_config(self):
        own = {"weight": self.weight, "coupled": self.coupled}
        return {**super().get_config(), **own}


@dataclasses.dataclass(frozen=True)
class Memory:
    """A chain of layers of bits that has to remember.

    Some bits are seen in the first steps, a distractor in each. Only after
    the last step they have to be told, from the state alone: there is one
    cost, and most of the nodes are far from it.

    Attributes:
        steps: Integer, nodes of the chain.
        bits: Integer, what is to be remembered.
        shown: Integer, steps in which they are seen, the same number in each.
        units: Integer, bits of the state.
        hold: Float, how much a unit keeps its state at first: with a logit of
            so much, and of minus so much.
        coupled: Boolean, whether units see each other in the last step.
        limit: Float, no logit of a unit is beyond it: no unit is sure of its
            state, and only many together remember. None for no such limit.
    """

    steps: int = 20
    bits: int = 1
    shown: int = 1
    units: int = 32
    hold: float = 1.5
    coupled: bool = True
    limit: float | None = 2.0

    name = "memory"
    measure = "bits told wrong"
    distribution = "bernoulli"

    @property
    def told(self):
        bits = "1 bit" if self.bits == 1 else f"{self.bits} bits"
        sure = "reliable" if self.limit is None else "unreliable"
        return f"{bits} for {self.steps} steps, {self.units} {sure} units"

    def graph(self, node):
        """The chain.

        Args:
            node: Function of an index that returns a `StochasticNode`.

        Returns:
            Inputs, a list of costs, and the share of wrong answers of each
            example.
        """
        x = keras.Input((self.bits + self.steps,), name="x")
        see = keras.layers.Dense(
            self.units,
            use_bias=False,
            kernel_initializer=initial("see", 7.0),
            name="see",
        )
        hold = Hold(self.hold, self.coupled, name="hold")
        seen, state = 2 * x - 1, None
        for step in range(self.steps):
            logits = see(self._view(seen, step))
            if state is not None:
                logits = logits + hold(state)
            if self.limit is not None:
                logits = self.limit * ops.tanh(logits / self.limit)
            state = 2 * node(step)(logits) - 1
        shown = x[:, : self.bits]
        tell = keras.layers.Dense(
            self.bits, kernel_initializer=initial("tell"), name="tell"
        )
        logits = tell(state)
        cost = CostNode(minus_log_likelihood, name="told")
        wrong = ops.not_equal(ops.greater(logits, 0), ops.greater(shown, 0.5))
        wrong = ops.mean(ops.cast(wrong, "float32"), axis=-1)
        return x, [cost([shown, logits])], wrong

    def _view(self, seen, step):
        """What is seen in a step: its bits, or zeros for them, and noise."""
        size = self.bits // self.shown
        place = np.arange(self.bits) // size
        now = (place == step).astype("float32")
        noise = seen[:, self.bits + step : self.bits + step + 1]
        return ops.concatenate([seen[:, : self.bits] * now, noise], axis=-1)

    def batches(self, seed, batch, count):
        """Batches of bits.

        Returns:
            `tf.data.Dataset` of tuples with an array.
        """
        size = self.bits + self.steps
        bits = _drawn(seed, (count, batch, size))
        data = tf.data.Dataset.from_tensor_slices(bits)
        return data.map(lambda x: (tf.cast(x, "float32"),)).prefetch(100)

    def held_out(self, part, count):
        """Array of examples for `"validation"` or `"test"`."""
        seed = _HELD_OUT[part == "test"]
        return _drawn(seed, (count, self.bits + self.steps)).astype("float32")


def _drawn(seed, shape):
    return np.random.default_rng(seed).integers(0, 2, shape, "uint8")
