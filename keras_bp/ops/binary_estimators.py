r"""The registry of gradient estimators of a binary neuron.

A binary neuron computes :math:`z = s x` (slope :math:`s`), fires or not, and
has no useful derivative. An estimator is a *local* backward rule: it replaces
:math:`\partial b / \partial z` by a weight :math:`w`, so that
:math:`\partial L / \partial x = s \, w \, \partial L / \partial b`.
"""

import collections.abc
import dataclasses
import functools
import math

from keras import ops

from keras_bp import _checks

MODES = ("deterministic", "stochastic")

_REGISTRY = {}


class BinaryForward:
    """What the backward rule of a binary neuron may read.

    Attributes:
        logits: Float tensor :math:`z = s x`, float32 or float64.
        output: The binary output :math:`b`, shape and dtype of `logits`.
        noise: The uniform draw :math:`u` in [0, 1), or None in
            deterministic mode. The neuron fired where :math:`u < p`.
        temperature: Positive float, for the rules that have one.
        probability: :math:`p = \\sigma(z)`.
    """

    def __init__(self, logits, output, noise, temperature):
        self.logits = logits
        self.output = output
        self.noise = noise
        self.temperature = temperature

    @functools.cached_property
    def probability(self):
        return ops.sigmoid(self.logits)


@dataclasses.dataclass(frozen=True)
class BinaryEstimator:
    """A backward rule and the modes for which it is defined.

    Attributes:
        name: String.
        modes: Tuple of `"deterministic"`, `"stochastic"`, or both.
        rule: Function from a `BinaryForward` to the weight :math:`w`.
    """

    name: str
    modes: tuple
    rule: collections.abc.Callable


def register_binary_estimator(name, modes=MODES):
    """Registers a backward rule under `name`, for use by `BinaryNeuron`.

    Args:
        name: String, not yet taken.
        modes: String or tuple of strings, the modes for which the rule is
            defined.

    Returns:
        A decorator for a function that takes a `BinaryForward` and returns the
        weight of the gradient, a tensor with the shape of its `logits`.

    Raises:
        ValueError: `name` is taken by another rule, or a mode is unknown.

    Example:

    >>> from keras_bp import ops
    >>> @ops.register_binary_estimator("half", modes=("deterministic",))
    ... def half(forward):
    ...     return 0.5 + 0.0 * forward.logits
    >>> "half" in ops.binary_estimators()
    True
    """
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    for mode in modes:
        _checks.check_one_of(
            "modes", mode, MODES, owner="register_binary_estimator"
        )

    def register(rule):
        # The same function defined again, in a notebook, may replace itself.
        if name in _REGISTRY and _origin(_REGISTRY[name].rule) != _origin(rule):
            raise ValueError(
                "register_binary_estimator expects a `name` that is not "
                f"taken. Received: name={name!r}"
            )
        _REGISTRY[name] = BinaryEstimator(name, tuple(modes), rule)
        return rule

    return register


def _origin(rule):
    return rule.__module__, rule.__qualname__


def binary_estimators(mode=None):
    """Lists the names of the registered estimators, sorted.

    Args:
        mode: String, only those defined for this mode, or None for all.
    """
    if mode is not None:
        _checks.check_one_of("mode", mode, MODES, owner="binary_estimators")
    return tuple(
        sorted(
            name
            for name, estimator in _REGISTRY.items()
            if mode is None or mode in estimator.modes
        )
    )


def get_binary_estimator(name, mode, *, owner="get_binary_estimator"):
    """Finds an estimator, and refuses it where it is not defined.

    Args:
        name: String, a registered name.
        mode: String, `"deterministic"` or `"stochastic"`.
        owner: String, who asks, for the message of an error.

    Raises:
        ValueError: `name` or `mode` is unknown, or the pair is not defined.
    """
    _checks.check_one_of("mode", mode, MODES, owner=owner)
    _checks.check_one_of("estimator", name, binary_estimators(), owner=owner)
    estimator = _REGISTRY[name]
    if mode not in estimator.modes:
        raise ValueError(
            f"{owner} has no estimator {name!r} in {mode} mode; defined there "
            f"are {list(binary_estimators(mode))}. "
            f"Received: mode={mode!r}, estimator={name!r}"
        )
    return estimator


@register_binary_estimator("straight_through")
def straight_through(forward):
    """:math:`w = 1` (Hinton 2012; Bengio, Leonard, Courville 2013)."""
    return ops.ones_like(forward.logits)


@register_binary_estimator("clipped")
def clipped(forward):
    """:math:`w = 1` where :math:`|z| \\le 1`, else 0 (Courbariaux 2016)."""
    return ops.cast(ops.abs(forward.logits) <= 1, forward.logits.dtype)


@register_binary_estimator("sigmoid_adjusted")
def sigmoid_adjusted(forward):
    """:math:`w = p (1 - p)` (Chung, Ahn, Bengio 2017).

    In stochastic mode it is unbiased for functions that are affine in each
    unit; on :math:`b^T A b` the bias is :math:`a_{ii} (2 p_i - 1) p_i (1-p_i)`.
    """
    p = forward.probability
    return p * (1 - p)


@register_binary_estimator("reinmax", modes=("stochastic",))
def reinmax(forward):
    """:math:`w = |b - p| / 2`, ReinMax for one bit (Liu et al. 2023).

    The trapezoid rule between the two states: unbiased for functions that are
    quadratic in each unit.
    """
    return 0.5 * ops.abs(forward.output - forward.probability)


@register_binary_estimator("gumbel", modes=("stochastic",))
def gumbel(forward):
    r""":math:`w = y (1 - y) / \tau` with the relaxed sample :math:`y`.

    :math:`y = \sigma((z - \mathrm{logit}(u)) / \tau)` at `temperature`
    :math:`\tau`, straight-through Gumbel for one bit (Jang, Gu, Poole 2017).
    """
    # Half a grid step above 0: the logarithm stays finite.
    u = ops.maximum(forward.noise, 2.0**-25)
    logistic = ops.log(u) - ops.log1p(-u)
    y = ops.sigmoid((forward.logits - logistic) / forward.temperature)
    return y * (1 - y) / forward.temperature


@register_binary_estimator("triangular")
def triangular(forward):
    """:math:`w = \\max(0, 1 - |z|)` (Liu et al. 2018, for a unit step)."""
    return ops.relu(1 - ops.abs(forward.logits))


@register_binary_estimator("swish")
def swish(forward):
    r"""Half the derivative of SwishSign (Darabi et al. 2019), for a unit step.

    :math:`w = \beta (1 - \frac{\beta z}{2} \tanh \frac{\beta z}{2})
    / (1 + \cosh \beta z)` with :math:`\beta = 5`. Beyond :math:`|z| = 16` it
    is below 1e-30 and set to 0.
    """
    z = ops.clip(5.0 * forward.logits, -80.0, 80.0)
    w = 5.0 * (1 - 0.5 * z * ops.tanh(0.5 * z)) / (1 + ops.cosh(z))
    return ops.where(ops.abs(z) < 80.0, w, ops.zeros_like(w))


@register_binary_estimator("arctan")
def arctan(forward):
    r""":math:`w = 1 / (1 + (\pi z)^2)` (Fang et al. 2021)."""
    return 1 / (1 + ops.square(math.pi * forward.logits))
