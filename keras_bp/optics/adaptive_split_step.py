"""The split-step Fourier method with steps that follow the power."""

from keras_bp import _checks
from keras_bp.optics._split_step_parts import (
    linear_exponents,
    power_of,
    turn,
)
from keras_bp.optics._tensorflow import tf
from keras_bp.optics.split_step import check_field


def adaptive_split_step(
    u, link, max_phase=0.005, max_steps=1000, *, sample_rate=None, inverse=False
):
    r"""Sends a field through one span, in steps of bounded nonlinear phase.

    With the power that it has at its start, a step turns no sample of the
    batch by more than `max_phase`, unless it has to be longer to end within
    `max_steps`; a pulse that dispersion compresses meanwhile turns further. It
    is symmetric. The gradient
    takes the steps as they are; under XLA it keeps room for `max_steps`
    fields.

    Args:
        u: Complex64 or complex128 tensor of shape
            `(batch, link.polarizations, time)`, in sqrt(W), periodic in time.
        link: `FiberLink`.
        max_phase: Positive float, radians. Defaults to `0.005`.
        max_steps: Positive integer. Defaults to `1000`.
        sample_rate: Float, GHz, or None for the rate of the simulation.
            Defaults to `None`.
        inverse: Boolean. If true, the fiber is undone, with steps chosen on
            the way: the two agree to the order of the method alone.
            Defaults to `False`.

    Returns:
        Tensor of the shape and dtype of `u`, and the number of steps taken,
        an int32 scalar.

    Raises:
        TypeError: `u` is not complex, or a count no integer.
        ValueError: A number is out of range, or the shape of `u` is another.

    Reference:
        Sinkin et al., 2003, "Optimization of the Split-Step Fourier Method in
        Modeling Optical-Fiber Communications Systems".
    """
    owner = "adaptive_split_step"
    u = check_field(u, link, owner)
    _checks.check_positive("max_phase", max_phase, owner=owner)
    _checks.check_integer("max_steps", max_steps, minimum=1, owner=owner)
    if sample_rate is None:
        sample_rate = link.symbol_rate * link.simulation_samples_per_symbol
    _checks.check_positive("sample_rate", sample_rate, owner=owner)
    sign = -1.0 if inverse else 1.0
    disperse = _dispersion(link, u.shape[-1], sample_rate, sign)
    alpha = link.attenuation_per_km

    def step(count, u, done, pending):
        left = link.span_length - done
        peak = tf.stop_gradient(tf.reduce_max(power_of(u)))
        # Half of the last step's dispersion and loss is still to come.
        peak = tf.cast(peak, "float64") * tf.exp(-sign * alpha * pending)
        km = _length_of_step(peak, link, max_phase, sign)
        km = tf.clip_by_value(
            km, left / tf.cast(max_steps - count, "float64"), left
        )
        u = disperse(u, pending + km / 2)
        length = km if alpha == 0 else 2 * tf.sinh(alpha * km / 2) / alpha
        kerr = tf.cast(sign * link.effective_gamma * length, u.dtype.real_dtype)
        return count + 1, turn(u, power_of(u) * kerr), done + km, km / 2

    zero = tf.constant(0.0, "float64")
    count, u, _, pending = tf.while_loop(
        # Rounding leaves a last piece of no length.
        lambda count, u, done, pending: done < link.span_length * (1 - 1e-12),
        step,
        (0, u, zero, zero),
        maximum_iterations=max_steps,
    )
    return disperse(u, pending), count


def _dispersion(link, num_samples, sample_rate, sign):
    """A function that takes a field along some km without Kerr effect."""
    gain, phase = linear_exponents(link, num_samples, sample_rate)
    phase = tf.constant(phase, "float64")

    def disperse(u, km):
        angle = phase * (sign * km)
        decay = tf.exp(gain * sign * km)
        value = tf.complex(decay * tf.cos(angle), decay * tf.sin(angle))
        return tf.signal.ifft(tf.signal.fft(u) * tf.cast(value, u.dtype))

    return disperse


def _length_of_step(peak, link, max_phase, sign):
    """Km in which a sample of `peak` W turns by at most `max_phase`."""
    turned = link.effective_gamma * peak
    wanted = max_phase / tf.where(turned > 0, turned, tf.ones_like(turned))
    alpha = link.attenuation_per_km
    if sign < 0 and alpha > 0:
        # Backwards the power rises on the way.
        wanted = tf.math.log1p(alpha * wanted) / alpha
    return tf.where(turned > 0, wanted, link.span_length)
