"""Sums of a function over the spectrum of a metric, by several methods."""

import dataclasses
import warnings

from keras_bp import _checks
from keras_bp.spectral import _draws, _metric, _quadrature
from keras_bp.spectral._tensorflow import tf
from keras_bp.spectral.jacobian_operator import JacobianOperator, columns_of

METHODS = ("chebyshev", "exact", "lanczos", "randomized_chebyshev", "slq")
_STOCHASTIC = ("chebyshev", "randomized_chebyshev", "slq")
_PROBES, _DEGREE = 8, 20


@dataclasses.dataclass(frozen=True)
class Options:
    """How a sum is taken; `checked` makes it."""

    method: str
    ridge: float
    probes: int
    degree: int | None
    seed: object
    chunk: int | None


def checked(owner, method, ridge, probes, degree, seed, chunk):
    """Checks the arguments of a sum; returns `Options`."""
    _checks.check_one_of("method", method, METHODS, owner=owner)
    _checks.check_not_negative("ridge", ridge, owner=owner)
    for name, value in (
        ("probes", probes),
        ("degree", degree),
        ("chunk", chunk),
    ):
        if value is not None:
            _checks.check_integer(name, value, owner=owner, minimum=1)
    _draws.check_seed(seed, owner)
    stochastic = method in _STOCHASTIC
    for name, value in (("probes", probes), ("degree", degree)):
        if value is not None and not stochastic:
            raise ValueError(
                f"{owner} expects `{name}` with one of {_STOCHASTIC} only. "
                f"Received: {name}={value} and method={method!r}"
            )
    if chunk is not None and stochastic:
        raise ValueError(
            f"{owner} expects `chunk` with 'exact' or 'lanczos' only, which "
            f"compute columns. Received: chunk={chunk} and method={method!r}"
        )
    return Options(
        method,
        float(ridge),
        probes or _PROBES,
        degree or _DEGREE,
        seed,
        chunk,
    )


def spectral_sum(model, z, function, options, owner):
    """Sums `function` over the eigenvalues of the metric plus the ridge.

    Args:
        model: Model.
        z: Latents.
        function: Function of a float64 tensor of eigenvalues to one of its
            shape; `tf.math.log` is taken for the log-determinant.
        options: `Options`.
        owner: String, for messages.

    Returns:
        Two tensors `(batch,)`: the sum, and an estimate of its error.
    """
    operator = JacobianOperator(model, z)
    m, n = operator.shape
    diverges = function in (tf.math.log, tf.math.reciprocal)
    if diverges and n > m and not options.ridge:
        raise ValueError(
            f"{owner} expects a model with at least as many outputs as "
            "latents: else the metric is singular. Received: "
            f"{n} latents and {m} outputs; pass a `ridge` above zero"
        )
    if options.method == "exact":
        columns = columns_of(operator, options.chunk)
        found, error = _metric.sum_or_log_det(
            function, columns, options.ridge, operator.precision
        )
    else:
        method = _quadrature.METHODS[options.method]
        found, error = method(operator, function, options)
    error = tf.stop_gradient(error)
    if options.method not in _STOCHASTIC:
        _warn(error, owner)
    dtype = _metric.narrow(operator.dtype)
    return tf.cast(found, dtype), tf.cast(error, dtype)


def _warn(error, owner):
    """Says in eager mode what a graph can say by the error alone."""
    if not tf.executing_eagerly():
        return
    lost = int(tf.reduce_sum(tf.cast(tf.math.is_inf(error), tf.int32)))
    if lost:
        warnings.warn(
            f"{owner}: the metric of {lost} of {error.shape[0]} examples is "
            "singular to working precision, and its value that of a metric "
            "with a small ridge, of an unknown error; pass a `ridge`.",
            stacklevel=4,
        )
