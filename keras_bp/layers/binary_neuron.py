"""The layer of binary neurons."""

import keras
from keras import ops

from keras_bp import _checks, _random
from keras_bp._registration import serializable
from keras_bp.layers._seeded import SeededLayer
from keras_bp.ops.binarize import binarize
from keras_bp.ops.binary_estimators import get_binary_estimator

INFERENCES = ("sample", "threshold", "probability")


@serializable
class BinaryNeuron(SeededLayer, keras.layers.Layer):
    r"""Emits `{0, 1}` from logits, and trains by a gradient estimator.

    Put it where a sigmoid would go: after a `Dense` or convolution without an
    activation. With the slope :math:`s` and :math:`p = \sigma(s x)`:
    deterministic :math:`b = 1` where :math:`x > 0`, stochastic
    :math:`b \sim \mathrm{Bernoulli}(p)`. Backward,
    :math:`\partial L/\partial x = s\,w\,\partial L/\partial b`; for the
    default estimator :math:`w = p(1-p)`. A NaN logit gives NaN, not 0.

    The slope is a saved weight that is not trained;
    `keras_bp.callbacks.SlopeAnnealing` drives it. The noise is drawn in
    float32 under mixed precision, is the same in eager mode, in a graph and
    under XLA for one seed, differs between the replicas of `tf.distribute`,
    and goes on where it was when a saved model is loaded.

    Args:
        mode: String, `"deterministic"` or `"stochastic"`.
            Defaults to `"deterministic"`.
        estimator: String, a name from `keras_bp.ops.binary_estimators(mode)`.
            Defaults to `"sigmoid_adjusted"`.
        slope: Positive float, the initial slope. Defaults to `1.0`.
        inference: String, the output when not training. `"sample"`: the same
            as in training. `"threshold"`: 1 where :math:`x > 0`, with
            the gradient of `"sigmoid_adjusted"`.
            `"probability"`: :math:`p`. Defaults to `"sample"`.
        temperature: Positive float, read by the estimator `"gumbel"`.
            Defaults to `1.0`.
        seed: Integer or None. Two layers of one class and seed draw the same
            noise. Defaults to `None`, a random seed.

    Call arguments:
        x: Float tensor of any shape, logits.
        training: Boolean, whether the layer is in training mode.

    Input shape:
        Any.

    Output shape:
        That of the input.

    Raises:
        ValueError: A name is unknown, the estimator is not defined in this
            mode, or a number is not positive.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import BinaryNeuron
    >>> np.asarray(BinaryNeuron()(np.array([[-1.5, 0.0, 2.0]])))
    array([[0., 0., 1.]], dtype=float32)

    Reference:
        Dong and Yang, 2018, https://arxiv.org/abs/1810.04714, equations 6, 7.
    """

    def __init__(
        self,
        mode="deterministic",
        estimator="sigmoid_adjusted",
        slope=1.0,
        inference="sample",
        temperature=1.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        owner = type(self).__name__
        get_binary_estimator(estimator, mode, owner=owner)
        _checks.check_positive("slope", slope, owner=owner)
        _checks.check_one_of("inference", inference, INFERENCES, owner=owner)
        _checks.check_positive("temperature", temperature, owner=owner)
        self.mode = mode
        self.estimator = estimator
        self.initial_slope = float(slope)
        self.inference = inference
        self.temperature = float(temperature)
        self.seed = seed
        self.supports_masking = True
        if mode == "stochastic":
            self.seed_generator = _random.seed_generator(seed, self)

    def build(self, input_shape):
        # The name is how SlopeAnnealing finds the weight in a model.
        self.slope = self.add_weight(
            name="binary_slope",
            shape=(),
            initializer=keras.initializers.Constant(self.initial_slope),
            dtype="float64" if self.compute_dtype == "float64" else "float32",
            autocast=False,
            trainable=False,
        )

    def call(self, x, training=False):
        if not training and self.inference == "probability":
            return self._probability(x)
        if not training and self.inference == "threshold":
            return self._binarize(x, "deterministic", "sigmoid_adjusted")
        return self._binarize(x, self.mode, self.estimator)

    def _probability(self, x):
        z = ops.cast(x, self.slope.dtype) * self.slope
        return ops.cast(ops.sigmoid(z), x.dtype)

    def _binarize(self, x, mode, estimator):
        noise = None
        if mode == "stochastic":
            noise = _random.uniform(
                ops.shape(x), self.seed_generator, self.slope.dtype
            )
        return binarize(
            x,
            mode=mode,
            estimator=estimator,
            slope=self.slope,
            noise=noise,
            temperature=self.temperature,
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "mode": self.mode,
            "estimator": self.estimator,
            "slope": self.initial_slope,
            "inference": self.inference,
            "temperature": self.temperature,
            "seed": self.seed,
        }
