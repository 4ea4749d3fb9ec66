"""Identity forward, masked gradient backward; and the masks of Backdrop."""

import math

import keras
from keras import ops

from keras_bp import _checks

SCALES = ("empirical", "inverse", "none")


def mask_gradient(x, mask):
    r"""Returns `x`, and multiplies its gradient by `mask`.

    Forward: :math:`y = x`. Backward:
    :math:`\partial L/\partial x = m \odot \partial L/\partial y`. The
    product is taken in the wider dtype of the two, then cast to that of `x`.
    Each backward pass masks once, so that a gradient of second order has the
    factor :math:`m_i m_j`. (JAX differentiates the first gradient as it is:
    :math:`m_i`.)

    Args:
        x: Float tensor.
        mask: Float tensor with the rank of `x` whose axes have the size of
            those of `x`, or 1; or a function that takes the incoming gradient
            and returns one. The function is called in the backward pass, so
            that no mask is kept meanwhile.

    Returns:
        Tensor with the shape and dtype of `x`.
    """
    make_mask = mask if callable(mask) else lambda upstream: mask

    @ops.custom_gradient
    def identity(x):
        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            m = ops.convert_to_tensor(make_mask(upstream))
            wide = keras.backend.result_type(upstream.dtype, m.dtype)
            masked = ops.cast(upstream, wide) * ops.cast(m, wide)
            return ops.cast(masked, upstream.dtype)

        return ops.copy(x), grad

    # A copy: the custom gradient refuses a variable.
    return identity(ops.copy(x))


def backdrop_mask(noise, rate, cell_axes, scale="empirical"):
    r"""Turns uniform noise into the gradient mask of Backdrop.

    A cell survives where :math:`u \ge r`. With the scale `"empirical"` the
    mask is :math:`m = N/K` on the :math:`K` survivors of :math:`N` cells and 0
    elsewhere; if no cell survives, the cell of the largest :math:`u` does,
    which is a uniform choice. So :math:`\sum m = N` always, and by symmetry
    :math:`E[m] = 1` exactly.

    Args:
        noise: Float tensor, uniform in [0, 1), with the shape of the mask.
        rate: Float in [0, 1), probability :math:`r` that a cell is dropped;
            or a scalar float tensor or variable of such a value, which is not
            checked. It is compared in float32 or wider, so that a rate of
            0.999 is not 1 for noise of half precision.
        cell_axes: Tuple of axes over which :math:`N` and :math:`K` are
            counted. Along the other axes the masks are independent.
        scale: `"empirical"`: :math:`N/K`. `"inverse"`: :math:`1/(1-r)`, with
            masks that can be empty, else it would be biased. `"none"`: 1,
            never empty.

    Returns:
        Tensor with the shape and dtype of `noise`.

    Reference:
        Golkar and Cranmer, 2018, https://arxiv.org/abs/1806.01337. Their
        published code counts the survivors in the same way.
    """
    if not (ops.is_tensor(rate) or isinstance(rate, keras.Variable)):
        _checks.check_rate("rate", rate, owner="backdrop_mask")
    _checks.check_one_of("scale", scale, SCALES, owner="backdrop_mask")
    noise = _checks.as_tensor("noise", noise, owner="backdrop_mask")
    _check_axes(cell_axes, len(noise.shape))
    if 0 in noise.shape:
        return noise
    wide = keras.backend.result_type(noise.dtype, "float32")
    rate, u = ops.cast(rate, wide), ops.cast(noise, wide)
    if scale == "inverse":
        # A choice, not a product: a rate that rounds to 1 divides by zero.
        mask = ops.where(u >= rate, 1.0 / (1.0 - rate), 0.0)
    else:
        mask = _never_empty(u, rate, cell_axes, counted=scale == "empirical")
    return ops.cast(mask, noise.dtype)


def _check_axes(axes, rank):
    known = isinstance(axes, (tuple, list)) and axes
    if not known or any(axis not in range(-rank, rank) for axis in axes):
        raise ValueError(
            "backdrop_mask expects `cell_axes` to be a tuple of axes of the "
            f"noise, of rank {rank}. Received: cell_axes={axes!r}"
        )


def _never_empty(u, rate, cell_axes, counted):
    """Where no cell survives, the cell of the largest `u` does."""
    # From 0 where a batch may yet be empty, so that it has a largest one too;
    # under PyTorch, where none may, Keras would put that 0 on the CPU.
    initial = 0.0 if None in u.shape else None
    largest = ops.max(u, axis=cell_axes, keepdims=True, initial=initial)
    keep = ops.cast(u >= ops.minimum(largest, rate), u.dtype)
    if not counted:
        return keep
    sizes = ops.shape(u)
    cells = ops.cast(math.prod(sizes[axis] for axis in cell_axes), u.dtype)
    return keep * (cells / ops.sum(keep, axis=cell_axes, keepdims=True))
