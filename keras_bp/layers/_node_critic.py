"""What the control variate of a stochastic node is made of."""

import math

import keras
from keras import ops

# What is further out is the same to the network.
_FAR = 100.0


class NodeCritic:
    """A temperature and a weight, a network, or both, as trained weights.

    Args:
        node: The layer to which the weights belong.
        kind: String, see `critic` of `keras_bp.ops.NodeEstimator`.
        units: Integer, width of the hidden layer of the network.
        temperature: Positive float, the initial one.
    """

    def __init__(self, node, kind, units, temperature):
        self._node = node
        self._scaled = kind in ("scale", "both")
        self._deep = kind in ("network", "both")
        self._units = units
        self._temperature = temperature

    def build(self, value_shape, param_shapes):
        """Makes the weights, for a sample and parameters of these shapes."""
        self.weights = []
        if self._scaled:
            constant = keras.initializers.Constant(math.log(self._temperature))
            self._add("log_temperature", (), constant)
            self._add("eta", (), "ones")
        if self._deep:
            shapes = [value_shape, *param_shapes]
            size = sum(math.prod(shape[1:]) for shape in shapes)
            self._add("kernel", (size, self._units), "glorot_uniform")
            self._add("bias", (self._units,), "zeros")
            # Nothing at first: the estimate starts as that without it.
            self._add("out", (self._units,), "zeros")

    def _add(self, name, shape, initializer):
        weight = self._node.add_weight(
            name="critic_" + name,
            shape=shape,
            initializer=initializer,
            dtype=self._node.noise_dtype,
            autocast=False,
        )
        self.weights.append(weight)

    @staticmethod
    def control(weights):
        """Temperature, and weight of the control variate."""
        return ops.exp(weights[0]), weights[1]

    @staticmethod
    def network(value, params, weights):
        """A number for each row, of the value and the parameters."""
        kernel, bias, out = weights[-3:]
        flat = [
            ops.reshape(x, (-1, math.prod(x.shape[1:])))
            for x in (value, *params)
        ]
        # A forbidden class has a logit of -inf.
        inputs = ops.clip(ops.concatenate(flat, axis=-1), -_FAR, _FAR)
        hidden = ops.tanh(inputs @ kernel + bias)
        return ops.sum(hidden * out, axis=-1)
