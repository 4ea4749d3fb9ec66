"""Layers as units of their own, for the rule of Fagan and Iyengar.

Each example has a proximal problem of its own in the weights of each unit, with
everything that follows the unit linearized.
"""

import dataclasses

import keras
from keras import ops

from keras_bp.ops._activations import supported_activation
from keras_bp.training._implicit_layers import special_weights, wide
from keras_bp.training._implicit_record import all_steps, dense

_ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
)


@dataclasses.dataclass
class UnitCall:
    """One use of the units of a layer.

    Attributes:
        inputs: List of tensors, what each of `kernels` is multiplied with.
        kernels: List of Keras variables.
        bias: Keras variable or None.
        logits: Tensor, before the activation.
        output: Tensor, what the layer returned.
        tape: `tf.GradientTape` from `kernels` to the logits, or None where the
            inputs are rows of a matrix.
        zeros: Tensor that was added to the logits in a loop, or None.
    """

    inputs: list
    kernels: list
    bias: object
    logits: object
    output: object
    tape: object = None
    zeros: object = None

    @property
    def weights(self):
        return [*self.kernels, *([] if self.bias is None else [self.bias])]

    @property
    def source(self):
        """Tensor whose gradient is that of the logits."""
        return self.logits if self.zeros is None else self.zeros


def activation_of(activation):
    """Pair of the name of an activation, or None, and its negative slope.

    Args:
        activation: Function or layer. The name of softmax, whose units are no
            units of their own, is `"softmax"`.
    """
    found = supported_activation(activation)
    if found is not None:
        return found
    if isinstance(activation, keras.layers.Activation):
        activation = activation.activation
    if isinstance(activation, keras.layers.Softmax):
        last = activation.axis in (-1, [-1], (-1,))
        return ("softmax" if last else None), None
    if activation is keras.activations.softmax:
        return "softmax", None
    return None, None


def unit_kind(layer):
    """Name of the kind of a layer whose units can be solved, or None."""
    if special_weights(layer) or not _only_l2(layer):
        return None
    if type(layer) is keras.layers.Dense:
        return "dense"
    if type(layer) in (keras.layers.Conv1D, keras.layers.Conv2D):
        return "convolution" if layer.groups == 1 else None
    if type(layer) is keras.layers.SimpleRNN:
        plain = not (layer.dropout or layer.recurrent_dropout)
        known = activation_of(layer.activation)[0] not in (None, "softmax")
        return "recurrent" if plain and known else None
    return None


def _only_l2(layer):
    """Whether penalties are of the kind that is solved with the step."""
    rules = [
        getattr(layer, f"{name}_regularizer", None)
        for name in ("kernel", "bias", "recurrent")
    ]
    return all(x is None or type(x) is keras.regularizers.L2 for x in rules)


def is_activation(layer):
    """Whether a layer is nothing but an activation."""
    return type(layer) in _ACTIVATIONS


def squared_norms(layer, call, factors):
    """Squares of the norms of what each unit was given.

    Args:
        layer: Layer.
        call: `UnitCall`.
        factors: List of numbers, by which the square of what each weight was
            given is multiplied.

    Returns:
        Tensor that can be broadcast to the logits.
    """
    total = 0.0
    for x, kernel, factor in zip(
        call.inputs, call.kernels, factors, strict=False
    ):
        square = ops.square(wide(x))
        if call.tape is None:
            found = ops.sum(square, axis=-1, keepdims=True)
        else:
            ones = ops.ones((*kernel.shape[:-1], 1), square.dtype)
            found = layer.convolution_op(square, ones)
        total = total + factor * found
    return total if call.bias is None else total + factors[-1]


def weight_gradients(call, given):
    """Gradients of the weights of a layer from those of its logits.

    Args:
        call: `UnitCall`.
        given: Tensor of the shape of the logits.

    Returns:
        List of tensors, for `call.weights`.
    """
    if call.tape is not None:
        values = [weight.value for weight in call.weights]
        given = ops.cast(given, call.logits.dtype)
        found = call.tape.gradient(call.logits, values, output_gradients=given)
        return [wide(x) for x in found]
    flat = ops.reshape(given, (-1, given.shape[-1]))
    found = []
    for x in call.inputs:
        rows = ops.reshape(wide(x), (-1, x.shape[-1]))
        found.append(ops.matmul(ops.transpose(rows), flat))
    return found if call.bias is None else [*found, ops.sum(flat, axis=0)]


