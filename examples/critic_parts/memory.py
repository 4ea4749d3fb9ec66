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
    """A weight and a bias for each unit: by itself a unit keeps its state.

    Args:
        weight: Float, where the weights begin.
    """

    def __init__(self, weight, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight

    def build(self, input_shape):
        shape = (input_shape[-1],)
        self.kernel = self.add_weight(
            name="kernel",
            shape=shape,
            initializer=keras.initializers.Constant(self.weight),
        )
        self.bias = self.add_weight(
            name="bias", shape=shape, initializer="zeros"
        )

    def call(self, inputs):
        return inputs * self.kernel + self.bias

    def get_config(self):
        return {**super().get_config(), "weight": self.weight}


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
    """

    steps: int = 20
    bits: int = 4
    shown: int = 2
    units: int = 16
    hold: float = 1.5

    name = "memory"
    measure = "bits told wrong"
    distribution = "bernoulli"

    @property
    def told(self):
        return f"{self.bits} bits for {self.steps} steps, {self.units} units"

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
            kernel_initializer=initial("see", 4.0),
            name="see",
        )
        hold = Hold(self.hold, name="hold")
        seen, state = 2 * x - 1, None
        for step in range(self.steps):
            logits = see(self._view(seen, step))
            if state is not None:
                logits = logits + hold(state)
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
