"""The two halves of a split step, and where the steps of a span lie."""

import functools

import numpy as np

from keras_bp import _checks
from keras_bp.optics._tensorflow import tf

# Samples from which one call of a compiled function costs less than the passes
# over memory that it saves.
_LEAST_FUSED = 2**15
# Of which each has a length of its own in memory.
_MOST_STEPS = 2**20


def angular_frequencies(num_samples, sample_rate):
    """Float64 array of rad/ps, in the order of the Fourier transform.

    Args:
        num_samples: Integer.
        sample_rate: Float, GHz.
    """
    # GHz is 1e-3 per ps.
    return 2 * np.pi * np.fft.fftfreq(num_samples, 1e3 / sample_rate)


def step_edges(link, num_steps, rule):
    """Where the steps of a span begin and end.

    Args:
        link: `FiberLink`.
        num_steps: Positive integer.
        rule: String, `"constant"`, or `"logarithmic"`: steps of equal
            nonlinear phase.

    Returns:
        Float64 array of shape `(num_steps + 1,)`, km from the span's input.
    """
    part = np.arange(num_steps + 1) / num_steps
    alpha = link.attenuation_per_km
    if rule == "constant" or alpha == 0:
        return part * link.span_length
    loss = -np.expm1(-alpha * link.span_length)
    edges = -np.log1p(-part[:-1] * loss) / alpha
    # Of a long span the loss is 1 in float64, and its end would be infinite.
    return np.append(edges, link.span_length)


def linear_exponents(link, num_samples, sample_rate):
    """Real and imaginary exponent of one km of fiber without Kerr effect."""
    omega = angular_frequencies(num_samples, sample_rate)
    return -link.attenuation_per_km / 2, link.beta_2 / 2 * omega**2


def middle_length(alpha, step):
    """Length in km of equal Kerr effect, with the power in the middle.

    Args:
        alpha: Float, loss in 1/km.
        step: Float or array, km.
    """
    if alpha == 0:
        return step
    return 2 * np.sinh(alpha * step / 2) / alpha


def start_length(alpha, step):
    """The same, with the power at the start of the step."""
    if alpha == 0:
        return step
    return -np.expm1(-alpha * step) / alpha


def power_of(u):
    """Sum of the powers of all polarizations.

    Args:
        u: Complex tensor of shape `(batch, polarizations, time)`.

    Returns:
        Float tensor of shape `(batch, 1, time)`.
    """
    real, imag = tf.math.real(u), tf.math.imag(u)
    power = real * real + imag * imag
    if u.shape[1] == 1:
        return power
    return tf.reduce_sum(power, axis=1, keepdims=True)


def turn(u, phase):
    """Multiplies by exp(j phase), with a real phase."""
    return u * tf.complex(tf.cos(phase), tf.sin(phase))


def turn_by_power(u, coefficient):
    """Multiplies by exp(j coefficient |u|^2): a Kerr step."""
    return turn(u, power_of(u) * coefficient)


def multiply(u, response):
    """The product of two tensors."""
    return u * response


def fused(function, u):
    """`function` of tensors like `u`, as one pass over the memory.

    In a graph each of its operations is a pass of its own, and a large field
    does not stay in the cache; XLA makes one of them. The transforms stay
    outside, where those of complex64 are faster. Under XLA nothing changes.

    Args:
        function: Function of a module, of tensors.
        u: Tensor.

    Returns:
        `function`, or the same compiled where `u` is large.
    """
    size = u.shape.num_elements()
    if size is None or size < _LEAST_FUSED:
        return function
    return _compiled(function)


@functools.cache
def _compiled(function):
    return tf.function(function, jit_compile=True, autograph=False)


def transfer(gain, phase, dtype):
    """exp(gain + j phase) of arrays, computed in float64."""
    return tf.constant(np.exp(gain + 1j * phase), dtype)


def check_steps(name, value, owner):
    """Raises unless `value` is a number of steps that a span can hold."""
    _checks.check_integer(
        name, value, minimum=1, maximum=_MOST_STEPS, owner=owner
    )