def bias_in(layer, call):
    """What the bias adds to the logits."""
    bias = wide(ops.convert_to_tensor(call.bias))
    if getattr(layer, "data_format", None) == "channels_first":
        shape = (1, -1, *(1,) * layer.rank)
        return ops.reshape(bias, shape)
    return bias


def _dense(layer, original, watch, inputs, *args, **kwargs):
    logits, output = dense(layer, inputs)
    bias = layer.bias if layer.use_bias else None
    return UnitCall([inputs], [layer.kernel], bias, logits, output), output


def _convolution(layer, original, watch, inputs, *args, **kwargs):
    import tensorflow as tf

    # Diagnostics ask for the explicit step beside the implicit one.
    with tf.GradientTape(persistent=True) as tape:
        logits = layer.convolution_op(inputs, layer.kernel)
        if layer.use_bias:
            shape = [1] * (layer.rank + 2)
            first = layer.data_format == "channels_first"
            shape[1 if first else -1] = layer.filters
            logits = ops.add(logits, ops.reshape(layer.bias, shape))
    output = logits if layer.activation is None else layer.activation(logits)
    bias = layer.bias if layer.use_bias else None
    call = UnitCall([inputs], [layer.kernel], bias, logits, output, tape)
    return call, output


def _recurrent(layer, original, watch, inputs, *args, **kwargs):
    """Runs a recurrent layer with zeros added to the logits of each step.

    Their gradients are those of the logits of the steps, which no tensor
    outside the loop of the layer holds.
    """
    cell = layer.cell
    first = _first_state(layer, inputs, kwargs.get("initial_state"))
    zeros = ops.zeros_like(inputs[..., :1]) * ops.zeros((1, 1, cell.units))
    zeros = ops.cast(zeros, inputs.dtype)
    watch(zeros)
    both = ops.concatenate([inputs, zeros], axis=-1)
    try:
        step = _step_with_zeros(cell, inputs.shape[-1])
        object.__setattr__(cell, "call", step)
        sequence, output = all_steps(layer, original, both, *args, **kwargs)
    finally:
        vars(cell).pop("call", None)
    call = _over_time(layer, inputs, first, sequence)
    call.zeros = zeros
    return call, output


def _step_with_zeros(cell, width):
    """`call` of a cell whose inputs, after so many, are added to logits."""

    def step(sequence, states, training=False):
        logits = ops.matmul(sequence[:, :width], cell.kernel)
        if cell.use_bias:
            logits = ops.add(logits, cell.bias)
        logits = logits + ops.matmul(states[0], cell.recurrent_kernel)
        output = cell.activation(logits + sequence[:, width:])
        return output, [output]

    return step


def _over_time(layer, inputs, first, sequence):
    """`UnitCall` of all steps, in the order of the inputs, as the zeros are."""
    cell = layer.cell
    states = ops.concatenate([first, sequence[:, :-1]], axis=1)
    if layer.go_backwards:
        states = ops.flip(states, axis=1)
    logits = ops.matmul(inputs, cell.kernel)
    logits = logits + ops.matmul(states, cell.recurrent_kernel)
    bias = cell.bias if cell.use_bias else None
    if bias is not None:
        logits = ops.add(logits, bias)
    kernels = [cell.kernel, cell.recurrent_kernel]
    return UnitCall([inputs, states], kernels, bias, logits, sequence)


def _first_state(layer, inputs, given):
    """The state before the first step, `(batch, 1, units)`."""
    if given is None and layer.stateful:
        given = layer.states
    if given is None:
        given = layer.get_initial_state(ops.shape(inputs)[0])
    first = keras.tree.flatten(given)[0]
    return ops.expand_dims(ops.cast(first, inputs.dtype), 1)


UNIT_RUNS = {
    keras.layers.Dense: _dense,
    keras.layers.Conv1D: _convolution,
    keras.layers.Conv2D: _convolution,
    keras.layers.SimpleRNN: _recurrent,
}
