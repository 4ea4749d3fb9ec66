"""The critic that a node gets unless it is given one."""

import math

import keras
from keras import ops

_DECAY = 0.99
_TINY = 1e-6


class DenseCritic(keras.layers.Layer):
    r"""A network of tanh units, from a list of tensors to `(batch, costs)`.

    It predicts :math:`(G - \mu)/\sigma` of its targets :math:`G`, with moving
    estimates of mean and deviation: costs of some hundreds would take long to
    reach by themselves. All is a function of given weights, so that the same
    code serves the trained ones, frozen ones and slow ones.

    Args:
        units: Tuple of integers.
        costs: Integer.
    """

    def __init__(self, units, costs, **kwargs):
        super().__init__(**kwargs)
        self.units, self.costs = tuple(units), costs

    def build(self, shapes):
        sizes = [math.prod(shape[1:]) for shape in shapes]
        widths = [*self.units, self.costs]
        self.num_inputs = len(sizes)
        limit = math.sqrt(6 / (sum(sizes) + widths[0]))
        first = keras.initializers.RandomUniform(-limit, limit)
        deep = bool(self.units)
        for index, size in enumerate(sizes):
            self._add(
                f"kernel_{index}", (size, widths[0]), first if deep else "zeros"
            )
        self._add("bias", (widths[0],), "zeros")
        for index in range(1, len(widths)):
            # Nothing at first: an untrained critic tells samples not apart.
            last = index == len(widths) - 1
            start = "zeros" if last else "glorot_uniform"
            self._add(f"kernel_h{index}", widths[index - 1 : index + 1], start)
            self._add(f"bias_h{index}", (widths[index],), "zeros")
        self.mean, self.square, self.share = (
            self.add_weight(
                name=name,
                shape=shape,
                initializer="zeros",
                trainable=False,
                autocast=False,
                aggregation="mean",
            )
            for name, shape in (
                ("mean", (self.costs,)),
                ("square", (self.costs,)),
                ("share", ()),
            )
        )

    def _add(self, name, shape, initializer):
        self.add_weight(
            name=name,
            shape=tuple(shape),
            initializer=initializer,
            autocast=False,
        )

    def call(self, inputs):
        weights = [ops.convert_to_tensor(x) for x in self.trainable_weights]
        return self.forward(weights, inputs)

    def compute_output_shape(self, shapes):
        return (shapes[0][0], self.costs)

    def forward(self, weights, inputs):
        """The prediction by given weights, `(rows, costs)`."""
        return self.rest(weights, self.first(weights, inputs))

    def first(self, weights, inputs):
        """What is linear in the inputs."""
        total = weights[self.num_inputs]
        for x, kernel in zip(inputs, weights, strict=False):
            total = total + ops.reshape(x, (-1, kernel.shape[0])) @ kernel
        return total

    def rest(self, weights, x):
        """What is made of `first`, along its last axis."""
        left = list(weights[self.num_inputs + 1 :])
        while left:
            kernel, bias, *left = left
            x = ops.matmul(ops.tanh(x), kernel) + bias
        mean, deviation = self.scale()
        return mean + deviation * x

    def scale(self):
        """Mean and deviation of the targets so far."""
        share = ops.convert_to_tensor(self.share)
        known = ops.maximum(share, _TINY)
        mean = ops.convert_to_tensor(self.mean) / known
        spread = ops.convert_to_tensor(self.square) / known - ops.square(mean)
        # Of targets that do not vary only the mean is left.
        least = ops.square(1e-3 * mean) + _TINY
        deviation = ops.sqrt(ops.maximum(spread, least))
        return mean, ops.where(share > 0, deviation, ops.ones_like(deviation))

    def observe(self, mean, square):
        """Learns from the mean of targets and of their squares."""
        for weight, value in (
            (self.mean, mean),
            (self.square, square),
            (self.share, ops.ones_like(self.share)),
        ):
            weight.assign(_DECAY * weight + (1 - _DECAY) * value)
