"""Backpropagation whose errors come down through other weights."""

import keras
from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.training._feedback import (
    FEEDBACKS,
    FeedbackGraph,
    glorot_deviation,
    initial_seeds,
)
from keras_bp.training._linear_layers import products
from keras_bp.training._local_model import LocalModel, LocalStep


@serializable
class FeedbackAlignmentModel(LocalModel):
    r"""Trains a model with fixed feedback in place of transposed weights.

    Backpropagation multiplies errors by the transposed weights of the layer
    above, which synapses cannot read. Here they are multiplied by other
    weights B of the same shape. Use it to see how much of backpropagation is
    left without the transport of weights: with random feedback the weights
    come to align with B, and errors with the true ones.

    In each dense or convolutional layer that reads other layers
    :math:`a = W x` as ever, and

    .. math:: \partial L / \partial x = B^\top\, \partial L / \partial a,
        \quad \partial L / \partial W = \partial L / \partial a\; x^\top.

    Activations, pooling, normalization and sums of branches are
    differentiated as ever; a separable convolution is two layers. The lowest
    layers need no feedback.

    Args:
        model: Sequential or functional `keras.Model`, built, whose weights
            this model shares.
        feedback: String. `"random"`: B is fixed, with the standard deviation
            :math:`\sigma = \mathrm{scale} \sqrt{2 / (\mathrm{fan}_{in} +
            \mathrm{fan}_{out})}` of Glorot's initializers.
            `"sign_symmetric"`: :math:`|R|\,\mathrm{sign}(W)` with such an R.
            `"uniform_sign"`: :math:`\sigma\,\mathrm{sign}(W)`. Signs are those
            of W in each step. `"transposed"`: W, which is backpropagation.
        scale: Positive float. Not for `"transposed"`.
        seed: Integer or None, of B and R.

    Call arguments:
        inputs, training: Those of the model.

    Input shape:
        That of the model.

    Output shape:
        That of the model.

    Raises:
        TypeError: `model` is neither Sequential nor functional.
        ValueError: An argument is out of range, or a layer above others is of
            another kind, such as a recurrent one.
        RuntimeError: The backend is not TensorFlow.

    Example:

    >>> import keras, numpy as np
    >>> from keras_bp.training import FeedbackAlignmentModel
    >>> keras.utils.set_random_seed(0)
    >>> net = keras.Sequential([
    ...     keras.Input((2,)),
    ...     keras.layers.Dense(16, activation="tanh"),
    ...     keras.layers.Dense(1),
    ... ])
    >>> model = FeedbackAlignmentModel(net, seed=0)
    >>> model.compile(keras.optimizers.Adam(0.05), loss="mse")
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 50, "float32")
    >>> y = np.array([[0], [1], [1], [0]] * 50, "float32")
    >>> history = model.fit(
    ...     x, y, batch_size=4, epochs=12, shuffle=False, verbose=0
    ... )
    >>> history.history["loss"][-1] < 0.05
    True

    Reference:
        - T. Lillicrap et al., Random synaptic feedback weights support error
          backpropagation for deep learning, 2016,
          https://doi.org/10.1038/ncomms13276
        - Q. Liao, J. Leibo and T. Poggio, How Important is Weight Symmetry in
          Backpropagation?, 2016, https://arxiv.org/abs/1510.05067
          (`"uniform_sign"`, `"sign_symmetric"`; without their batch manhattan)
        - W. Xiao et al., Biologically-Plausible Learning Algorithms Can Scale
          to Large Datasets, 2018, https://arxiv.org/abs/1811.03567
          (the scale of `"uniform_sign"`)
    """

    def __init__(
        self, model, feedback="random", scale=1.0, seed=None, **kwargs
    ):
        super().__init__(model, **kwargs)
        owner = type(self).__name__
        _checks.check_one_of("feedback", feedback, FEEDBACKS, owner=owner)
        _checks.check_positive("scale", scale, owner=owner)
        if seed is not None:
            _checks.check_integer("seed", seed, owner=owner)
        self.feedback, self.scale, self.seed = feedback, scale, seed
        self.graph = FeedbackGraph(model, owner)
        self._fixed = {}
        if feedback in ("random", "sign_symmetric"):
            seeds = initial_seeds(seed)
            for layer in self.graph.layers:
                self._fixed[id(layer)] = [
                    self._add_feedback(layer, product, seeds)
                    for product in products(layer)
                ]
        self.built = True

    def _add_feedback(self, layer, product, seeds):
        shape = product.kernel.shape
        deviation = glorot_deviation(shape, self.scale)
        return self.add_weight(
            name=f"{layer.name}_feedback",
            shape=shape,
            initializer=keras.initializers.RandomNormal(
                stddev=deviation, seed=next(seeds)
            ),
            dtype=layer.variable_dtype,
            trainable=False,
            autocast=False,
        )

    def feedback_of(self, layer, number=0):
        """What stands for a kernel on the way down, a tensor.

        Args:
            layer: Layer of the model that sends errors to others.
            number: Integer, the kernel, of layers that have several.
        """
        kernel = ops.convert_to_tensor(products(layer)[number].kernel)
        if self.feedback == "transposed":
            return kernel
        if self.feedback == "uniform_sign":
            deviation = glorot_deviation(kernel.shape, self.scale)
            return ops.sign(kernel) * ops.cast(deviation, kernel.dtype)
        fixed = ops.convert_to_tensor(self._fixed[id(layer)][number])
        if self.feedback == "random":
            return fixed
        return ops.abs(fixed) * ops.sign(kernel)

    def feedback_pairs(self):
        return [
            (product.kernel, self.feedback_of(layer, number))
            for layer in self.graph.layers
            for number, product in enumerate(products(layer))
        ]

    def rule(self, x, y, sample_weight, scale):
        import tensorflow as tf

        weights = self.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([w.value for w in weights])
            outputs = self.graph.run(x, self.feedback_of)
            loss = self.loss_of(y, outputs, sample_weight)
            scaled = loss * ops.cast(scale, loss.dtype)
        found = tape.gradient(scaled, [w.value for w in weights])
        return LocalStep(found, loss, outputs)

    def get_config(self):
        return {
            **super().get_config(),
            "feedback": self.feedback,
            "scale": self.scale,
            "seed": self.seed,
        }
