"""Propagation through one span of fiber by the split-step Fourier method."""

import numpy as np

from keras_bp import _checks
from keras_bp.optics._split_step_parts import (
    check_steps,
    fused,
    linear_exponents,
    middle_length,
    multiply,
    start_length,
    step_edges,
    transfer,
    turn_by_power,
)
from keras_bp.optics._tensorflow import tf
from keras_bp.optics.fiber_link import check_link

RULES = ("constant", "logarithmic")
SPLITS = ("symmetric", "asymmetric")
KERR_LENGTHS = ("effective", "step")


def split_step(
    u,
    link,
    num_steps,
    *,
    sample_rate=None,
    rule="constant",
    split="symmetric",
    kerr_length="effective",
    inverse=False,
):
    r"""Sends a field through one span of fiber, the amplifier left out.

    Each step takes one Fourier transform and its inverse. It is
    differentiable, and runs eagerly, in a graph and under XLA; the gradient
    keeps the field of every step, see `reversible_split_step`. Sizes and
    steps are known when it is traced; the loop over steps is not unrolled.

    Args:
        u: Complex64 or complex128 tensor of shape
            `(batch, link.polarizations, time)`, in sqrt(W), periodic in time.
        link: `FiberLink`.
        num_steps: Positive integer, steps per span.
        sample_rate: Float, GHz, or None for the rate of the simulation,
            `link.symbol_rate * link.simulation_samples_per_symbol`.
        rule: String. `"constant"`: equal steps. `"logarithmic"`: steps of
            equal nonlinear phase, short where the power is high; the better
            ones where the Kerr effect dominates the dispersion of a step.
        split: String. `"symmetric"`: half of a step's dispersion on each side
            of its Kerr effect, of second order. `"asymmetric"`: the Kerr
            effect first.
        kerr_length: String. `"effective"`: the integral of the power over a
            step that only loses power, exact without dispersion. `"step"`:
            the power where the Kerr effect is applied times the step's
            length, as textbooks have it.
        inverse: Boolean. If true, undoes the call without it, to the last
            steps' rounding: digital backpropagation.

    Returns:
        Tensor of the shape and dtype of `u`.

    Raises:
        TypeError: `u` is not complex, or a count no integer.
        ValueError: A name is unknown, a number out of range, or the shape of
            `u` is another.

    Example:

    >>> import tensorflow as tf
    >>> from keras_bp.optics import FiberLink, split_step
    >>> field = tf.ones((1, 1, 64), tf.complex128)
    >>> out = split_step(field, FiberLink(), num_steps=10)
    >>> float(abs(out[0, 0, 0])) < 1  # The loss of the span.
    True

    Reference:
        Agrawal, "Nonlinear Fiber Optics", section 2.4.
    """
    u = check_field(u, link, "split_step")
    check_steps("num_steps", num_steps, "split_step")
    for name, value, known in (
        ("rule", rule, RULES),
        ("split", split, SPLITS),
        ("kerr_length", kerr_length, KERR_LENGTHS),
    ):
        _checks.check_one_of(name, value, known, owner="split_step")
    plan = plan_steps(
        link,
        u.shape[-1],
        num_steps,
        sample_rate=sample_rate,
        rule=rule,
        split=split,
        kerr_length=kerr_length,
        inverse=inverse,
    )
    return run_steps(u, *plan)


def check_field(u, link, owner):
    """Returns `u` as a tensor, or raises for another dtype or shape."""
    check_link(link, owner)
    u = tf.convert_to_tensor(u)
    if not u.dtype.is_complex:
        raise TypeError(
            f"{owner} expects a complex `u`. Received: dtype={u.dtype.name}"
        )
    expected = f"(batch, {link.polarizations}, time)"
    if u.shape.rank != 3 or u.shape[1] != link.polarizations or not u.shape[2]:
        raise ValueError(
            f"{owner} expects `u` of shape {expected} for a link of "
            f"{link.polarizations} polarization(s). "
            f"Received: shape={tuple(u.shape)}"
        )
    return u


def plan_steps(
    link,
    num_samples,
    num_steps,
    *,
    sample_rate=None,
    rule="constant",
    split="symmetric",
    kerr_length="effective",
    inverse=False,
):
    """Lengths of what happens in a span, in turns.

    Returns:
        Float array of km of each linear part, one more than Kerr parts;
        float array of rad/W of each Kerr part; loss exponent of one km; phase
        of one km at each frequency.
    """
    if sample_rate is None:
        sample_rate = link.symbol_rate * link.simulation_samples_per_symbol
    _checks.check_positive("sample_rate", sample_rate, owner="split_step")
    steps = np.diff(step_edges(link, num_steps, rule))
    alpha = link.attenuation_per_km
    length = {"symmetric": middle_length, "asymmetric": start_length}[split]
    kerr = steps if kerr_length == "step" else length(alpha, steps)
    kerr = link.effective_gamma * kerr
    if split == "symmetric":
        linear = np.concatenate([[0], steps / 2]) + np.concatenate(
            [steps / 2, [0]]
        )
    else:
        linear = np.concatenate([[0], steps])
    if inverse:
        linear, kerr = -linear[::-1], -kerr[::-1]
    return linear, kerr, *linear_exponents(link, num_samples, sample_rate)


def run_steps(u, linear, kerr, gain, phase):
    """Runs what `plan_steps` gives."""
    dtype = u.dtype
    kerr = tf.constant(kerr, dtype.real_dtype)
    response, rest = response_of(linear[1:], gain, phase, dtype)
    spectrum = tf.signal.fft(u)
    if linear[0] != 0:
        first = transfer(gain * linear[0], phase * linear[0], dtype)
        spectrum = spectrum * first
    last = len(linear) - 2

    kerr_step, product = fused(turn_by_power, u), fused(multiply, u)

    def step(index, spectrum):
        u = kerr_step(tf.signal.ifft(spectrum), kerr[index])
        return index + 1, product(tf.signal.fft(u), response(index))

    _, spectrum = tf.while_loop(
        lambda index, _: index <= last,
        step,
        (0, spectrum),
        maximum_iterations=last + 1,
    )
    return tf.signal.ifft(spectrum if rest is None else spectrum * rest)


def response_of(linear, gain, phase, dtype):
    """Transfer functions of the linear parts of a span.

    Parts of equal length share one table. The last part of a symmetric split
    is half as long as the others: it shares their table too, and what that is
    too much is undone once, after the loop.

    Args:
        linear: Float array of km.
        gain: Float, loss exponent of one km.
        phase: Float array, phase of one km.
        dtype: Complex `tf.DType`.

    Returns:
        A function from the number of a part to its transfer function; a
        transfer function that corrects the last part, or None.
    """
    if np.allclose(linear[:-1], linear[0], rtol=1e-12, atol=0):
        same = transfer(gain * linear[0], phase * linear[0], dtype)
        rest = linear[-1] - linear[0]
        if abs(rest) <= 1e-12 * abs(linear[0]):
            return lambda index: same, None
        return lambda index: same, transfer(gain * rest, phase * rest, dtype)
    lengths = tf.constant(linear, "float64")
    # The phase is thousands of radians: its product needs float64.
    phase = tf.constant(phase, "float64")

    def at(index):
        angle = phase * lengths[index]
        decay = tf.exp(gain * lengths[index])
        value = tf.complex(decay * tf.cos(angle), decay * tf.sin(angle))
        return tf.cast(value, dtype)

    return at, None
