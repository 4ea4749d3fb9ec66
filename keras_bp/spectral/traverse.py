"""Paths along the eigenvectors of the metric of a generator."""

import math
from typing import NamedTuple

from keras import ops

from keras_bp import _checks
from keras_bp.spectral._constraints import moved, norms
from keras_bp.spectral._inputs import checked_latents
from keras_bp.spectral._loops import all_positive, compiled
from keras_bp.spectral._tensorflow import tf
from keras_bp.spectral.jacobian_operator import JacobianOperator

# TensorFlow counts the turns of a loop in int32.
_MOST_STEPS = 2**31 - 1
UNITS = ("latent", "output")

# Of a norm, so that a latent of zero has no direction.
_TINY = 1e-100
_EPSILON = {"bfloat16": 2.0**-8, "float32": 2.0**-23, "float64": 2.0**-52}


class Traversal(NamedTuple):
    """Paths that `traverse` followed, both ways from their middle.

    Args:
        latents: Tensor `(batch, 2 * steps + 1, ...)`, the start in the middle.
        outputs: Tensor `(batch, 2 * steps + 1, ...)`, of the model.
        singular_values: Tensor `(batch, 2 * steps + 1)`, those of the
            direction that is followed.
        overlaps: Tensor `(batch, 2 * steps + 1)`, the cosine between the
            direction at a point and that of half a step before; 1 at the
            start. Where it is far below 1 the direction was lost.

    Example:

    >>> from keras_bp.spectral import Traversal
    >>> Traversal._fields[:2]
    ('latents', 'outputs')
    """

    latents: object
    outputs: object
    singular_values: object
    overlaps: object


def traverse(
    model,
    z0,
    direction=0,
    steps=5,
    step_size=0.5,
    unit="latent",
    constraint=None,
):
    r"""Follows an eigenvector of the metric of a generator, both ways.

    To see what a generator varies: the eigenvectors of
    :math:`J^\top J` are what Ramesh and LeCun call quasi-disentangled
    factors. The path begins at `z0` along the eigenvector of the
    `direction`-th largest eigenvalue, and goes on along the one that overlaps
    most with the direction so far, which need not be the same in order: where
    eigenvalues cross, the branch is kept. Each step goes along the eigenvector
    at its middle. The sign of an eigenvector means nothing; at the start its
    component of largest size is positive.

    Args:
        model: Built model of one input and one output, run in inference mode.
        z0: Float tensor or array `(batch, ...)`, latents to start from.
        direction: Integer, 0 for the largest eigenvalue, -1 for the smallest.
            Defaults to `0`.
        steps: Integer, one or more, in each of both directions. Defaults to
            `5`.
        step_size: Positive float, in the unit of `unit`. Defaults to `0.5`.
        unit: String. `"latent"`: the steps have equal length in the latents;
            `"output"`: in the output, up to the third order of the step; a
            path ends where the output no longer changes, and is long in
            latents where it hardly does. Defaults to `"latent"`.
        constraint: String or None. `"sphere"`: each latent keeps its distance
            from zero, and the metric is that of the sphere, of one dimension
            less. Defaults to `None`.

    Returns:
        `Traversal`.

    Raises:
        TypeError: A count is no integer.
        ValueError: A number is out of range, a name unknown, or, in eager
            mode, with `unit="output"`, the singular value of the direction is
            zero at a start, up to rounding.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.spectral import traverse
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    >>> model.set_weights([np.diag([1.0, 4.0]), np.zeros(2)])
    >>> found = traverse(model, np.zeros((1, 2)), steps=1, unit="output")
    >>> np.round(np.asarray(found.latents[0]), 4)
    array([[ 0.   , -0.125],
           [ 0.   ,  0.   ],
           [ 0.   ,  0.125]], dtype=float32)

    Reference:
        Ramesh and LeCun, 2018, https://arxiv.org/abs/1806.00499.
    """
    owner = "traverse"
    _checks.check_integer(
        "steps", steps, owner=owner, minimum=1, maximum=_MOST_STEPS
    )
    _checks.check_positive("step_size", step_size, owner=owner)
    _checks.check_one_of("unit", unit, UNITS, owner=owner)
    if constraint is not None:
        _checks.check_one_of("constraint", constraint, ("sphere",), owner=owner)
    z0 = checked_latents(model, z0, owner)
    count = math.prod(z0.shape[1:]) - (constraint == "sphere")
    _checks.check_integer(
        "direction", direction, owner=owner, minimum=-count, maximum=count - 1
    )
    walker = _Walker(model, float(step_size), unit, constraint)

    def run(z):
        return walker.run(z, direction % count, int(steps))

    found = compiled(run)(z0)
    if unit == "output":
        _check_values(found.singular_values[:, steps], owner)
    return found


