"""A gradient that computes the forward pass again instead of keeping it."""

import keras


def recomputed(function, x):
    """`function(x)`, of whose intermediate values the gradient keeps none.

    On TensorFlow `keras.remat` leaves it to the compiler when to compute
    again, and XLA does so before the backward pass begins, for all steps at
    once. Here the second pass takes its input through a choice that depends
    on the upstream gradient, and so cannot begin before that is there.

    Args:
        function: Function of one tensor; it may read variables.
        x: Float tensor.

    Returns:
        The tensor `function(x)`.
    """
    if keras.backend.backend() != "tensorflow":
        return keras.remat(function)(x)
    import tensorflow as tf

    @tf.custom_gradient
    def run(x):
        def grad(upstream, variables=()):
            # A sum, which is not fused into what uses it. The choice is true,
            # unless the gradient is NaN anyway.
            total = tf.reduce_sum(upstream)
            again = tf.where(tf.equal(total, total), x, tf.zeros_like(x))
            with tf.GradientTape() as tape:
                tape.watch(again)
                y = function(again)
            dx, by_variables = tape.gradient(
                y, (again, list(variables)), output_gradients=upstream
            )
            return (dx, by_variables) if variables else dx

        return function(x), grad

    return run(x)
