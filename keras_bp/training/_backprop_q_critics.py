"""The critics of a model: their networks, and their slow copies."""

import keras
from keras import ops

from keras_bp.layers._seeded import SeededLayer
from keras_bp.training._backprop_q_networks import DenseCritic
from keras_bp.training._backprop_q_plan import symbolic

_DECAY = 0.99


class Critics(SeededLayer, keras.layers.Layer):
    """Holds what the critics of a `BackpropQModel` train.

    Args:
        plans: Dictionary from a node to its `Plan`.
        options: `CriticOptions`.
        dtype: String, of predictions.
        owner: String, for the message of an error.

    Attributes:
        networks: List of layers, one for each plan, in order.
    """

    def __init__(self, plans, options, dtype, owner):
        super().__init__(name="critics", dtype=dtype)
        self.plans, self.options, self._owner = plans, options, owner
        self.kind = dtype
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, input_shape=None):
        given = self.options.networks
        unknown = sorted(set(given) - set(self.plans))
        if unknown:
            raise ValueError(
                f"{self._owner} expects the keys of `networks` to be nodes "
                f"with a critic, {list(self.plans)}. Received: {unknown}"
            )
        self.networks = [
            given.get(name)
            or DenseCritic(
                self.options.units,
                len(plan.sources),
                name=f"critic_{index}",
                dtype=self.kind,
            )
            for index, (name, plan) in enumerate(self.plans.items())
        ]
        for network, plan in zip(
            self.networks, self.plans.values(), strict=True
        ):
            self._check(network, plan)
        self._index = {name: i for i, name in enumerate(self.plans)}
        # Of the costs less the control variate: a moving sum, and its weight.
        self.rests = [
            self._weight(f"rest_{i}", (2,)) for i in self._index.values()
        ]
        self.slow = []
        if self.options.target_rate is not None:
            self.slow = [self._slow(network) for network in self.networks]

    def _check(self, network, plan):
        found = network(symbolic(plan, self.kind))
        shape = tuple(getattr(found, "shape", ()))
        if len(shape) != 2 or shape[-1] != len(plan.sources):
            raise ValueError(
                f"{self._owner} expects the critic of the node {plan.name!r} "
                f"to return shape (batch, {len(plan.sources)}), a number for "
                f"each of {list(plan.sources)}. Received: shape={shape}"
            )

    def _weight(self, name, shape, initializer="zeros"):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=False,
            autocast=False,
            aggregation="mean",
        )

    def _slow(self, network):
        return [
            self._copy(f"slow_{i}", weight)
            for i, weight in enumerate(network.trainable_weights)
        ]

    def _copy(self, name, weight):
        made = self.add_weight(
            name=name,
            shape=weight.shape,
            dtype=weight.dtype,
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )
        made.assign(weight)
        return made

    def network(self, name):
        return self.networks[self._index[name]]

    def inputs(self, name, run, targets):
        """What a critic sees in a pass, constants in the rows of its node.

        Args:
            name: String, the node.
            run: `Pass`.
            targets: Dictionary from an output to its target.
        """
        own = run.draws[name].axes
        found = []
        for each in self.plans[name].inputs:
            if each.kind == "node":
                value, axes = (
                    run.draws[each.name].value,
                    run.draws[each.name].axes,
                )
                value = self.encoded(each, value)
            elif each.kind == "target":
                value, axes = ops.convert_to_tensor(targets[each.name]), ()
                value = self.encoded(each, value)
            else:
                value, axes = run.value(each.place)
            value = ops.cast(ops.stop_gradient(value), self.kind)
            value = ops.reshape(value, (-1, *each.shape))
            found.append(run.axes.expand(value, axes, own))
        return found

    def encoded(self, each, value):
        """Class numbers as one-hot vectors."""
        if each.classes is not None:
            value = ops.reshape(
                ops.cast(value, "int32"), (-1, *each.shape[:-1])
            )
            value = ops.one_hot(value, each.classes, dtype=self.kind)
        return ops.cast(value, self.kind)

    def trained(self, name, inputs):
        """Predictions `(rows, costs)`, whose gradient trains the critic."""
        network = self.network(name)
        dense = isinstance(network, DenseCritic)
        found = network(inputs) if dense else network(inputs, training=True)
        return ops.cast(found, self.kind)

    def frozen(self, name):
        """Weights through which no gradient flows."""
        weights = self.network(name).trainable_weights
        return [ops.stop_gradient(ops.convert_to_tensor(x)) for x in weights]

    def predict(self, name, inputs, weights=None):
        """Predictions `(rows, costs)` by frozen weights, or those given."""
        network = self.network(name)
        weights = self.frozen(name) if weights is None else weights
        if isinstance(network, DenseCritic):
            return network.forward(weights, inputs)
        held = [
            ops.convert_to_tensor(x) for x in network.non_trainable_variables
        ]
        found, _ = network.stateless_call(weights, held, inputs)
        return ops.cast(found, self.kind)

    def bootstrap(self, name, inputs):
        """Predictions from which the targets of others are made."""
        weights = None
        if self.slow:
            weights = [
                ops.convert_to_tensor(x) for x in self.slow[self._index[name]]
            ]
        return ops.stop_gradient(self.predict(name, inputs, weights))

    def scale(self, name):
        """The deviation by which errors are divided, `(costs,)`."""
        network = self.network(name)
        if isinstance(network, DenseCritic):
            return ops.stop_gradient(network.scale()[1])
        return ops.ones((len(self.plans[name].sources),), self.kind)

    def observe(self, name, mean, square):
        if isinstance(self.network(name), DenseCritic):
            self.network(name).observe(mean, square)

    def follow(self):
        """Moves the slow copies toward the trained weights."""
        rate = self.options.target_rate
        for network, copies in zip(self.networks, self.slow, strict=False):
            for weight, copy in zip(
                network.trainable_weights, copies, strict=True
            ):
                copy.assign(
                    copy + rate * (ops.convert_to_tensor(weight) - copy)
                )

    def rest(self, name):
        """What the costs were more than the control variate, on average."""
        total, share = ops.unstack(
            ops.convert_to_tensor(self.rests[self._index[name]])
        )
        return total / ops.maximum(share, 1 - _DECAY)

    def observe_rest(self, name, value):
        value = ops.cast(ops.stop_gradient(value), self.kind)
        weight = self.rests[self._index[name]]
        new = ops.stack([value, ops.ones_like(value)])
        weight.assign(_DECAY * weight + (1 - _DECAY) * new)
