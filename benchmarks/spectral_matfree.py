"""Stochastic Lanczos quadrature of matfree, on the same generator in JAX.

matfree (Kraemer et al., 2024, https://arxiv.org/abs/2405.17277) and JAX;
`make rivals` installs them.
"""

import importlib.util
import statistics

import numpy as np
import tensorflow as tf

from benchmarks import results, timing
from benchmarks import spectral_cases as cases
from keras_bp.spectral import log_det_metric

MATFREE = "matfree, SLQ"


def is_installed():
    """Whether matfree and JAX can be imported; prints if not."""
    missing = [
        name
        for name in ("jax", "matfree")
        if not importlib.util.find_spec(name)
    ]
    if missing:
        print(
            f"{' and '.join(missing)} not installed; see `make rivals`.",
            flush=True,
        )
    return not missing


def forward(weights, z, side):
    """The generator of `spectral_cases.Case`, of one latent vector."""
    import jax

    dense, bias, *convolutions = weights
    x = (z @ dense + bias).reshape(1, side, side, 64)
    for place in range(0, len(convolutions), 2):
        x = jax.nn.leaky_relu(x, 0.3)
        x = jax.lax.conv_transpose(
            x,
            convolutions[place],
            (2, 2),
            "SAME",
            transpose_kernel=True,
        )
        x = x + convolutions[place + 1]
    return jax.numpy.tanh(x).reshape(-1)


def estimator(case, model, probes, steps):
    """Functions to log-determinants by matfree, and to gradients of their mean.

    Args:
        case: `spectral_cases.Case`.
        model: `keras.Model`, that of the case.
        probes: Integer.
        steps: Integer, of the process of Golub, Kahan and Lanczos.

    Returns:
        Two compiled functions of an integer, the seed.
    """
    import jax
    from matfree import decomp, funm, stochtrace

    weights = [np.asarray(w) for w in model.get_weights()]
    latents, side = np.asarray(case.data()), case.size // 8
    sampler = stochtrace.sampler_signs(latents[0], num=probes)
    bidiag = decomp.bidiag(min(steps, case.latents))
    integrand = funm.monte_carlo_funm_product_logdet(bidiag)
    estimate = stochtrace.estimator_monte_carlo(integrand, sampler=sampler)

    def one(z, key, weights):
        def product(v, weights, z):
            run = lambda z: forward(weights, z, side)  # noqa: E731
            return jax.jvp(run, (z,), (v,))[1]

        return estimate(product, key, weights, z)

    def all_of(weights, seed):
        keys = jax.random.split(jax.random.PRNGKey(seed), case.batch)
        return jax.vmap(one, (0, 0, None))(latents, keys, weights)

    def mean(weights, seed):
        return all_of(weights, seed).mean()

    value, slope = jax.jit(all_of), jax.jit(jax.grad(mean))
    return (lambda seed: value(weights, seed)), (
        lambda seed: slope(weights, seed)
    )


def rows(case, probes, steps, rounds):
    """Times and errors of matfree's estimate, ours, and the exact one.

    Args:
        case: `spectral_cases.Case`.
        probes: Integer.
        steps: Integer.
        rounds: Integer, how often each is timed.

    Returns:
        List of `results.Row`.
    """
    model, z = case.model(), case.data()
    exact = np.asarray(log_det_metric(model, z))
    theirs, their_slope = estimator(case, model, probes, steps)
    # The first draw is of another shape of code: compiled, and dropped.
    errors = [np.asarray(theirs(seed)) - exact for seed in range(8)]

    def ours(z, seed):
        return log_det_metric(
            model, z, "slq", probes=probes, degree=steps, seed=seed
        )

    # With other signs at each call.
    traced = tf.function(lambda z: ours(z, None), autograph=False)
    own = [np.asarray(traced(z)) - exact for _ in range(8)]
    deviations = {
        MATFREE: float(np.sqrt(np.mean(np.square(errors)))),
        "slq": float(np.sqrt(np.mean(np.square(own)))),
    }

    def slope(z):
        with tf.GradientTape() as tape:
            mean = tf.reduce_mean(ours(z, None))
        return tape.gradient(mean, model.trainable_variables)

    gradient = tf.function(slope, autograph=False)
    found = []
    for what, functions in (
        (
            "value",
            {
                MATFREE: lambda: np.asarray(theirs(0)),
                "slq": lambda: np.asarray(traced(z)),
                "exact": cases.waited(cases.function_of(cases.OURS, case, 0)),
            },
        ),
        (
            "value and gradient",
            {
                MATFREE: lambda: [np.asarray(x) for x in their_slope(0)],
                "slq": cases.waited(lambda: gradient(z)),
                "exact": cases.waited(cases.function_of(cases.OURS, case, 1)),
            },
        ),
    ):
        times = timing.compare(functions, rounds=rounds)
        found += _rows(case, what, times, deviations, (probes, steps))
    return found


def _rows(case, what, times, deviations, setting):
    probes, steps = setting
    theirs = statistics.median(times[MATFREE])
    told = (
        f"{MATFREE} ({1e3 * theirs:.0f} ms, error of "
        f"{deviations[MATFREE]:.2g} nats)"
    )
    found = []
    for name in ("exact", "slq"):
        speeds = timing.ratios(times, MATFREE, name)
        if name == "slq":
            # To the same error: that falls with the root of the probes.
            factor = (deviations[MATFREE] / deviations["slq"]) ** 2
            speeds = [speed * factor for speed in speeds]
        found.append(
            results.row(
                f"{cases.OURS}, {name}",
                f"speed at equal error or less, {what}, {case}, {probes} "
                f"probes of {steps} steps",
                statistics.median(speeds),
                "times",
                samples=speeds,
                against=told,
            )
        )
    return found
