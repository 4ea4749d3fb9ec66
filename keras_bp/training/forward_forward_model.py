"""Layers that tell right labels from wrong ones, each by itself."""

import math

import keras
from keras import ops

from keras_bp import _random
from keras_bp._registration import serializable
from keras_bp.layers._seeded import SeededLayer
from keras_bp.training import _forward_forward as parts
from keras_bp.training._forward_forward_checks import (
    CheckedLabels,
    check_arguments,
    check_eager,
    check_inputs,
)
from keras_bp.training._forward_forward_passes import LabelPasses
from keras_bp.training._local_blocks import (
    BlockPass,
    Gradients,
    forward_values,
    read_blocks,
)
from keras_bp.training._local_model import LocalModel, LocalStep
from keras_bp.training._local_trace import weights_scope
from keras_bp.training._replicas import replicas


@serializable
class ForwardForwardModel(CheckedLabels, LabelPasses, SeededLayer, LocalModel):
    r"""Trains hidden layers without a backward pass, nor an error.

    Each layer sees examples with their labels, and with wrong ones, as part
    of the input, and learns to be active for the first alone. With the
    goodness g of its neurons (the sum or mean of their squares) it descends on

    .. math:: \tfrac12 \log(1 + e^{\theta - g^{+}}) +
        \tfrac12 \log(1 + e^{g^{-} - \theta}),

    and the next layer reads its neurons at a root mean square of one, which
    do not tell their goodness. A step of a layer reads its own input and
    output and nothing else. Use it for classification, where not even
    derivatives are to cross layers.

    The wrapped model is that of the hidden layers: it has no layer for
    classes. Its own `call` is not what is trained, since it does not
    normalize between layers; `predict` returns scores of the classes.

    Args:
        model: Sequential or functional `keras.Model`, built, whose weights
            this model shares, with one input and one output.
        num_classes: Integer, two or more.
        goodness: `"sum_squares"`, or `"mean_squares"` for a softer loss.
        threshold: Float, :math:`\theta`. None is 1 for the mean, and the number
            of neurons for the sum; half of that for layers whose activation
            ends at one, such as tanh, which cannot be better than 1.
        negatives: `"random"` for any wrong label, or `"hard"` for wrong ones
            as likely as the model finds them, which takes a pass for each
            class with `inference="goodness"`.
        label: `"overlay"`: the label is put in place of the first entries of
            an example, which should not matter. `"concatenate"`: it is added
            to the last axis, of images as planes; the model expects as many
            more features.
        inference: `"goodness"`: the score of a class is the goodness with its
            label, summed over layers, less the thresholds; each takes a pass.
            `"linear"`: a linear layer reads normalized neurons, for a neutral
            label, and is trained by the loss.
        skip_first: Boolean, whether inference leaves out the first of several
            layers, as in the report.
        peer_normalization: Float, zero or more: the weight of a penalty on the
            variance of the mean activities of a layer's neurons. The report
            takes running means; these are of the batch.
        seed: Integer or None, of wrong labels and of the linear layer.

    Call arguments:
        inputs, training: Those of the model, inputs without labels. With
            `label="concatenate"` without its place, too.

    Input shape:
        That of the model, or with fewer features.

    Output shape:
        `(batch, num_classes)`.

    Raises:
        TypeError: `model` is neither Sequential nor functional.
        ValueError: An argument is out of range, `num_classes` does not fit
            the input, or, in `fit` and `evaluate`, labels are no classes. In a
            data set of batches, in a graph, the loss is NaN instead, and
            hidden layers learn nothing from the batch.
        RuntimeError: The backend is not TensorFlow.

    Example:

    >>> import keras, numpy as np
    >>> from keras_bp.training import ForwardForwardModel
    >>> keras.utils.set_random_seed(0)
    >>> net = keras.Sequential([
    ...     keras.Input((4,)),
    ...     keras.layers.Dense(32, activation="relu"),
    ... ])
    >>> model = ForwardForwardModel(
    ...     net, num_classes=2, label="concatenate", seed=0
    ... )
    >>> model.compile(keras.optimizers.Adam(0.03))
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 50, "float32")
    >>> y = np.array([0, 1, 1, 0] * 50)
    >>> history = model.fit(
    ...     x, y, batch_size=4, epochs=6, shuffle=False, verbose=0
    ... )
    >>> model.predict(x[:4], verbose=0).argmax(axis=1)
    array([0, 1, 1, 0])

    Reference:
        G. Hinton, The Forward-Forward Algorithm: Some Preliminary
        Investigations, 2022, https://arxiv.org/abs/2212.13345
    """

    def __init__(
        self,
        model,
        num_classes,
        goodness="sum_squares",
        threshold=None,
        negatives="random",
        label="overlay",
        inference="goodness",
        skip_first=True,
        peer_normalization=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(model, **kwargs)
        self._arguments = {
            "num_classes": num_classes,
            "goodness": goodness,
            "threshold": threshold,
            "negatives": negatives,
            "label": label,
            "inference": inference,
            "skip_first": skip_first,
            "peer_normalization": peer_normalization,
            "seed": seed,
        }
        owner = type(self).__name__
        check_arguments(self._arguments, owner)
        for name, value in self._arguments.items():
            setattr(self, name, value)
        self.graph = parts.hidden_graph(model, owner, read_blocks)
        check_inputs(model, num_classes, label, owner)
        self.seed_generator = _random.seed_generator(seed, self)
        self.readout = None
        if inference == "linear":
            self.readout = self._make_readout()
        self.separation_tracker = keras.metrics.Mean("separation")
        self.built = True

    def _make_readout(self):
        readout = keras.layers.Dense(
            self.num_classes,
            kernel_initializer=keras.initializers.GlorotUniform(self.seed),
            name="readout",
        )
        read = self.graph.unknowns[self._first() :]
        readout.build((None, sum(math.prod(u.shape) for u in read)))
        return readout

    def compile(self, optimizer="rmsprop", loss=None, metrics=None, **kwargs):
        """Configures the training.

        Args:
            optimizer: Of all layers.
            loss: As for `keras.Model.compile`, of the scores, as logits: what
                the linear layer is trained by, and what `evaluate` reports.
                None is `SparseCategoricalCrossentropy(from_logits=True)`.
            metrics: As for `keras.Model.compile`, of the scores. None is
                accuracy.
            **kwargs: Those of `keras.Model.compile`.
        """
        if loss is None:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if metrics is None:
            metrics = ["accuracy"]
        super().compile(
            optimizer=optimizer, loss=loss, metrics=metrics, **kwargs
        )

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_classes)

    def call(self, inputs, training=False):
        x = parts.entries(inputs, self.model)
        if self.readout is not None:
            return self.readout(self._features(x, training))
        return self._scores(x, training)

    def compute_loss(self, x=None, y=None, y_pred=None, *args, **kwargs):
        sparse = keras.losses.SparseCategoricalCrossentropy
        if isinstance(self.loss, sparse) and y is not None:
            # One-hot labels are fine for all but such a loss.
            y = parts.labels_of(ops.convert_to_tensor(y), self.num_classes)
        return super().compute_loss(x, y, y_pred, *args, **kwargs)

    def rule(self, x, y, sample_weight, scale):
        import tensorflow as tf

        x = parts.entries(x, self.model)
        labels = parts.labels_of(ops.convert_to_tensor(y), self.num_classes)
        sound = check_eager(labels, self.num_classes, type(self).__name__)
        factor = ops.where(sound, scale, 0.0) / replicas()
        both = self._both(x, labels)
        run = BlockPass(self.graph, both, parts.normalized)
        found, losses = Gradients(), []
        for place, block in enumerate(self.graph.blocks):
            value = run.step(block)
            with tf.GradientTape() as tape:
                tape.watch(value)
                loss = parts.layer_loss(value, self, place, sample_weight)
                scaled = loss * ops.cast(factor, loss.dtype)
            # At once: nothing of this layer is kept for later.
            found.add(run.gradients(place, tape.gradient(scaled, value)))
            losses.append(loss)
        loss, outputs = self._rest(x, y, sample_weight, scale, found)
        total = sum(losses) / len(losses) / replicas()
        loss = ops.where(sound, ops.cast(total, "float32") + loss, float("nan"))
        return LocalStep(
            found.of(self.trainable_variables),
            loss,
            outputs,
            [(self.separation_tracker, self._separation(run.values))],
        )

    def _rest(self, x, y, sample_weight, scale, found):
        """Penalties of weights, and the loss of the linear layer."""
        import tensorflow as tf

        weights, outputs = self.trainable_variables, None
        values = [w.value for w in weights]
        if self.readout is not None:
            with weights_scope(weights):
                features = self._features(x, True)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            if self.readout is not None:
                outputs = self.readout(features)
                loss = self.loss_of(y, outputs, sample_weight)
            else:
                loss = sum(self.losses, ops.zeros(())) / replicas()
            scaled = loss * ops.cast(scale, loss.dtype)
        gradients = tape.gradient(scaled, values)
        found.add(zip(weights, gradients, strict=True))
        return ops.cast(loss, "float32"), outputs

    def backpropagated(self, x, y, sample_weight, scale):
        """The gradients of the sum of all losses, through all layers."""
        import tensorflow as tf

        weights = self.trainable_variables
        x = parts.entries(x, self.model)
        labels = parts.labels_of(ops.convert_to_tensor(y), self.num_classes)
        both = self._both(x, labels)
        with tf.GradientTape() as tape:
            values = forward_values(self.graph, both, parts.normalized, True)
            losses = [
                parts.layer_loss(value, self, place, sample_weight)
                for place, value in enumerate(values)
            ]
            total = sum(losses) + sum(self.losses)
            scaled = total * ops.cast(scale, total.dtype)
        return tape.gradient(scaled, [w.value for w in weights])

    def logs(self, x, y, outputs, sample_weight):
        if outputs is not None:
            return super().logs(x, y, outputs, sample_weight)
        # Scores of all classes are worth a pass each in `evaluate` alone.
        named = {metric.name: metric for metric in self.metrics}
        return {name: named[name].result() for name in ("loss", "separation")}

    def get_metrics_result(self):
        try:
            return super().get_metrics_result()
        except ValueError:
            # Metrics of the scores, which no step has computed yet.
            return self.logs(None, None, None, None)

    def test_step(self, data):
        logs = super().test_step(data)
        # Wrong labels are none of its business.
        return {k: v for k, v in logs.items() if k != "separation"}

    def get_config(self):
        return {**super().get_config(), **self._arguments}
