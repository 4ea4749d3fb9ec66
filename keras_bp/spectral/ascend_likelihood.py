"""Latents of high likelihood, found by gradient ascent."""

import math
import warnings
from typing import NamedTuple

import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp.spectral._constraints import (
    check_constraint,
    moved,
    norms,
    tangent,
)
from keras_bp.spectral._inputs import checked_latents
from keras_bp.spectral._loops import all_finite, compiled
from keras_bp.spectral._tensorflow import tf
from keras_bp.spectral.implicit_log_likelihood import implicit_log_likelihood

# What a step that raised the likelihood does to the next one, and one that
# did not.
_LONGER, _SHORTER = 1.3, 0.5
# TensorFlow counts the turns of a loop in int32.
_MOST_STEPS = 2**31 - 1


class Ascent(NamedTuple):
    """What `ascend_likelihood` found.

    Args:
        latents: Tensor `(batch, ...)`, where the ascent ended.
        outputs: Tensor, what the model makes of them.
        log_likelihood: Tensor `(steps + 1, batch)`, the start first; it never
            falls.
        start: Tensor `(batch, ...)`, the latents at the start.
        start_outputs: Tensor, what the model makes of those.
        error: Tensor `(batch,)`, of the last likelihoods, see
            `log_det_metric`; infinite where the start had a singular metric.

    Example:

    >>> from keras_bp.spectral import Ascent
    >>> Ascent._fields[:2]
    ('latents', 'outputs')
    """

    latents: object
    outputs: object
    log_likelihood: object
    start: object
    start_outputs: object
    error: object = None


def ascend_likelihood(
    model,
    z0,
    steps=100,
    learning_rate=0.1,
    constraint="sphere",
    prior="normal",
    **options,
):
    r"""Climbs the implicit log-likelihood of a generator.

    To find what a generator holds to be likely: for those of GANs, the outputs
    that Ramesh and LeCun call aberrant, which look like nothing in the data.
    Each step goes along the gradient of

    .. math:: \log p(G(z)) = \log p(z) - \tfrac12 \log\det J^\top J

    in :math:`z`, times a rate of its own for each example. A step that would
    lower the likelihood of an example, give NaN, or end where the metric is
    singular to working precision, is not taken, and the rate is halved; else
    it grows by 1.3. So no likelihood falls, and none is one of rounding. An
    example that starts at a singular metric stays there, with a warning in
    eager mode.

    With `constraint="sphere"` the prior is the same everywhere, and the ascent
    is that of the volume alone: the gradient is projected on the tangent, and
    a step back on the sphere.

    Args:
        model: Built model of one input and one output, run in inference mode.
        z0: Float tensor or array `(batch, ...)`, latents to start from.
        steps: Integer, zero or more. Defaults to `100`.
        learning_rate: Positive float, the first rate. Defaults to `0.1`.
        constraint: String or None. `"sphere"`: each latent keeps its distance
            from zero; `"ball"`: none goes farther; None: anything goes.
            Defaults to `"sphere"`.
        prior: See `implicit_log_likelihood`. Defaults to `"normal"`.
        **options: Of `log_det_metric`, such as `ridge`. A stochastic method
            needs a `seed` to compare the likelihoods of two steps.

    Returns:
        `Ascent`.

    Raises:
        TypeError: `steps` is no integer, or `return_error` is given.
        ValueError: A number is out of range, `constraint` is unknown, a
            stochastic method has no integer as `seed`, or, in eager mode, a
            likelihood is not finite at the start.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.spectral import ascend_likelihood
    >>> model = keras.Sequential(
    ...     [keras.Input((2,)), keras.layers.Dense(3, activation="softplus")]
    ... )
    >>> model.set_weights([np.eye(2, 3), np.zeros(3)])
    >>> found = ascend_likelihood(model, np.array([[1.0, 0.5]]), steps=5)
    >>> bool(found.log_likelihood[-1, 0] > found.log_likelihood[0, 0])
    True

    Reference:
        Ramesh and LeCun, 2018, https://arxiv.org/abs/1806.00499.
    """
    owner = "ascend_likelihood"
    _checks.check_integer(
        "steps", steps, owner=owner, minimum=0, maximum=_MOST_STEPS
    )
    _checks.check_positive("learning_rate", learning_rate, owner=owner)
    check_constraint(constraint, owner)
    _check_options(options, owner)
    z0 = checked_latents(model, z0, owner)
    climber = _Climber(model, constraint, prior, options)

    def run(z):
        return climber.run(z, int(steps), float(learning_rate))

    found = compiled(run)(z0)
    _check_start(found.log_likelihood[0], owner)
    _warn(found.error, owner)
    return found


