"""The layer that puts a penalty on the Jacobian of a model."""

import keras

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.layers._seeded import SeededLayer


@serializable
class Penalized(SeededLayer, keras.layers.Layer):
    r"""Runs a model, and in training adds a penalty on its Jacobian.

    To train an autoencoder, or any model with a generator in it, with a term
    such as `keras_bp.losses.SpectralPenalty` by `fit` alone. It returns
    `model(z)`, and in training mode adds `penalty(model, z)` to the losses by
    `add_loss`. The Jacobian is that of inference mode: batch normalization
    would couple the examples, and dropout make two passes differ. Gradients
    go to the weights of the model, and to what made the latents.

    The weights are those of `model`, which stays usable by itself.

    Args:
        model: `keras.Model` of one input and one output.
        penalty: Function of a model and latents to a scalar, such as
            `keras_bp.losses.SpectralPenalty`.
        samples: Positive integer, how many latents of a batch the penalty
            sees, the first ones; or None for all. Defaults to `None`.

    Call arguments:
        z: Float tensor, as the model takes it.
        training: Boolean, whether to add the penalty, and the mode of the
            model.

    Input shape:
        That of the model.

    Output shape:
        That of the model.

    Raises:
        TypeError: `model` is no Keras model, `penalty` no function, or
            `samples` no integer.
        ValueError: `samples` is less than one.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.losses import SpectralPenalty
    >>> from keras_bp.spectral import Penalized
    >>> encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
    >>> penalty = SpectralPenalty("isometry", weight=0.1)
    >>> model = keras.Sequential([encoder, Penalized(decoder, penalty)])
    >>> model.compile("adam", "mse")
    >>> x = np.ones((8, 4), "float32")
    >>> history = model.fit(x, x, verbose=0)
    """

    def __init__(self, model, penalty, samples=None, **kwargs):
        super().__init__(**kwargs)
        owner = type(self).__name__
        if not isinstance(model, keras.Model):
            raise TypeError(
                f"{owner} expects `model` to be a keras.Model. "
                f"Received: model={model!r}"
            )
        if not callable(penalty):
            raise TypeError(
                f"{owner} expects `penalty` to be a function of a model and "
                "latents, such as keras_bp.losses.SpectralPenalty. "
                f"Received: penalty={penalty!r}"
            )
        if samples is not None:
            _checks.check_integer("samples", samples, owner=owner, minimum=1)
        self.model = model
        self.penalty = penalty
        self.samples = samples
        # Tracked, and so saved, here: a penalty is no layer.
        self.seed_generator = getattr(penalty, "seed_generator", None)

    def build(self, input_shape):
        if not self.model.built:
            self.model.build(input_shape)

    def call(self, z, training=False):
        if training:
            part = z if self.samples is None else z[: self.samples]
            self.add_loss(self.penalty(self.model, part))
        return self.model(z, training=training)

    def compute_output_shape(self, input_shape):
        return self.model.compute_output_shape(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "model": keras.saving.serialize_keras_object(self.model),
            "penalty": keras.saving.serialize_keras_object(self.penalty),
            "samples": self.samples,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for name in ("model", "penalty"):
            config[name] = keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
        return cls(**config)
