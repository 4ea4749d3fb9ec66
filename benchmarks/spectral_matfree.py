"""Stochastic Lanczos quadrature of matfree, on the same generator in JAX.

matfree (Kraemer et al., 2024, https://arxiv.org/abs/2405.17277) and JAX;
`make rivals` installs them.
"""

import functools
import importlib.util
import statistics

import numpy as np
import tensorflow as tf

from benchmarks import results, timing
from benchmarks import spectral_cases as cases
from keras_bp.spectral import log_det_metric

MATFREE = "matfree, SLQ"
# Latents up to which ours is compiled by XLA too, which takes longest.
_COMPILED = 32


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
    model = case.model()
    theirs = estimator(case, model, probes, steps)
    own = {"slq": _own(case, model, probes, steps, jit_compile=None)}
    if case.latents <= _COMPILED:
        own["slq, XLA"] = _own(case, model, probes, steps, jit_compile=True)
    exact = np.asarray(log_det_metric(model, case.data()))
    _, slopes = cases.function_of(cases.OURS, case, True)()
    slopes = filled(slopes, model)
    found = []
    for place, (what, expected, draws) in enumerate(
        [("value", exact, 8), ("value and gradient", _flat(slopes), 3)]
    ):
        functions = {MATFREE: theirs[place]}
        functions |= {name: both[place] for name, both in own.items()}
        # That of XLA is the same estimate.
        errors = {
            name: error_of(functions[name], expected, draws)
            for name in (MATFREE, "slq")
        }
        errors["slq, XLA"] = errors["slq"]
        run = {
            name: functools.partial(_read, function)
            for name, function in functions.items()
        }
        run["exact"] = cases.waited(
            cases.function_of(cases.OURS, case, bool(place))
        )
        times = timing.compare(run, rounds=rounds)
        found += _rows(case, what, times, errors, (probes, steps))
    return found


def _own(case, model, probes, steps, jit_compile):
    """Our estimate, and the gradient of its mean, as functions of a seed."""

    def value(z):
        # With other signs at each call.
        return log_det_metric(model, z, "slq", probes=probes, degree=steps)

    def slope(z):
        with tf.GradientTape() as tape:
            mean = tf.reduce_mean(value(z))
        slopes = tape.gradient(mean, model.trainable_variables)
        return filled(slopes, model)

    z = case.data()
    traced = [
        tf.function(function, autograph=False, jit_compile=jit_compile)
        for function in (value, slope)
    ]
    return [lambda seed, run=run: run(z) for run in traced]


def filled(slopes, model):
    """Gradients, with zeros where there is none, as JAX has them."""
    return [
        tf.zeros(w.shape, w.dtype) if slope is None else slope
        for slope, w in zip(slopes, model.trainable_variables, strict=True)
    ]


def _read(function):
    return _flat(function(0))


def _flat(found):
    """Tensors or arrays as one array."""
    found = found if isinstance(found, (list, tuple)) else [found]
    return np.concatenate([np.ravel(np.asarray(x)) for x in found])


def error_of(function, expected, draws):
    """Root mean square error of the entries of draws.

    Args:
        function: Function of a seed to an array or a list of them.
        expected: Flat array.
        draws: Integer.

    Returns:
        Float.
    """
    rest = [_flat(function(seed)) - expected for seed in range(draws)]
    return float(np.sqrt(np.mean(np.square(rest))))


def _rows(case, what, times, deviations, setting):
    probes, steps = setting
    theirs = statistics.median(times[MATFREE])
    unit = "nats" if what == "value" else "in the entries of the gradient"
    told = (
        f"{MATFREE} ({1e3 * theirs:.0f} ms, error of "
        f"{deviations[MATFREE]:.2g} {unit})"
    )
    found = []
    for name in ("exact", *(x for x in times if x.startswith("slq"))):
        speeds = timing.ratios(times, MATFREE, name)
        if name != "exact":
            # To the same error: that falls with the root of the probes.
            factor = (deviations[MATFREE] / deviations[name]) ** 2
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
