"""The erbium-doped fiber amplifier."""

from keras_bp import _checks
from keras_bp.optics._tensorflow import tf
from keras_bp.optics.fiber_link import check_link


def edfa(u, link, seeds=None, *, sample_rate=None):
    r"""Amplifies a field by the gain of a span, and adds noise to it.

    White circular Gaussian noise of density
    :math:`N_0 = (G - 1) h \nu n_{sp}`, :math:`n_{sp} = F / (2 (1 - 1/G))`,
    times `link.noise_scaling`, independent in each polarization.

    Args:
        u: Complex tensor of shape `(batch, polarizations, time)`, sqrt(W).
        link: `FiberLink`.
        seeds: Integer tensor of shape `(batch, 2)`, a seed for each block, or
            None for no noise. Defaults to `None`.
        sample_rate: Float, GHz, or None for the rate of the simulation.
            Defaults to `None`.

    Returns:
        Tensor of the shape and dtype of `u`.

    Raises:
        ValueError: `sample_rate` is not positive.

    Reference:
        Agrawal, "Fiber-Optic Communication Systems", section 7.2.
    """
    check_link(link, "edfa")
    u = tf.convert_to_tensor(u)
    if not u.dtype.is_complex or u.shape.rank != 3:
        raise ValueError(
            "edfa expects a complex `u` of shape (batch, polarizations, time). "
            f"Received: {u.dtype.name} of shape {tuple(u.shape)}"
        )
    if sample_rate is None:
        sample_rate = link.symbol_rate * link.simulation_samples_per_symbol
    _checks.check_positive("sample_rate", sample_rate, owner="edfa")
    u = u * 10 ** (link.span_gain / 20)
    if seeds is None or link.noise_density == 0:
        return u
    seeds = tf.convert_to_tensor(seeds)
    fits = seeds.shape.is_compatible_with((u.shape[0], 2))
    if not seeds.dtype.is_integer or not fits:
        raise ValueError(
            f"edfa expects `seeds` to be integers of shape {(u.shape[0], 2)}. "
            f"Received: {seeds.dtype.name} of shape {tuple(seeds.shape)}"
        )
    real = u.dtype.real_dtype
    # Half of the power in each quadrature.
    deviation = (link.noise_density * sample_rate * 1e9 / 2) ** 0.5
    noise = tf.map_fn(
        lambda seed: tf.random.stateless_normal(
            (2, *u.shape[1:]), seed, dtype=real, alg="philox"
        ),
        seeds,
        fn_output_signature=real,
    )
    noise = noise * tf.constant(deviation, real)
    return u + tf.complex(noise[:, 0], noise[:, 1])
