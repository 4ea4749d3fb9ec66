"""Penalties on the singular values of a Jacobian."""

import math

import keras
from keras import ops

from keras_bp import _checks, _random
from keras_bp._backend import check_tensorflow
from keras_bp._registration import serializable
from keras_bp.spectral.jacobian_operator import JacobianOperator
from keras_bp.spectral.log_det_metric import log_det_metric
from keras_bp.spectral.spectrum import spectrum

TARGETS = ("log_det", "isometry", "condition", "trace", "schatten")
# What a few products with random vectors can estimate.
_STOCHASTIC = ("log_det", "isometry", "trace")


# Below it an eigenvalue is that of a Jacobian of zeros.
_TINY = 1e-20


@serializable
class SpectralPenalty:
    r"""Penalizes what a target says of the Jacobian of a model.

    A term of a loss that shapes a generator or a decoder: give it to
    `keras_bp.spectral.Penalized`, to `keras_bp.training.SpectralGAN`, or call
    it in a training step. With the Jacobian :math:`J` of the model in
    inference mode, its singular values :math:`\sigma_i`, the metric
    :math:`M = J^\top J` of :math:`n` rows, and the ridge :math:`r`, it is
    `weight` times the mean over the latents of

    - `"log_det"`: :math:`\tfrac12 \log\det(M + r I)`, the term of the
      negative log-likelihood :math:`-\log p(G(z))` that depends on the model.
      A positive weight makes outputs likely and the volume small; a
      **negative** one makes the volume large, which is the entropy of what
      the model makes. Neither has a bound. With a `value` :math:`v`:
      :math:`(\tfrac12 \log\det(M + r I) - v)^2`, which holds the volume.
    - `"isometry"`: :math:`\|M / s - I\|_F^2` with :math:`s` = `value`, 1 by
      default: all singular values :math:`\sqrt s`. With `value="mean"` it is
      the mean eigenvalue of all latents, so that any multiple of an isometry
      costs nothing.
    - `"condition"`: :math:`\log(\sigma_1 / \sigma_n)`, with
      :math:`\sqrt{\sigma^2 + r}` for :math:`\sigma`.
    - `"trace"`: :math:`\mathrm{tr}\,M = \|J\|_F^2`.
    - `"schatten"`: :math:`(\sum_i \sigma_i^p)^{1/p}` with :math:`p` = `order`:
      1 for the nuclear norm, infinity for the largest singular value.

    All are exact, at the cost of :math:`n` forward products, unless `probes`
    are given: then `"trace"`, `"isometry"` and `"log_det"` are estimated from
    products with so many random vectors of signs for each latent: the first
    two without bias (but for `value="mean"`, a ratio), the last by Lanczos
    quadrature. Half precision is widened for what is done with the Jacobian.

    Args:
        target: String, one of the five.
        weight: Float. Zero or greater, but for `"log_det"` without a `value`.
            Defaults to `1.0`.
        value: Float, `"mean"` for `"isometry"`, or None; see the targets.
            Defaults to `None`.
        order: Float, 1 or greater, read by `"schatten"`. Defaults to `1.0`.
        ridge: Float, zero or greater, read by `"log_det"` and `"condition"`.
            Defaults to `0.0`.
        probes: Positive integer, random vectors, or None for what is exact.
            Defaults to `None`.
        seed: Integer or None, of the random vectors. Defaults to `None`.

    Call arguments:
        model: Built model of one input and one output.
        z: Float tensor `(batch, ...)`, latents.

    Returns:
        Scalar tensor, float32 or float64.

    Raises:
        RuntimeError: The backend is not TensorFlow.
        TypeError: `probes` is no integer; when called, `model` is no layer,
            such as in `compile`.
        ValueError: A name is unknown, a number out of range, or the target
            cannot be estimated or has no `value`.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.losses import SpectralPenalty
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    >>> model.set_weights([np.diag([1.0, 2.0]), np.zeros(2)])
    >>> z = np.zeros((3, 2), "float32")
    >>> round(float(SpectralPenalty("trace")(model, z)), 4)
    5.0
    >>> round(float(SpectralPenalty("isometry", value="mean")(model, z)), 4)
    0.72

    Reference:
        Ramesh and LeCun, 2018, https://arxiv.org/abs/1806.00499; isometries
        up to a factor as in Lee et al., 2022, "Regularized autoencoders for
        isometric representation learning", whose measure differs by a
        constant factor.
    """

    def __init__(
        self,
        target,
        weight=1.0,
        value=None,
        order=1.0,
        ridge=0.0,
        probes=None,
        seed=None,
    ):
        owner = type(self).__name__
        check_tensorflow(owner, "for its forward mode")
        _checks.check_one_of("target", target, TARGETS, owner=owner)
        _check_weight(weight, target, value, owner)
        _check_value(value, target, owner)
        if order != math.inf:
            _checks.check_number("order", order, owner=owner)
        if order < 1:
            raise ValueError(
                f"{owner} expects `order` to be 1 or greater. "
                f"Received: order={order!r}"
            )
        _checks.check_not_negative("ridge", ridge, owner=owner)
        self.target, self.value = target, value
        self.weight, self.ridge = float(weight), float(ridge)
        self.order = float(order)
        self.probes, self.seed = probes, seed
        self.seed_generator = None
        if probes is not None:
            _checks.check_integer("probes", probes, owner=owner, minimum=1)
            if target not in _STOCHASTIC:
                raise ValueError(
                    f"{owner} expects `probes` for one of {_STOCHASTIC} alone. "
                    f"Received: probes={probes} for target={target!r}"
                )
            self.seed_generator = _random.seed_generator(seed, self)

    def __call__(self, model, z):
        if not isinstance(model, keras.layers.Layer):
            raise TypeError(
                f"{type(self).__name__} expects a keras.Model or a layer, and "
                "latents. It is no loss for `compile`: put the decoder into "
                "keras_bp.spectral.Penalized. Received: "
                f"model={type(model).__module__}.{type(model).__name__}"
            )
        found = getattr(self, f"_{self.target}")(model, z)
        return self.weight * ops.mean(found)

    def _log_det(self, model, z):
        arguments = {"method": "exact", "ridge": self.ridge}
        if self.probes is not None:
            arguments["method"] = "slq"
            arguments["probes"] = self.probes
            arguments["seed"] = self.seed_generator
        found = 0.5 * log_det_metric(model, z, **arguments)
        return found if self.value is None else ops.square(found - self.value)

    def _isometry(self, model, z):
        if self.probes is None:
            metric = _metric(model, z)
            wanted = self._eigenvalue(
                ops.trace(metric, axis1=1, axis2=2), metric
            )
            unit = ops.eye(metric.shape[-1], dtype=metric.dtype)
            rest = metric / wanted - unit
            return ops.sum(ops.square(rest), axis=(1, 2))
        operator, vectors = self._probed(model, z)
        product = _flat(operator.gram_matvec(vectors))
        vectors = ops.cast(_flat(vectors), product.dtype)
        trace = ops.sum(product * vectors, axis=-1)
        rest = product / self._eigenvalue(trace, product) - vectors
        return ops.sum(ops.square(rest), axis=-1)

    def _eigenvalue(self, traces, like):
        """The eigenvalue that the metric should have."""
        if self.value == "mean":
            found = ops.mean(traces) / like.shape[-1]
            # Of nothing, nothing is to be divided by.
            return ops.where(found > 0, found, ops.ones_like(found))
        return 1.0 if self.value is None else self.value

    def _condition(self, model, z):
        squares = spectrum(model, z)
        largest = ops.maximum(squares[:, 0], _TINY)
        smallest = squares[:, -1]
        # Below it there is but rounding.
        least = ops.stop_gradient(largest) * _epsilon(squares.dtype) ** 2
        smallest = ops.maximum(smallest, least)
        return 0.5 * (
            ops.log(largest + self.ridge) - ops.log(smallest + self.ridge)
        )

    def _trace(self, model, z):
        if self.probes is None:
            matrix = _wide(JacobianOperator(model, z).dense())
            return ops.sum(ops.square(matrix), axis=(1, 2))
        operator, vectors = self._probed(model, z)
        return ops.sum(ops.square(_flat(operator.jvp(vectors))), axis=-1)

    def _schatten(self, model, z):
        squares = spectrum(model, z)
        # The largest one apart: a power would overflow.
        largest = squares[:, :1]
        # The root has no derivative at zero.
        moves = largest > 0
        largest = ops.where(moves, largest, ops.ones_like(largest))
        values = ops.where(moves, ops.sqrt(largest), 0 * largest)[:, 0]
        if math.isinf(self.order):
            return values
        least = _epsilon(squares.dtype)
        # A power below one has no derivative at zero.
        shares = ops.maximum(squares / largest, least**2)
        total = ops.sum(shares ** (self.order / 2), axis=-1)
        return values * total ** (1 / self.order)

    def _probed(self, model, z):
        """The operator at each latent several times, and random signs."""
        z = ops.convert_to_tensor(z)
        z = ops.repeat(z, self.probes, axis=0)
        noise = _random.uniform(ops.shape(z), self.seed_generator)
        ones = ops.where(noise < 0.5, -1.0, 1.0)
        return JacobianOperator(model, z), ops.cast(ones, z.dtype)

    def get_config(self):
        return {
            "target": self.target,
            "weight": self.weight,
            "value": self.value,
            "order": self.order,
            "ridge": self.ridge,
            "probes": self.probes,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _check_weight(weight, target, value, owner):
    if target == "log_det" and value is None:
        _checks.check_number("weight", weight, owner=owner)
    else:
        _checks.check_not_negative("weight", weight, owner=owner)


def _check_value(value, target, owner):
    if value is None:
        return
    if target not in ("log_det", "isometry"):
        raise ValueError(
            f"{owner} expects `value` for 'log_det' and 'isometry' alone. "
            f"Received: value={value!r} for target={target!r}"
        )
    if target == "log_det":
        _checks.check_number("value", value, owner=owner)
    elif value != "mean":
        _checks.check_positive("value", value, owner=owner)


def _metric(model, z):
    matrix = _wide(JacobianOperator(model, z).dense())
    return ops.matmul(ops.transpose(matrix, (0, 2, 1)), matrix)


def _wide(x):
    half = keras.backend.standardize_dtype(x.dtype) in ("float16", "bfloat16")
    return ops.cast(x, "float32") if half else x


def _flat(x):
    x = _wide(x)
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


def _epsilon(dtype):
    """Distance from 1 to the next number of a type."""
    wide = keras.backend.standardize_dtype(dtype) == "float64"
    return 2.0**-52 if wide else 2.0**-23
