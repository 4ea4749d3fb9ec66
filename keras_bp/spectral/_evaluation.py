"""A model as a function of its latents alone, and its two derivatives."""

import keras

from keras_bp.spectral import _substitutes
from keras_bp.spectral._inputs import check_outputs
from keras_bp.spectral._tensorflow import tf


class _Around(keras.layers.Layer):
    """A layer to call a function in: else a model forgets its losses."""

    def __init__(self, function):
        super().__init__(autocast=False, name="jacobian")
        self.built = True
        self._function = function

    def call(self, z):
        return self._function(z)


class Evaluation:
    """A model that leaves no trace when it is called.

    Losses, statistics and seeds of its layers stay as they are, however often
    it is called and in whichever graph.

    Args:
        model: Keras model or layer.
        training: Boolean.
        owner: String, for messages.
    """

    def __init__(self, model, training, owner):
        self.model, self.training, self.owner = model, training, owner
        self.changed = _substitutes.substitutable(model)
        self._around = _Around(self._called)

    def __call__(self, z, substituted=True, values=()):
        _check_own_weights(self.model, self.owner)
        changed = self.changed if substituted else []
        with keras.StatelessScope(values), _substitutes.substituted(changed):
            outputs = self._around(z)
        check_outputs(outputs, z, self.owner)
        return outputs

    def _called(self, z):
        if "training" in self._arguments():
            return self.model(z, training=self.training)
        return self.model(z)

    def _arguments(self):
        # A functional model and a Sequential take it whatever `call` says.
        if isinstance(self.model, keras.Model):
            return ("training",)
        import inspect

        return inspect.signature(self.model.call).parameters

    def jvp(self, z, v):
        """Outputs, and the derivative along `v`; None for no path."""
        with tf.autodiff.ForwardAccumulator(z, v) as accumulator:
            outputs = self(z)
        return outputs, accumulator.jvp(outputs)

    def vjp(self, z, u):
        """The gradient of the outputs times `u`; None for no path."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(z)
            outputs = self(z)
        return tape.gradient(outputs, z, output_gradients=u)

    def gram(self, z, v):
        """The metric times `v`, in one pass."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(z)
            outputs, tangent = self.jvp(z, v)
        return tape.gradient(outputs, z, output_gradients=tangent)


def _check_own_weights(model, owner):
    """Raises where other values stand for the weights of a model.

    A scope inside of that scope would bring the weights themselves back.
    """
    for weight in model.weights:
        value = weight.value
        own = isinstance(value, tf.Variable) or value.dtype != weight.dtype
        if not own:
            raise ValueError(
                f"{owner} expects a model with its own weights. Received: "
                f"another value for {weight.path!r}, as in `stateless_call` or "
                "a `keras.StatelessScope`; assign it to a copy of the model"
            )


def required(found, owner):
    """Raises where there is no path from the latents to the outputs."""
    if found is None:
        raise ValueError(
            f"{owner} expects outputs that can be differentiated by `z`. "
            "Received: a model without such a path"
        )
    return found
