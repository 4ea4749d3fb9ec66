"""The split-step Fourier method with a gradient that needs no memory."""

from keras_bp import _checks
from keras_bp.optics._split_step_parts import (
    check_steps,
    power_of,
    transfer,
    turn,
)
from keras_bp.optics._tensorflow import tf
from keras_bp.optics.split_step import (
    RULES,
    SPLITS,
    check_field,
    plan_steps,
    response_of,
    run_steps,
)


def reversible_split_step(
    u, link, num_steps, *, sample_rate=None, rule="constant", split=None
):
    r"""Sends a field through one span; its backward pass runs back through it.

    Forward it is `split_step`. Backward, each step is undone to get the field
    before it, instead of keeping the fields of all steps: a Kerr step leaves
    :math:`|u|` as it is, and a dispersive step has an inverse. The memory
    does not grow with `num_steps`; the backward pass takes one Fourier
    transform pair per step more. It holds for this channel alone: an FIR
    filter and a rounding cannot be undone.

    Args:
        u: Complex64 or complex128 tensor of shape
            `(batch, link.polarizations, time)`, in sqrt(W), periodic in time.
        link: `FiberLink`.
        num_steps: Positive integer, steps per span.
        sample_rate: Float, GHz, or None for the rate of the simulation.
        rule: String, `"constant"` or `"logarithmic"`, see `split_step`.
        split: String, `"symmetric"` or `"asymmetric"`, or None for the first.

    Returns:
        Tensor of the shape and dtype of `u`.

    Raises:
        TypeError: `u` is not complex, or a count no integer.
        ValueError: A name is unknown, a number out of range, or the shape of
            `u` is another.
    """
    owner = "reversible_split_step"
    u = check_field(u, link, owner)
    split = split or "symmetric"
    check_steps("num_steps", num_steps, owner)
    _checks.check_one_of("rule", rule, RULES, owner=owner)
    _checks.check_one_of("split", split, SPLITS, owner=owner)
    plan = plan_steps(
        link,
        u.shape[-1],
        num_steps,
        sample_rate=sample_rate,
        rule=rule,
        split=split,
    )

    @tf.custom_gradient
    def propagate(u):
        out = run_steps(u, *plan)
        return out, lambda upstream: _backward(out, upstream, *plan)

    return propagate(u)


def _backward(out, upstream, linear, kerr, gain, phase):
    """Gradient at the input, from the field and the gradient at the output."""
    dtype = out.dtype
    count = len(kerr)
    coefficients = tf.constant(kerr, dtype.real_dtype)
    # The field goes back by the inverse, the gradient by the adjoint, which
    # loses where the field has lost.
    undo, undo_rest = response_of(-linear[1:], gain, phase, dtype)
    adjoint, adjoint_rest = response_of(linear[1:], gain, -phase, dtype)
    if undo_rest is not None:
        out = tf.signal.ifft(tf.signal.fft(out) * undo_rest)
        upstream = tf.signal.ifft(tf.signal.fft(upstream) * adjoint_rest)

    def step(left, field, upstream):
        index = left - 1
        field = tf.signal.ifft(tf.signal.fft(field) * undo(index))
        upstream = tf.signal.ifft(tf.signal.fft(upstream) * adjoint(index))
        angle = power_of(field) * coefficients[index]
        # d|u|^2 through the phase of the output, then back to before it.
        slope = tf.math.imag(tf.math.conj(field) * upstream)
        slope = tf.reduce_sum(slope, axis=1, keepdims=True)
        slope = 2 * coefficients[index] * slope
        field, upstream = turn(field, -angle), turn(upstream, -angle)
        upstream += field * tf.complex(slope, tf.zeros_like(slope))
        return index, field, upstream

    _, field, upstream = tf.while_loop(
        lambda left, *_: left > 0,
        step,
        (count, out, upstream),
        maximum_iterations=count,
    )
    if linear[0] != 0:
        first = transfer(gain * linear[0], -phase * linear[0], dtype)
        upstream = tf.signal.ifft(tf.signal.fft(upstream) * first)
    return upstream
