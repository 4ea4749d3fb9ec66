"""Baselines of a stochastic node: what they keep, and how it is trained."""

import keras
from keras import ops

from keras_bp import _checks

_DECAY = 0.99
_HIDDEN = 100
_OWN = "baseline_"


class NodeBaseline:
    """No baseline.

    Args:
        node: The layer to which the weights belong.
    """

    def __init__(self, node):
        self.node = node

    def build(self, param_shapes):
        """Makes the weights, for parameters of these shapes."""

    def __call__(self, params):
        """The baseline of each row, made of what came before."""
        return None

    def observe(self, cost, distribution, value, baseline=None):
        """Learns from a batch of costs; returns a loss for it, or None.

        Args:
            cost: Tensor `(rows,)`.
            distribution: That of the node.
            value: Its sample.
            baseline: What the call returned for this batch.
        """
        return None

    def _weight(self, name, shape=()):
        return self.node.add_weight(
            name=_OWN + name,
            shape=shape,
            initializer="zeros",
            dtype=self.node.noise_dtype,
            autocast=False,
            trainable=False,
            aggregation="mean",
        )


class MovingAverage(NodeBaseline):
    """The mean of earlier costs, less the pull of its start at zero."""

    def build(self, param_shapes):
        self.mean = self._weight("mean")
        self.share = self._weight("share")

    def __call__(self, params):
        # One number for all rows.
        return self.mean / ops.maximum(self.share, 1 - _DECAY)

    def observe(self, cost, distribution, value, baseline=None):
        _move(self.mean, ops.mean(cost))
        _move(self.share, ops.ones_like(self.share))


class Optimal(NodeBaseline):
    """For each parameter the constant of least variance.

    E[f s^2] / E[s^2] with the score s, by moving averages.
    """

    def build(self, param_shapes):
        self.tops = [
            self._weight(f"top_{i}", shape[1:])
            for i, shape in enumerate(param_shapes)
        ]
        self.bottoms = [
            self._weight(f"bottom_{i}", shape[1:])
            for i, shape in enumerate(param_shapes)
        ]

    def __call__(self, params):
        return [
            ops.expand_dims(top / ops.maximum(bottom, 1e-30), 0)
            for top, bottom in zip(self.tops, self.bottoms, strict=True)
        ]

    def observe(self, cost, distribution, value, baseline=None):
        scores = distribution.detached().score(value)
        for top, bottom, score in zip(
            self.tops, self.bottoms, scores, strict=True
        ):
            square = ops.square(score)
            rows = ops.reshape(cost, (-1, *(1,) * (len(square.shape) - 1)))
            _move(top, ops.mean(rows * square, axis=0))
            _move(bottom, ops.mean(square, axis=0))


class Learned(MovingAverage):
    """A network of the parameters, on top of the moving average.

    Args:
        node: The layer to which the weights belong.
        network: Layer from the parameters to `(rows, 1)`, or None for one of
            100 tanh units.
    """

    def __init__(self, node, network=None):
        super().__init__(node)
        self.network = network

    def build(self, param_shapes):
        super().build(param_shapes)
        if self.network is None:
            layers = [
                keras.layers.Dense(_HIDDEN, activation="tanh"),
                keras.layers.Dense(1, kernel_initializer="zeros"),
            ]
            self.network = keras.Sequential(
                [keras.layers.Flatten(), *layers], name=_OWN + "network"
            )
            shape = param_shapes[0]
            if len(param_shapes) > 1:
                size = sum(shape[-1] for shape in param_shapes)
                shape = (*shape[:-1], size)
            self.network.build(shape)
            # Keras trains and saves what is an attribute of the node.
            self.node.baseline_network = self.network
            self._joined = True
        else:
            self._joined = False
            if not self.network.built:
                one = len(param_shapes) == 1
                self.network.build(param_shapes[0] if one else param_shapes)

    def __call__(self, params):
        params = [ops.stop_gradient(x) for x in params]
        if len(params) == 1:
            inputs = params[0]
        else:
            inputs = (
                ops.concatenate(params, axis=-1) if self._joined else params
            )
        learned = ops.reshape(self.network(inputs), (-1,))
        return super().__call__(params) + ops.cast(
            learned, self.node.noise_dtype
        )

    def observe(self, cost, distribution, value, baseline=None):
        loss = ops.square(ops.stop_gradient(cost) - baseline)
        super().observe(cost, distribution, value)
        return loss


BASELINES = {
    "moving_average": MovingAverage,
    "learned": Learned,
    "optimal": Optimal,
}


def make_baseline(node, baseline, owner):
    """The baseline of a `StochasticNode`, unless its estimator takes none."""
    if baseline is None:
        return NodeBaseline(node)
    if not node.rule.baseline:
        raise ValueError(
            f"{owner} takes a baseline for the estimators 'score' and "
            f"'muprop'. Received: estimator={node.rule.name!r}, "
            f"baseline={baseline!r}"
        )
    if isinstance(baseline, keras.layers.Layer):
        return Learned(node, baseline)
    _checks.check_one_of("baseline", baseline, BASELINES, owner=owner)
    if baseline == "optimal" and node.rule.name != "score":
        raise ValueError(
            f"{owner} takes the baseline 'optimal' for the estimator 'score'. "
            f"Received: estimator={node.rule.name!r}"
        )
    return BASELINES[baseline](node)


def _move(weight, value):
    weight.assign(_DECAY * weight + (1 - _DECAY) * ops.stop_gradient(value))