class _Walker:
    """Steps along a branch of eigenvectors.

    Args:
        model: Model.
        step_size: Float.
        unit: String of `UNITS`.
        constraint: String or None.
    """

    def __init__(self, model, step_size, unit, constraint):
        self._model, self._size = model, step_size
        self._unit, self._constraint = unit, constraint

    def run(self, start, direction, steps):
        # Both ways at once.
        z = ops.concatenate([start, start], axis=0)
        radius = norms(z)
        size = ops.shape(start)[0]
        ways = ops.concatenate([_ones(size), -_ones(size)], axis=0)
        vector = ops.zeros((2 * size, math.prod(z.shape[1:])), "float64")
        traces = [
            tf.TensorArray(dtype, 2 * steps + 1)
            for dtype in (z.dtype, "float64", "float64")
        ]

        def step(i, z, vector, value, *traces):
            # To the middle of a step, to look there, and back and to its end.
            share = ops.where(i == 0, 0.0, ops.where(i % 2 == 1, 0.5, 1.0))
            place = self._moved(z, vector, value, share, radius)
            z = ops.where(i % 2 == 1, z, place)
            values, vectors = self._system(place)
            cosines = ops.einsum("bnk,bn->bk", vectors, vector)
            first = ways[:, None] * _signs(vectors)
            first = first * ops.one_hot(
                direction, values.shape[-1], dtype="float64"
            )
            vector, value, overlap = _branch(
                values, vectors, ops.where(i == 0, first, cosines)
            )
            written = (z, value, overlap)
            traces = [
                t.write(i, x) for t, x in zip(traces, written, strict=True)
            ]
            return i + 1, z, vector, value, *traces

        _, _, _, _, *traces = tf.while_loop(
            lambda i, *_: i <= 2 * steps,
            step,
            (tf.constant(0), z, vector, ways, *traces),
            maximum_iterations=2 * steps + 1,
        )
        found = [_joined(trace.stack()[::2]) for trace in traces]
        dtype = "float64" if start.dtype == "float64" else "float32"
        found[1:] = [ops.cast(x, dtype) for x in found[1:]]
        return Traversal(found[0], self._outputs(found[0]), *found[1:])

    def _moved(self, z, vector, value, share, radius):
        length = (
            ops.cast(share, value.dtype) * self._size * ops.ones_like(value)
        )
        if self._unit == "output":
            # Where the output does not change, no length would do.
            length = ops.where(value > 0, length / value, 0.0)
        step = ops.cast(vector * ops.expand_dims(length, -1), z.dtype)
        step = ops.reshape(step, ops.shape(z))
        # Along the middle of an arc, a chord of a sphere.
        return moved(z, step, self._constraint, radius)

    def _system(self, z):
        """Singular values, descending, and right singular vectors."""
        operator = JacobianOperator(self._model, z)
        matrix = operator.dense()
        # Rounding of an eigenvalue, of the Jacobian and of the metric.
        rounding = matrix.shape[-1] * max(
            _EPSILON[operator.precision.name] ** 2, 2e-16
        )
        matrix = ops.cast(matrix, "float64")
        if self._constraint == "sphere":
            flat = ops.reshape(ops.cast(z, "float64"), (-1, matrix.shape[-1]))
            unit = flat / ops.maximum(norms(flat), _TINY)
            along = ops.einsum("bmn,bn->bm", matrix, unit)
            matrix = matrix - ops.einsum("bm,bn->bmn", along, unit)
        metric = ops.matmul(ops.transpose(matrix, (0, 2, 1)), matrix)
        squares, vectors = ops.eigh(metric)
        squares = ops.flip(squares, axis=-1)
        known = squares > rounding * squares[:, :1]
        values = ops.sqrt(ops.where(known, squares, 0.0))
        return values, ops.flip(vectors, axis=-1)

    def _outputs(self, path):
        """What the model makes of `(batch, points, ...)`."""
        flat = ops.reshape(path, (-1, *path.shape[2:]))
        made = self._model(flat, training=False)
        points = path.shape[1]
        return ops.reshape(made, (-1, points, *made.shape[1:]))


def _branch(values, vectors, cosines):
    """The eigenvector of the largest cosine, its value, and the cosine."""
    nearest = ops.argmax(ops.abs(cosines), axis=-1)
    chosen = ops.one_hot(nearest, values.shape[-1], dtype=values.dtype)
    cosine = ops.sum(chosen * cosines, axis=-1)
    sign = ops.where(cosine < 0, -ops.ones_like(cosine), ops.ones_like(cosine))
    vector = ops.einsum("bnk,bk->bn", vectors, chosen)
    value = ops.sum(chosen * values, axis=-1)
    return vector * ops.expand_dims(sign, -1), value, ops.abs(cosine)


def _signs(vectors):
    """The sign of the component of largest size of each column."""
    largest = ops.argmax(ops.abs(vectors), axis=1)
    chosen = ops.one_hot(largest, vectors.shape[1], dtype=vectors.dtype, axis=1)
    value = ops.sum(chosen * vectors, axis=1)
    return ops.where(value < 0, -ops.ones_like(value), ops.ones_like(value))


def _ones(size):
    return ops.ones((size,), "float64")


def _joined(trace):
    """`(steps + 1, 2 * batch, ...)` as one path each, the start once."""
    forward, backward = ops.split(trace, 2, axis=1)
    path = ops.concatenate([ops.flip(backward[1:], axis=0), forward], axis=0)
    return ops.moveaxis(path, 0, 1)


def _check_values(values, owner):
    if all_positive(values) is False:
        raise ValueError(
            f"{owner} expects a direction of a singular value above zero for "
            "unit='output'; unit='latent' goes there too. Received: singular "
            f"values down to {float(ops.min(values))}"
        )