class _Climber:
    """Steps that never go down.

    Args:
        model: Model.
        constraint: String or None.
        prior: See `implicit_log_likelihood`.
        options: Dictionary.
    """

    def __init__(self, model, constraint, prior, options):
        self._model, self._constraint = model, constraint
        self._prior, self._options = prior, options

    def run(self, start, steps, rate):
        radius = norms(start)
        value = self._nothing(start)
        trace = tf.TensorArray(
            value.dtype, steps + 1, element_shape=start.shape[:1]
        )

        def step(i, *state):
            *state, trace = state
            state = self._stepped(i, state, radius)
            return i + 1, *state, trace.write(i, state[1])

        # The first step goes nowhere: what is there is computed in the loop,
        # so that it is traced once.
        state = (
            start,
            value,
            ops.zeros_like(start),
            rate * ops.ones_like(radius),
            ops.zeros_like(value),
        )
        _, z, *_, error, trace = tf.while_loop(
            lambda i, *_: i <= steps,
            step,
            (tf.constant(0), *state, trace),
            maximum_iterations=steps + 1,
        )
        made = self._model(z, training=False)
        before = self._model(start, training=False)
        return Ascent(z, made, trace.stack(), start, before, error)

    def _stepped(self, i, state, radius):
        """Latents, likelihoods, slopes, rates and errors after a step."""
        z, value, slope, rates, error = state
        other = moved(z, rates * slope, self._constraint, radius)
        found, found_slope, doubt = self._value_and_slope(other)
        known = ops.logical_or(ops.isfinite(doubt), i == 0)
        # False for NaN too.
        better = ops.logical_and(found > value, known)
        each = ops.reshape(better, ops.shape(rates))
        factor = ops.where(each, _LONGER, _SHORTER)
        factor = ops.where(i > 0, factor, ops.ones_like(factor))
        return (
            ops.where(each, other, z),
            ops.where(better, found, value),
            ops.where(each, found_slope, slope),
            rates * ops.cast(factor, rates.dtype),
            ops.where(better, doubt, error),
        )

    def _nothing(self, z):
        """What everything is likelier than."""
        dtype = "float64" if z.dtype == tf.float64 else "float32"
        least = tf.constant(-math.inf, dtype)
        return tf.fill(tf.shape(z)[:1], least)

    def _value_and_slope(self, z):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(z)
            value, error = implicit_log_likelihood(
                self._model,
                z,
                self._prior,
                return_error=True,
                **self._options,
            )
        slope = tape.gradient(value, z)
        return value, tangent(slope, z, self._constraint), error


def _check_options(options, owner):
    if "return_error" in options:
        raise TypeError(f"{owner} returns the error anyway, as `error`")
    method = options.get("method", "exact")
    drawn = method not in ("exact", "lanczos")
    if drawn and not isinstance(options.get("seed"), int):
        raise ValueError(
            f"{owner} expects an integer as `seed` with method={method!r}, to "
            "compare the likelihoods of two steps. "
            f"Received: seed={options.get('seed')!r}"
        )


def _warn(error, owner):
    if all_finite(error) is False:
        lost = int(np.sum(~np.isfinite(ops.convert_to_numpy(error))))
        warnings.warn(
            f"{owner}: {lost} of {error.shape[0]} examples start where the "
            "metric is singular to working precision, and stay there; pass a "
            "`ridge`.",
            stacklevel=3,
        )


def _check_start(values, owner):
    if all_finite(values) is False:
        raise ValueError(
            f"{owner} expects starts of a finite likelihood; a `ridge` makes "
            "that of a singular metric finite. Received: likelihoods "
            f"{ops.convert_to_numpy(values)}"
        )
