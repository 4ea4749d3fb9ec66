"""Errors of the outputs that go straight to every layer."""

import math

import keras
from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.training._direct_errors import OutputErrors
from keras_bp.training._feedback import glorot_deviation, initial_seeds
from keras_bp.training._linear_layers import is_linear
from keras_bp.training._local_blocks import (
    BlockPass,
    Gradients,
    read_blocks,
)
from keras_bp.training._local_model import LocalModel, LocalStep


@serializable
class DirectFeedbackAlignmentModel(LocalModel):
    r"""Trains each layer by the errors of the outputs, through fixed weights.

    No error passes through a layer: with the errors e of the logits of a
    batch, the neurons of layer l get

    .. math:: \delta h_l = B_l\, e

    in place of the gradient, and the layer is differentiated alone. All layers
    can move at once, as soon as the outputs are known. Use it where layers
    are to learn in parallel, or as the harshest of the rules with feedback.

    A layer is one with weights and what follows up to the next one: its
    activation, normalization, pooling, and a sum with a branch. The errors are
    the derivatives of the loss before the activation of the last layers. The
    last layers themselves are trained by the loss. With one hidden layer the
    rule is that of `FeedbackAlignmentModel` with the same B.

    Args:
        model: Sequential or functional `keras.Model`, built, whose weights
            this model shares.
        scale: Positive float. The standard deviation of B is `scale` times
            :math:`\sqrt{2 / (\mathrm{neurons} + \mathrm{errors})}`, that of
            Glorot's initializers.
        seed: Integer or None, of B.

    Call arguments:
        inputs, training: Those of the model.

    Input shape:
        That of the model.

    Output shape:
        That of the model.

    Raises:
        TypeError: `model` is neither Sequential nor functional.
        ValueError: An argument is out of range, a layer is recurrent, makes a
            mask, or has an output of unknown size, or there is no hidden layer.
        RuntimeError: The backend is not TensorFlow.

    Example:

    >>> import keras, numpy as np
    >>> from keras_bp.training import DirectFeedbackAlignmentModel
    >>> keras.utils.set_random_seed(0)
    >>> net = keras.Sequential([
    ...     keras.Input((2,)),
    ...     keras.layers.Dense(16, activation="tanh"),
    ...     keras.layers.Dense(16, activation="tanh"),
    ...     keras.layers.Dense(1),
    ... ])
    >>> model = DirectFeedbackAlignmentModel(net, seed=0)
    >>> model.compile(keras.optimizers.Adam(0.02), loss="mse")
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 50, "float32")
    >>> y = np.array([[0], [1], [1], [0]] * 50, "float32")
    >>> history = model.fit(
    ...     x, y, batch_size=4, epochs=12, shuffle=False, verbose=0
    ... )
    >>> history.history["loss"][-1] < 0.05
    True

    Reference:
        A. Nøkland, Direct Feedback Alignment Provides Learning in Deep Neural
        Networks, 2016, https://arxiv.org/abs/1609.01596, equation 7
    """

    def __init__(self, model, scale=1.0, seed=None, **kwargs):
        super().__init__(model, **kwargs)
        owner = type(self).__name__
        _checks.check_positive("scale", scale, owner=owner)
        if seed is not None:
            _checks.check_integer("seed", seed, owner=owner)
        self.scale, self.seed = scale, seed
        self.graph = read_blocks(model, owner)
        self.errors = OutputErrors(self.graph, owner)
        seeds = initial_seeds(seed)
        self.feedback_weights = []
        for unknown in self.graph.unknowns:
            shape = math.prod(unknown.shape), self.errors.size
            self.feedback_weights.append(
                self.add_weight(
                    name=f"{unknown.name}_feedback",
                    shape=shape,
                    initializer=keras.initializers.RandomNormal(
                        stddev=glorot_deviation(shape, scale), seed=next(seeds)
                    ),
                    trainable=False,
                    autocast=False,
                )
            )
        self.built = True

    def feedback_pairs(self):
        """The last layer, if it alone lies between neurons and errors."""
        steps = [
            step
            for step in self.graph.tail.steps
            if isinstance(step.operation, keras.layers.Layer)
            and step.operation.weights
        ]
        if len(steps) != 1 or not is_linear(steps[0].operation):
            return []
        kernel = steps[0].operation.weights[0]
        for place in self.graph.tail.reads:
            feedback = self.feedback_weights[place]
            if tuple(kernel.shape) == tuple(feedback.shape):
                return [(kernel, ops.convert_to_tensor(feedback))]
        return []

    def rule(self, x, y, sample_weight, scale):
        run = BlockPass(self.graph, x).run()
        errors, _, pairs, loss, outputs = self.errors.of(
            self, run, (x, y, sample_weight), scale
        )
        found = Gradients()
        found.add(pairs)
        for block, value, feedback in zip(
            self.graph.blocks, run.values, self.feedback_weights, strict=True
        ):
            if not block.weights():
                continue
            feedback = ops.cast(feedback, errors.dtype)
            signal = ops.matmul(errors, ops.transpose(feedback))
            signal = ops.reshape(signal, ops.shape(value))
            (place,) = block.unknowns
            found.add(run.gradients(place, signal))
        return LocalStep(found.of(self.trainable_variables), loss, outputs)

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "seed": self.seed,
        }
