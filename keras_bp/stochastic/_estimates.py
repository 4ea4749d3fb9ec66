"""Gradient estimates of a model, which stays as it was."""

import keras
import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp.stochastic._moments import gather_moments
from keras_bp.training.surrogate_model import SurrogateModel

# Rows up to which a batch is repeated in one evaluation, and evaluations below
# which it is not: the variance is known to within sqrt(2 / evaluations).
_ROWS = 4096
_EVALUATIONS = 4000


class Estimates:
    """Estimates of the gradient of one batch.

    Args:
        model: Compiled `SurrogateModel`.
        x: Inputs.
        y: Targets, or None.
        sample_weight: Weights of examples, or None.
        owner: String, who asks, for the message of an error.

    Attributes:
        variables: List of the variables that are trained by the costs.
    """

    def __init__(self, model, x, y, sample_weight, owner):
        check_surrogate_model(model, owner)
        _checks.check_arrays("x", x, owner=owner)
        _checks.check_arrays("y", y, owner=owner)
        self.model = model
        self._batch = [
            keras.tree.map_structure(_as_tensor, part)
            for part in (x, y, sample_weight)
        ]
        self.examples = num_examples(self._batch[0], owner)
        self.variables = _variables_of_costs(model)
        if not self.variables:
            raise ValueError(
                f"{owner} expects a model with variables that are trained by "
                f"its costs. Received: {model.name!r} without any"
            )

    def copies(self, num_estimates, copies, owner):
        """How often the batch is repeated in one evaluation."""
        _checks.check_integer(
            "num_estimates", num_estimates, owner=owner, minimum=2
        )
        if copies is not None:
            _checks.check_integer("copies", copies, owner=owner, minimum=1)
            return copies
        most = max(1, _ROWS // self.examples)
        return int(np.clip(num_estimates // _EVALUATIONS, 1, most))

    def gradients(self, copies=1, enumerated=(), by_node=False):
        """The gradient in each variable, of a batch repeated so often.

        With `by_node` followed by those of the part of each node.
        """
        import tensorflow as tf

        x, y, weight = keras.tree.map_structure(
            lambda part: _tile(part, copies), self._batch
        )
        with tf.GradientTape(persistent=by_node) as tape:
            found = self.model.surrogate(x, y, weight, enumerated=enumerated)
        parts = [found.surrogate]
        if by_node:
            parts += [found.nodes[name] for name in self.node_names()]
        return [
            gradient
            for part in parts
            for gradient in _gradients(tape, part, self.variables)
        ]

    def node_names(self):
        """Nodes with a part of their own."""
        return [
            name
            for name, step in self.model.stochastic_graph.nodes.items()
            if step.operation.rule.kind == "cost"
            and not step.operation.rule.enumerates
        ]

    def moments(self, num_estimates, copies, by_node=False):
        """`Moments` of so many estimates."""
        parts = 1 + len(self.node_names()) * by_node
        return gather_moments(
            lambda: self.gradients(copies, by_node=by_node),
            [tuple(x.shape) for x in self.variables] * parts,
            -(-num_estimates // copies),
            copies,
        )


def check_surrogate_model(model, owner):
    """Raises unless `model` is a compiled `SurrogateModel`."""
    if not isinstance(model, SurrogateModel):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        raise TypeError(
            f"{owner} expects a keras_bp.training.SurrogateModel. Received: "
            f"model={model!r} of type {kind}"
        )
    if not model.compiled:
        raise ValueError(
            f"{owner} expects a compiled model. Received: {model.name!r}, "
            "not compiled"
        )


def _variables_of_costs(model):
    # What a node trains itself, a critic or a baseline, follows the variance.
    own = {
        id(variable)
        for step in model.stochastic_graph.nodes.values()
        for variable in step.operation.trainable_variables
    }
    return [x for x in model.trainable_variables if id(x) not in own]


def _as_tensor(x):
    if x is None:
        return None
    x = ops.convert_to_tensor(x)
    kind = keras.backend.standardize_dtype(x.dtype)
    # As `fit` does it.
    return ops.cast(x, keras.config.floatx()) if kind == "float64" else x


def _tile(x, copies):
    if x is None or copies == 1:
        return x
    return ops.tile(x, (copies, *(1,) * (len(x.shape) - 1)))


def _gradients(tape, part, variables):
    import tensorflow as tf

    found = tape.gradient(part, [x.value for x in variables])
    return [
        tf.zeros(variable.shape, "float32")
        if gradient is None
        else tf.ensure_shape(tf.convert_to_tensor(gradient), variable.shape)
        for gradient, variable in zip(found, variables, strict=True)
    ]


def num_examples(x, owner):
    """The size of a batch of inputs; raises where there is no example."""
    shapes = [tuple(np.shape(part)) for part in keras.tree.flatten(x)]
    if not shapes or not shapes[0] or not shapes[0][0]:
        raise ValueError(
            f"{owner} expects `x` to hold examples, one or more. "
            f"Received: shapes {shapes}"
        )
    return int(shapes[0][0])
