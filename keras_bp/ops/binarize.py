"""A unit step, or a Bernoulli draw, with a chosen backward rule."""

import keras
from keras import ops

from keras_bp import _checks
from keras_bp.ops._wide import wide_dtype
from keras_bp.ops.binary_estimators import BinaryForward, get_binary_estimator


def binarize(
    x,
    mode="deterministic",
    estimator="sigmoid_adjusted",
    slope=1.0,
    noise=None,
    temperature=1.0,
):
    r"""Turns logits into `{0, 1}`, with a gradient by `estimator`.

    Forward, with :math:`z` = `slope` :math:`x`: deterministic :math:`b = 1`
    where :math:`z > 0`; stochastic :math:`b = 1` where
    :math:`u < \sigma(z)`, for the uniform `noise` :math:`u`. A logit of 0
    gives 0 in deterministic mode. A NaN stays NaN, so that a
    divergence is not hidden.

    Backward: :math:`\partial L/\partial x = s\,w\,\partial L/\partial b`,
    where :math:`s` = `slope` and the estimator sets :math:`w`. `slope` and
    `noise` get no gradient.

    Args:
        x: Float tensor of any shape, logits.
        mode: String, `"deterministic"` or `"stochastic"`.
        estimator: String, a name from `binary_estimators(mode)`.
        slope: Positive float or scalar tensor.
        noise: Tensor, uniform in [0, 1), with the shape of `x`; needed in
            stochastic mode.
        temperature: Positive float, for the estimators that have one.

    Returns:
        Tensor with the shape and dtype of `x`. Half precision is computed in
        float32 inside.

    Raises:
        ValueError: The pair of mode and estimator is not defined, or `noise`
            is missing.

    Reference:
        Dong and Yang, 2018, https://arxiv.org/abs/1810.04714, equations 6, 7.
    """
    rule = get_binary_estimator(estimator, mode, owner="binarize").rule
    _checks.check_positive("temperature", temperature, owner="binarize")
    if mode == "stochastic" and noise is None:
        raise ValueError(
            "binarize expects `noise`, uniform in [0, 1), in stochastic mode. "
            "Received: noise=None"
        )
    if not (ops.is_tensor(slope) or isinstance(slope, keras.Variable)):
        _checks.check_positive("slope", slope, owner="binarize")
    # A copy: the custom gradient refuses a variable.
    x = ops.copy(_checks.as_tensor("x", x, owner="binarize"))
    if noise is not None:
        noise = _checks.as_tensor("noise", noise, owner="binarize")
    if noise is not None and not _checks.shapes_agree(noise.shape, x.shape):
        raise ValueError(
            "binarize expects `noise` of the shape of `x`. Received: "
            f"noise.shape={tuple(noise.shape)}, x.shape={tuple(x.shape)}"
        )
    dtype = wide_dtype(x)
    arguments = [x, ops.copy(ops.cast(slope, dtype))]
    if mode == "stochastic":
        arguments.append(ops.cast(noise, dtype))

    @ops.custom_gradient
    def step(x, slope, *noise):
        logits = ops.cast(x, dtype) * slope
        forward = _fire(logits, *noise, temperature=temperature)

        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            dx = ops.cast(upstream, dtype) * (rule(forward) * slope)
            rest = [ops.zeros_like(value) for value in (slope, *noise)]
            return (ops.cast(dx, x.dtype), *rest)

        return ops.cast(forward.output, x.dtype), grad

    return step(*arguments)


def _fire(logits, noise=None, *, temperature):
    forward = BinaryForward(logits, None, noise, temperature)
    if noise is None:
        margin = logits
        fires = logits > 0
    else:
        margin = forward.probability
        fires = noise < margin
    one = ops.cast(1.0, logits.dtype)
    zero = ops.cast(0.0, logits.dtype)
    quiet = ops.where(ops.isnan(margin), margin, zero)
    forward.output = ops.where(fires, one, quiet)
    return forward
