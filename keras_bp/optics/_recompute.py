"""A gradient that computes the forward pass again instead of keeping it."""

import contextlib

import keras
from keras import ops


def recomputed(function, x, quantizers=()):
    """`function(x)`, of whose intermediate values the gradient keeps none.

    On TensorFlow `keras.remat` leaves it to the compiler when to compute
    again, and XLA does so before the backward pass begins, for all steps at
    once. Here the second pass takes its input through a choice that depends
    on the upstream gradient, and so cannot begin before that is there.

    Args:
        function: Function of one tensor; it may read variables.
        x: Float tensor.
        quantizers: Sequence of `FixedPointQuantizer` that it calls. The
            second pass draws the noise of the first, and counts no overflow.

    Returns:
        The tensor `function(x)`.
    """
    if keras.backend.backend() != "tensorflow":
        return keras.remat(function)(x)
    import tensorflow as tf

    @tf.custom_gradient
    def run(x):
        states = _noise_states(quantizers)

        def grad(upstream, variables=()):
            # A sum, which is not fused into what uses it. The choice is true,
            # unless the gradient is NaN anyway.
            total = tf.reduce_sum(upstream)
            again = tf.where(tf.equal(total, total), x, tf.zeros_like(x))
            with _second_pass(quantizers, states), tf.GradientTape() as tape:
                tape.watch(again)
                y = function(again)
            dx, by_variables = tape.gradient(
                y, (again, list(variables)), output_gradients=upstream
            )
            return (dx, by_variables) if variables else dx

        return function(x), grad

    return run(x)


def _noise_states(quantizers):
    """What the noise of each quantizer follows from, as it is now."""
    return [
        None
        if each.seed_generator is None
        else ops.copy(each.seed_generator.state)
        for each in quantizers
    ]


@contextlib.contextmanager
def _second_pass(quantizers, states):
    """While it is open, quantizers repeat what they did from `states` on."""
    for each, state in zip(quantizers, states, strict=True):
        each.counting = False
        if state is not None:
            # The pass itself takes it to where it is again.
            each.seed_generator.state.assign(state)
    try:
        yield
    finally:
        for each in quantizers:
            each.counting = True
