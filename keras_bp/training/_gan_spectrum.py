"""The spectral term in the loss of a generator."""

import math

import keras
from keras import ops

from keras_bp.layers.binary_neuron import BinaryNeuron
from keras_bp.layers.stochastic_node import StochasticNode
from keras_bp.spectral import _metric
from keras_bp.spectral.jacobian_operator import JacobianOperator, columns_of
from keras_bp.surgery.change_output import change_output

JACOBIANS = ("auto", "output", "logit", "probability")
SPECTRAL_LOGS = ("log_likelihood", "log_det", "condition", "spectral_penalty")


def jacobian_model(generator, jacobian):
    """The model, of the same weights, whose Jacobian is taken.

    Args:
        generator: `keras.Model`.
        jacobian: String of `JACOBIANS`.
    """
    last = _last(generator)
    bits = isinstance(last, BinaryNeuron | StochasticNode)
    if jacobian == "auto":
        jacobian = "logit" if bits else "output"
    if jacobian == "output":
        return generator
    if jacobian == "probability" and isinstance(last, BinaryNeuron):
        logits = change_output(generator, "logit")
        made = _Probability(last)(logits.outputs[0])
        return keras.Model(logits.inputs[0], made)
    return change_output(generator, jacobian)


class SpectralTerm:
    """The implicit likelihood and the penalty of a batch of latents.

    No Keras object, so that the generator is not saved once more with it.

    Args:
        gan: `SpectralGAN`.
        model: `keras.Model`, whose Jacobian is taken.
    """

    def __init__(self, gan, model):
        self._gan, self.model = gan, model

    def names(self):
        """The names of the logs of this term."""
        gan = self._gan
        found = ["spectral_penalty"] if gan.penalty is not None else []
        return [*SPECTRAL_LOGS[:3], *found] if self._measures() else found

    def _measures(self):
        return bool(self._gan.likelihood_weight) or self._gan.penalty is None

    def __call__(self, z):
        """The term of the loss, and a dictionary of scalars for the logs."""
        gan, logs = self._gan, {}
        term = ops.zeros((), "float32")
        if self._measures():
            logs = self.measured(z)
            term = term - gan.likelihood_weight * logs["log_likelihood"]
        if gan.penalty is not None:
            penalty = ops.cast(gan.penalty(self.model, z), "float32")
            logs["spectral_penalty"] = penalty
            term = term + penalty
        return term, logs

    def measured(self, z):
        """Means over latents, as a dictionary of scalars."""
        operator = JacobianOperator(self.model, z)
        columns, ridge = columns_of(operator), self._gan.ridge
        log_det, _ = _metric.log_det(columns, ridge, operator.precision)
        # For the logs alone.
        squares = _metric.eigenvalues(ops.stop_gradient(columns), ridge)
        logs = ops.log(_metric.floored(squares, operator.precision))
        condition = ops.exp(0.5 * ops.mean(logs[:, -1] - logs[:, 0]))
        z = ops.cast(ops.reshape(z, ops.shape(squares)), squares.dtype)
        prior = -0.5 * ops.sum(ops.square(z), axis=-1)
        prior = prior - 0.5 * z.shape[-1] * math.log(2 * math.pi)
        found = {
            "log_likelihood": ops.mean(prior - 0.5 * log_det),
            "log_det": ops.mean(log_det),
            "condition": condition,
        }
        return {name: ops.cast(x, "float32") for name, x in found.items()}


def _last(model):
    while isinstance(model, keras.Model) and getattr(model, "layers", None):
        model = model.layers[-1]
    return model


class _Probability(keras.layers.Layer):
    """The sigmoid of a neuron, with the slope that it has at the time."""

    def __init__(self, neuron):
        super().__init__(dtype=neuron.dtype_policy)
        # Not as a part of this layer.
        self._slope = lambda: neuron.slope

    def call(self, x):
        slope = ops.convert_to_tensor(self._slope())
        return ops.sigmoid(x * ops.cast(slope, x.dtype))

    def compute_output_shape(self, input_shape):
        return input_shape
