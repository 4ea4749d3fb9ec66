"""The networks of both examples, as graphs of nodes and costs."""

import zlib

import keras
import numpy as np
from keras import ops

from examples.stochastic_parts.config import ESTIMATORS
from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import SurrogateModel

_ENCODER = "encoder_"


@keras.saving.register_keras_serializable("examples")
class PairedDense(keras.layers.Dense):
    r"""Logits twice, the second time with a gradient to the input alone.

    The second are for :math:`\log q` in a bound: the derivative of that in
    the weights of the encoder is a score, zero on average and nothing but
    noise, while its derivative in the nodes above is part of the cost.

    Args:
        units: Integer.
    """

    def call(self, inputs, training=None):
        kernel = ops.stop_gradient(self.kernel)
        bias = ops.stop_gradient(self.bias)
        return super().call(inputs), ops.matmul(inputs, kernel) + bias

    def compute_output_spec(self, inputs, training=None):
        spec = keras.KerasTensor((*inputs.shape[:-1], self.units), inputs.dtype)
        return spec, keras.KerasTensor(spec.shape, spec.dtype)


@keras.saving.register_keras_serializable("examples")
class PriorLogits(keras.layers.Layer):
    """Learned logits, the same for each row of the input."""

    def build(self, input_shape):
        self.logits = self.add_weight(
            name="logits", shape=(input_shape[-1],), initializer="zeros"
        )

    def call(self, inputs):
        return ops.zeros_like(inputs) + self.logits


@keras.saving.register_keras_serializable("examples")
def minus_log_likelihood(bits, logits):
    """-log p of bits, in nats, summed over units."""
    return ops.sum(ops.softplus(logits) - bits * logits, axis=-1)


@keras.saving.register_keras_serializable("examples")
def log_ratio(bits, q_logits, p_logits):
    """log q - log p of bits, in nats, summed over units."""
    at_q = minus_log_likelihood(bits, q_logits)
    return minus_log_likelihood(bits, p_logits) - at_q


def _node(estimator, index, seed):
    arguments = dict(ESTIMATORS[estimator])
    if index:
        # The samples of the first node go through the others.
        arguments.pop("samples", None)
    return StochasticNode(
        "bernoulli", seed=2 * seed + index, name=f"h{index + 1}", **arguments
    )


def _centered(bits):
    return 2 * bits - 1


def _initial(name, seed):
    # By name: an estimator with weights of its own starts at the same ones.
    return keras.initializers.GlorotUniform(zlib.crc32(name.encode()) + seed)


def _decoder(units, index, seed):
    name = f"decoder_{index}"
    return keras.layers.Dense(
        units, kernel_initializer=_initial(name, seed), name=name
    )


def _encoder(units, index, seed):
    name = f"{_ENCODER}{index}"
    return PairedDense(
        units, kernel_initializer=_initial(name, seed), name=name
    )


def _output_layer(means, seed):
    """A Dense layer whose output without input is the mean image."""
    likely = np.clip(means, 0.001, 0.999)
    layer = _decoder(len(means), 1, seed)
    layer.bias_initializer = _Constant(np.log(likely / (1 - likely)).tolist())
    return layer


@keras.saving.register_keras_serializable("examples")
class _Constant(keras.initializers.Initializer):
    def __init__(self, values):
        self.values = values

    def __call__(self, shape, dtype=None, **kwargs):
        return ops.convert_to_tensor(self.values, dtype)

    def get_config(self):
        return {"values": self.values}


def _less_mean(means, name="less_mean"):
    means = np.asarray(means, "float32")
    return keras.layers.Normalization(
        mean=means, variance=np.ones_like(means), name=name
    )


def belief_network(means, units, layers, estimator, seed):
    r"""A linear sigmoid belief network with its encoder.

    The cost is the negative evidence lower bound, by one sample,
    :math:`\sum_l [\log q(h_l | h_{l-1}) - \log p(h_l | h_{l+1})]
    - \log p(x | h_1)`, one cost node for each term, :math:`h_0 = x`.

    Args:
        means: Array, the mean image.
        units: Integer, bits of a layer.
        layers: Integer, 1 or 2.
        estimator: String, a key of `ESTIMATORS`.
        seed: Integer.

    Returns:
        `SurrogateModel` from images `(batch, pixels)` to its costs.
    """
    x = keras.Input((len(means),), name="x")
    above, bits, held = _less_mean(means)(x), [], []
    for index in range(layers):
        logits, kept = _encoder(units, index + 1, seed)(above)
        bits.append(_node(estimator, index, seed)(logits))
        held.append(kept)
        above = _centered(bits[-1])
    likely = _output_layer(means, seed)(_centered(bits[0]))
    costs = [CostNode(minus_log_likelihood, name="minus_log_p_x")([x, likely])]
    for index, (value, q_logits) in enumerate(zip(bits, held, strict=True)):
        if index + 1 < layers:
            decoder = _decoder(units, index + 2, seed)
            p_logits = decoder(_centered(bits[index + 1]))
        else:
            p_logits = PriorLogits(name="prior")(value)
        cost = CostNode(log_ratio, name=f"log_ratio_{index + 1}")
        costs.append(cost([value, q_logits, p_logits]))
    return SurrogateModel(x, costs)


def completion_network(means, units, estimator, seed):
    """The lower half of an image from the upper one, by two layers of bits.

    Args:
        means: Array, the mean image, its upper half first.
        units: Integer, bits of a layer.
        estimator: String, a key of `ESTIMATORS`.
        seed: Integer.

    Returns:
        `SurrogateModel` from images `(batch, pixels)` to its cost, minus the
        log-likelihood of the lower half by one sample.
    """
    half = len(means) // 2
    x = keras.Input((len(means),), name="x")
    above = _less_mean(means[:half])(x[:, :half])
    for index in range(2):
        logits, _ = _encoder(units, index + 1, seed)(above)
        above = _centered(_node(estimator, index, seed)(logits))
    likely = _output_layer(means[half:], seed)(above)
    cost = CostNode(minus_log_likelihood, name="minus_log_p")
    return SurrogateModel(x, cost([x[:, half:], likely]))


def encoder_weights(model):
    """The weights above the bits: those that get an estimated gradient."""
    return [
        weight
        for layer in model.layers
        if layer.name.startswith(_ENCODER)
        for weight in layer.trainable_weights
    ]


def shared_weights(model):
    """The weights that do not belong to an estimator, by name."""
    return _weights(model, lambda x: not isinstance(x, StochasticNode))


def node_weights(model):
    """The weights of baselines and control variates, by name."""
    return _weights(model, lambda x: isinstance(x, StochasticNode))


def set_weights(weights, values):
    """Assigns arrays to weights of the same names."""
    for name, weight in weights.items():
        weight.assign(values[name])


def _weights(model, belongs):
    return {
        f"{layer.name}/{index}": weight
        for layer in model.layers
        if belongs(layer)
        for index, weight in enumerate(layer.weights)
    }
