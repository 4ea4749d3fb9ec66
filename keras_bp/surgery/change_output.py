"""Other outputs of a generator of bits."""

import keras

from keras_bp import _checks
from keras_bp.layers.binary_neuron import BinaryNeuron
from keras_bp.layers.stochastic_node import StochasticNode
from keras_bp.surgery import _graph

OUTPUTS = ("threshold", "bernoulli", "probability", "logit")


def change_output(model, output, seed=None):
    r"""Gives a model that ends in bits, or in a sigmoid, another end.

    To binarize after training what was trained with real values, or to look
    at what is binarized. The model that is returned shares its weights, and
    leaves the given one as it is.

    Args:
        model: Functional or Sequential model whose last layer, or that of a
            model that is its last layer, is a
            `keras_bp.layers.BinaryNeuron`, a `StochasticNode` of
            `"bernoulli"`, or an `Activation` of `"sigmoid"`.
        output: String. With the logits :math:`x` and, of a neuron, the slope
            :math:`s` (else 1): `"threshold"`, 1 where :math:`x > 0`;
            `"bernoulli"`, 1 with the probability :math:`\sigma(s x)`;
            `"probability"`, :math:`\sigma(s x)`; or `"logit"`, :math:`x`. The
            slope is the one that the neuron has now.
        seed: Integer or None, of the noise of `"bernoulli"`. Defaults to
            `None`.

    Returns:
        `keras.Model`.

    Raises:
        TypeError: `model` is no Keras model.
        ValueError: Its last layer is another, or `output` is unknown.

    Example:

    >>> import keras
    >>> from keras_bp.surgery import change_output
    >>> model = keras.Sequential(
    ...     [keras.Input((2,)), keras.layers.Dense(4, activation="linear")]
    ... )
    >>> model.add(keras.layers.Activation("sigmoid"))
    >>> change_output(model, "threshold").layers[-1].mode
    'deterministic'
    """
    owner = "change_output"
    _checks.check_one_of("output", output, OUTPUTS, owner=owner)
    last = _last_layer(model, owner)
    if isinstance(last, keras.Model):
        return _replaced(model, last, change_output(last, output, seed))
    logits, inputs = last.input, model.inputs
    # Else the model that is returned would warn that it expects a list.
    inputs = inputs[0] if len(inputs) == 1 else inputs
    if output == "logit":
        return keras.Model(inputs, logits)
    slope = float(last.slope.value) if hasattr(last, "slope") else 1.0
    if output == "probability":
        return keras.Model(inputs, _sigmoid(logits, slope, last.dtype_policy))
    neuron = BinaryNeuron(
        "stochastic" if output == "bernoulli" else "deterministic",
        slope=slope,
        seed=seed,
        dtype=last.dtype_policy,
    )
    return keras.Model(inputs, neuron(logits))


def _sigmoid(logits, slope, dtype):
    """The sigmoid of logits, in training and in inference mode."""
    if slope != 1.0:
        logits = keras.layers.Rescaling(slope, dtype=dtype)(logits)
    return keras.layers.Activation("sigmoid", dtype=dtype)(logits)


def _replaced(model, last, other):
    """A model with `other` in the place of its last layer."""
    graph = _graph.read(model)
    inputs = graph.new_inputs()
    values = _graph.values_of(graph.inputs, inputs)
    _graph.run(
        graph.steps, values, lambda layer: other if layer is last else layer
    )
    return keras.Model(graph.packed(inputs), _graph.outputs_of(graph, values))


def _last_layer(model, owner):
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"{owner} expects a keras.Model. Received: model={model!r}"
        )
    layers = getattr(model, "layers", [])
    last = layers[-1] if layers else None
    sigmoid = (
        isinstance(last, keras.layers.Activation)
        and last.activation is keras.activations.sigmoid
    )
    node = isinstance(last, StochasticNode) and last.distribution == "bernoulli"
    if not (sigmoid or node or isinstance(last, (BinaryNeuron, keras.Model))):
        raise ValueError(
            f"{owner} expects a functional or Sequential model whose last "
            "layer is a BinaryNeuron, a StochasticNode of 'bernoulli' or an "
            "Activation of 'sigmoid' (in place of `activation='sigmoid'` of "
            "another layer, whose logits cannot be had). "
            f"Received: a model that ends in {last!r}"
        )
    outputs = getattr(model, "outputs", None) or []
    if isinstance(last, keras.Model):
        readable = _graph.is_readable(model)
        ends = readable and _graph.read(model).steps[-1].operation is last
    else:
        ends = bool(outputs) and outputs[0] is last.output
    if len(outputs) != 1 or not ends:
        raise ValueError(
            f"{owner} expects a model that is functional or Sequential, built, "
            "and whose one output is the first output of its last layer. "
            f"Received: model={model!r} with {len(outputs)} outputs"
        )
    return last
