"""Recognizes rectifiers among layers, graph operations, and functions."""

import functools

import keras

from keras_bp.layers.guided_relu import GuidedReLU

_DEFAULTS = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}

_LAYERS = (keras.layers.ReLU, keras.layers.LeakyReLU, GuidedReLU)

# Keras exports the functions that make these operations, not their classes.
_OPERATIONS = {
    "Relu": "keras.ops.relu",
    "Relu6": "keras.ops.relu6",
    "LeakyRelu": "keras.ops.leaky_relu",
    "ReLU": "keras.activations.relu",
}


def rectifier_of(operation):
    """Recognizes a layer or graph operation that is a rectifier.

    Returns:
        Tuple of the arguments of `guided_relu`, a dictionary, and the
        description, a string; or None.
    """
    if isinstance(operation, keras.layers.Activation):
        if not _has_call_of(operation, keras.layers.Activation):
            return None
        arguments = rectifier_arguments(operation.activation)
        if arguments is None:
            return None
        return arguments, describe_function("activation", operation.activation)
    if isinstance(operation, keras.layers.Layer):
        if not any(_has_call_of(operation, known) for known in _LAYERS):
            return None
        arguments = _arguments(operation)
        return arguments, _describe_layer(operation, arguments)
    return _recognize_operation(operation)


@functools.cache
def _functions():
    leaky = {"negative_slope": 0.2}
    known = [
        (keras.activations.relu, {}),
        (keras.activations.relu6, {"max_value": 6.0}),
        (keras.activations.leaky_relu, leaky),
        (keras.ops.relu, {}),
        (keras.ops.relu6, {"max_value": 6.0}),
        (keras.ops.leaky_relu, leaky),
    ]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        known += [
            (tf.nn.relu, {}),
            (tf.nn.relu6, {"max_value": 6.0}),
            (tf.nn.leaky_relu, leaky),
        ]
    return known


def rectifier_arguments(function):
    """Returns the `guided_relu` arguments of a known function, or None."""
    for known, arguments in _functions():
        if function is known:
            return dict(arguments)
    return None


def describe_function(attribute, function):
    """Returns the text that lists a function held as `attribute`."""
    return f"{attribute}='{function.__name__}'"


def _has_call_of(layer, known):
    # A subclass with a `call` of its own may compute anything.
    return isinstance(layer, known) and type(layer).call is known.call


def _recognize_operation(operation):
    kind = type(operation)
    if kind.__name__ not in _OPERATIONS or not kind.__module__.startswith(
        "keras."
    ):
        return None
    arguments = _arguments(operation)
    description = _OPERATIONS[kind.__name__]
    if arguments:
        description += f"({_format(arguments)})"
    if kind.__name__ == "Relu6":
        arguments["max_value"] = 6.0
    return arguments, description


def _arguments(operation):
    values = {
        name: getattr(operation, name, default)
        for name, default in _DEFAULTS.items()
    }
    return {
        name: float(value)
        for name, value in values.items()
        if value != _DEFAULTS[name]
    }


def _describe_layer(layer, arguments):
    if isinstance(layer, GuidedReLU):
        arguments = {"rule": layer.rule, **arguments}
    return f"{type(layer).__name__}({_format(arguments)})"


def _format(arguments):
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())
