"""Targets for layers, decoded from those of the layers above."""

import keras
from keras import ops

from keras_bp import _checks, _random
from keras_bp._registration import serializable
from keras_bp.layers._seeded import SeededLayer
from keras_bp.training._direct_errors import OutputErrors
from keras_bp.training._implicit_layers import wide
from keras_bp.training._implicit_losses import check_means
from keras_bp.training._local_blocks import BlockPass, Gradients, read_blocks
from keras_bp.training._local_model import LocalModel, LocalStep
from keras_bp.training._local_trace import unscaled, weights_scope
from keras_bp.training._replicas import replicas
from keras_bp.training._targets import (
    check_chain,
    differences,
    made_decoders,
    reconstruction,
)


@serializable
class DifferenceTargetPropagationModel(SeededLayer, LocalModel):
    r"""Trains each layer toward a target that the layer above decodes for it.

    In place of derivatives, layers get values that they should have had. The
    last hidden layer gets one by the loss, and a decoder g of each layer above
    brings it down, with the error of the decoder taken out:

    .. math:: t_H = h_H - \eta\, \partial \ell / \partial h_H, \quad
        t_{l-1} = h_{l-1} + g_l(t_l) - g_l(h_l).

    A layer descends on :math:`\|f_l(h_{l-1}) - t_l\|^2 / (2 \eta)`, and is
    differentiated alone, with what it reads as it is; the factor, which is
    not in the paper, makes the step of the last hidden layer that of
    backpropagation whatever :math:`\eta`. The outputs are trained by the loss.
    Decoders learn in the same step to reconstruct what their layers read from
    what they make of it, near what they read: with noise added. With decoders
    that are inverses, to first order, :math:`t_l - h_l` is a step of Gauss and
    Newton.

    A layer is one with weights and what follows up to the next one. Layers
    must form a chain.

    Args:
        model: Sequential or functional `keras.Model`, built, whose weights
            this model shares.
        decoders: List of Keras layers or models, for each hidden layer but the
            first, from its neurons to those of the layer below, in float32. Or
            None: dense ones, and for images, repeated to the size below, a
            convolution of 3 by 3.
        target_rate: Positive float, :math:`\eta`, for the loss of each example.
        noise: Float, zero or more: its standard deviation, as a share of the
            root mean square of the neurons that it is added to.
        seed: Integer or None, of the noise and of default decoders.

    Call arguments:
        inputs, training: Those of the model.

    Input shape:
        That of the model.

    Output shape:
        That of the model.

    Raises:
        TypeError: `model` is neither Sequential nor functional, or a decoder
            is no layer.
        ValueError: An argument is out of range, layers are no chain, one is
            recurrent or makes a mask, or decoders do not fit.
        RuntimeError: The backend is not TensorFlow.

    Example:

    >>> import keras, numpy as np
    >>> from keras_bp.training import DifferenceTargetPropagationModel
    >>> keras.utils.set_random_seed(0)
    >>> net = keras.Sequential([
    ...     keras.Input((2,)),
    ...     keras.layers.Dense(16, activation="tanh"),
    ...     keras.layers.Dense(16, activation="tanh"),
    ...     keras.layers.Dense(1),
    ... ])
    >>> model = DifferenceTargetPropagationModel(net, seed=0)
    >>> model.compile(keras.optimizers.Adam(0.05), loss="mse")
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 50, "float32")
    >>> y = np.array([[0], [1], [1], [0]] * 50, "float32")
    >>> history = model.fit(
    ...     x, y, batch_size=4, epochs=6, shuffle=False, verbose=0
    ... )
    >>> history.history["loss"][-1] < 0.05
    True

    Reference:
        D. Lee, S. Zhang, A. Fischer and Y. Bengio, Difference Target
        Propagation, 2015, https://arxiv.org/abs/1412.7525, equations 13 to 15
    """

    def __init__(
        self,
        model,
        decoders=None,
        target_rate=0.1,
        noise=0.1,
        seed=None,
        **kwargs,
    ):
        super().__init__(model, **kwargs)
        owner = type(self).__name__
        _checks.check_positive("target_rate", target_rate, owner=owner)
        _checks.check_not_negative("noise", noise, owner=owner)
        if seed is not None:
            _checks.check_integer("seed", seed, owner=owner)
        self.target_rate, self.noise, self.seed = target_rate, noise, seed
        self.seed_generator = _random.seed_generator(seed, self)
        self.graph = read_blocks(model, owner)
        check_chain(self.graph, owner)
        self.errors = OutputErrors(self.graph, owner)
        self._given = decoders is not None
        self.decoders = made_decoders(self.graph, decoders, seed, owner)
        self.decoder_optimizer = None
        self.decoder_tracker = keras.metrics.Mean("reconstruction")
        self.built = True

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        *,
        decoder_optimizer=None,
        **kwargs,
    ):
        """Configures the training.

        Args:
            optimizer: Of the weights.
            loss: As for `keras.Model.compile`.
            decoder_optimizer: Of the decoders. None for `optimizer`.
            **kwargs: Those of `keras.Model.compile`.

        Raises:
            ValueError: A loss is no mean over the batch.
        """
        check_means(loss, type(self).__name__)
        super().compile(optimizer=optimizer, loss=loss, **kwargs)
        if decoder_optimizer is not None:
            decoder_optimizer = keras.optimizers.get(decoder_optimizer)
        self.decoder_optimizer = decoder_optimizer
        self._build_optimizers()

    def get_compile_config(self):
        config = super().get_compile_config()
        if not self.compiled or self.decoder_optimizer is None:
            return config
        optimizer = keras.saving.serialize_keras_object(self.decoder_optimizer)
        return {**config, "decoder_optimizer": optimizer}

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def _build_optimizers(self):
        own, decoders = self._split(self.trainable_variables)
        if self.decoder_optimizer is None:
            self.optimizer.build(self.trainable_variables)
        else:
            self.optimizer.build(own)
            self.decoder_optimizer.build(decoders)

    def _split(self, values):
        """What belongs to weights of the model, and of the decoders."""
        mine = {id(w) for w in self.model.trainable_variables}
        split = [], []
        for weight, value in zip(self.trainable_variables, values, strict=True):
            split[id(weight) not in mine].append(value)
        return split

    def take(self, gradients, scale):
        if self.decoder_optimizer is None:
            super().take(gradients, scale)
            return
        weights = self._split(self.trainable_variables)
        own, decoders = self._split(gradients)
        decoders = [unscaled(gradient, scale) for gradient in decoders]
        self.optimizer.apply(own, weights[0])
        self.decoder_optimizer.apply(decoders, weights[1])

    def rule(self, x, y, sample_weight, scale):
        run = BlockPass(self.graph, x).run()
        last = len(run.values) - 1
        _, (top,), pairs, loss, outputs = self.errors.of(
            self, run, (x, y, sample_weight), scale, [run.read(last)]
        )
        found = Gradients()
        found.add(pairs)
        # From the mean over the batch to the loss of an example, and back.
        size = ops.shape(top)[0] * replicas()
        factor = self.target_rate * ops.cast(size, "float32") / scale
        top = wide(top)
        moved = differences(
            run.values, self.decoders, top * ops.cast(factor, top.dtype)
        )
        for place, difference in enumerate(moved):
            factor = ops.cast(factor, difference.dtype)
            found.add(run.gradients(place, difference / factor))
        reports = self._train_decoders(run, found, scale)
        weights = self.trainable_variables
        return LocalStep(found.of(weights), loss, outputs, reports)

    def targets(self, x, y, sample_weight=None):
        """The neurons of each hidden layer, and the targets that it gets.

        Args:
            x, y, sample_weight: A batch.

        Returns:
            List of pairs of tensors.
        """
        with weights_scope(self.trainable_variables):
            run = BlockPass(self.graph, x).run()
            last = len(run.values) - 1
            _, (top,), *_ = self.errors.of(
                self, run, (x, y, sample_weight), 1.0, [run.read(last)]
            )
            size = ops.cast(ops.shape(top)[0], wide(top).dtype)
            moved = differences(
                run.values, self.decoders, wide(top) * self.target_rate * size
            )
        values = [wide(value) for value in run.values]
        return [(h, h - d) for h, d in zip(values, moved, strict=True)]

    def _train_decoders(self, run, found, scale):
        losses = []
        for place, decoder in enumerate(self.decoders, 1):
            lower = wide(run.read(place - 1))
            deviation = self.noise * ops.sqrt(ops.mean(ops.square(lower)))
            drawn = _random.normal(ops.shape(lower), self.seed_generator)
            noisy = lower + deviation * ops.cast(drawn, lower.dtype)
            # What a layer keeps of a call is that of the pass itself.
            with weights_scope(self.trainable_variables):
                read = [None] * (place - 1)
                read.append(ops.cast(noisy, run.read(place - 1).dtype))
                upper = wide(run.of(self.graph.blocks[place], read))
            loss, pairs = reconstruction(decoder, upper, noisy)
            share = ops.cast(scale / replicas(), loss.dtype)
            found.add((w, None if g is None else g * share) for w, g in pairs)
            losses.append(loss)
        if not losses:
            return []
        return [(self.decoder_tracker, sum(losses) / len(losses))]

    def feedback_pairs(self):
        """Dense layers whose decoder is dense, with its weights transposed."""
        pairs = []
        for block, decoder in zip(
            self.graph.blocks[1:], self.decoders, strict=True
        ):
            kernels = [
                [w for w in weights if len(w.shape) == 2]
                for weights in (block.weights(), decoder.trainable_variables)
            ]
            if all(len(found) == 1 for found in kernels):
                (kernel,), (other,) = kernels
                if tuple(kernel.shape) == tuple(other.shape)[::-1]:
                    pairs.append((kernel, ops.transpose(other)))
        return pairs

    def test_step(self, data):
        logs = super().test_step(data)
        # Nothing is reconstructed there.
        return {k: v for k, v in logs.items() if k != "reconstruction"}

    def get_config(self):
        decoders = None
        if self._given:
            decoders = [
                keras.saving.serialize_keras_object(x) for x in self.decoders
            ]
        return {
            **super().get_config(),
            "decoders": decoders,
            "target_rate": self.target_rate,
            "noise": self.noise,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        decoders = config["decoders"]
        if decoders is not None:
            decoders = [
                keras.saving.deserialize_keras_object(
                    x, custom_objects=custom_objects
                )
                for x in decoders
            ]
        return super().from_config(
            {**config, "decoders": decoders}, custom_objects
        )
