"""The gradient of a function of tensors, on the backend at hand."""

import keras
from keras import ops


def value_and_gradient(function, inputs):
    """Evaluates `function`, and the gradient of the sum of its first result.

    Args:
        function: Function from tensors to a pair: a tensor, and anything else
            that is wanted of it.
        inputs: List of float tensors, its arguments. No gradient reaches
            what they were made from.

    Returns:
        What the function returned, and a list of gradients, zeros where an
        input is not read.
    """
    inputs = [ops.stop_gradient(x) for x in inputs]
    if keras.backend.backend() == "torch":
        return _on_torch(function, inputs)
    if keras.backend.backend() == "jax":
        import jax

        value, pull_back, rest = jax.vjp(function, *inputs, has_aux=True)
        return (value, rest), list(pull_back(ops.ones_like(value)))

    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        value, rest = function(*inputs)
    gradients = tape.gradient(value, inputs, unconnected_gradients="zero")
    return (value, rest), gradients


def _on_torch(function, inputs):
    import torch

    with torch.enable_grad():
        inputs = [x.detach().requires_grad_() for x in inputs]
        value, rest = function(*inputs)
        # What reads no input has no graph, and zeros for gradients.
        total = value.sum() + sum(0 * x.sum() for x in inputs)
        # The gradient may be differentiated in turn.
        gradients = torch.autograd.grad(
            total, inputs, create_graph=True, materialize_grads=True
        )
    return (value, rest), list(gradients)
