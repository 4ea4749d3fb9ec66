"""The name by which `proximal_unit` knows an activation."""

import keras
from keras import ops

from keras_bp.ops._proximal_closed import LEAKY_SLOPE

# Keras has no activation of the name arctan: users write the op.
_NAMES = (
    "linear",
    "relu",
    "leaky_relu",
    "hard_tanh",
    "tanh",
    "sigmoid",
    "softplus",
    "elu",
    "selu",
    "silu",
)
_FUNCTIONS = {
    **{getattr(keras.activations, name): name for name in _NAMES},
    **{getattr(ops, name): name for name in _NAMES if name != "linear"},
    keras.activations.gelu: "gelu",
    # Its default is the approximation, that of the activation is not.
    ops.gelu: "gelu_tanh",
    ops.arctan: "arctan",
}


def supported_activation(activation):
    """The name and slope of an activation that `proximal_unit` supports.

    Args:
        activation: Function, string, Keras layer, or None, as in
            `keras.layers.Dense(activation=...)`.

    Returns:
        Pair of a string and a float or None, the arguments `activation` and
        `negative_slope` of `proximal_unit`; or None where it is another
        activation, such as a rectifier with a largest value.
    """
    if isinstance(activation, keras.layers.Activation):
        return supported_activation(activation.activation)
    if isinstance(activation, keras.Layer):
        return _from_layer(activation)
    try:
        function = keras.activations.get(activation)
        name = _FUNCTIONS.get(function)
    except (TypeError, ValueError):
        # Neither known to Keras, nor hashable.
        return None
    if name is None:
        return None
    return name, LEAKY_SLOPE if name == "leaky_relu" else None


def _from_layer(layer):
    if isinstance(layer, keras.layers.ReLU):
        if layer.max_value is not None or layer.threshold:
            return None
        return _rectifier(layer.negative_slope)
    if isinstance(layer, keras.layers.LeakyReLU):
        return _rectifier(layer.negative_slope)
    if isinstance(layer, keras.layers.ELU):
        return ("elu", None) if layer.alpha == 1 else None
    return None


def _rectifier(slope):
    return ("leaky_relu", float(slope)) if slope else ("relu", None)
