"""The rotation of a signal by a phase that follows its power."""

from keras import ops

from keras_bp import _checks
from keras_bp.ops._wide import floor

PHASORS = ("exact", "taylor2", "taylor3")

# A sixth in eight bits, 0.16699: what a multiplier of hardware gets.
SIXTH = 171 / 1024


def kerr_rotation(u, theta, method="exact"):
    r"""Rotates complex samples, :math:`z = u (c - j s)`.

    Args:
        u: Float tensor of shape `(batch, time, 2 * n)`, I and Q in turns.
        theta: Float tensor of shape `(batch, time, 1)`, the phase in radians,
            the same for all n signals.
        method: String, how :math:`c - js \approx e^{-j\theta}` is computed.
            `"exact"`: by cosine and sine. `"taylor2"`:
            :math:`c = 1 - \theta^2/2, s = \theta`. `"taylor3"`: the same
            with :math:`s = \theta - \tfrac{171}{1024} \theta^3`.

    Returns:
        Tensor with the shape and dtype of `u`.

    Raises:
        ValueError: `method` is unknown, or the channels of `u` are odd.
    """
    u = _checks.as_tensor("u", u, owner="kerr_rotation", rank=3)
    if u.shape[-1] is None or u.shape[-1] % 2:
        raise ValueError(
            "kerr_rotation expects an even number of channels, I and Q of "
            f"each signal. Received: shape={tuple(u.shape)}"
        )
    theta = _checks.as_tensor("theta", theta, owner="kerr_rotation", rank=3)
    return rotate(u, *phasor(theta, method))


def phasor(theta, method="exact"):
    """Cosine and sine of `theta`, or their Taylor polynomials.

    Args:
        theta: Float tensor, radians.
        method: String, see `kerr_rotation`.

    Returns:
        Two tensors with the shape and dtype of `theta`.
    """
    _checks.check_one_of("method", method, PHASORS, owner="kerr_rotation")
    if method == "exact":
        return ops.cos(theta), ops.sin(theta)
    square = ops.square(theta)
    cosine = 1.0 - 0.5 * square
    if method == "taylor2":
        return cosine, theta
    return cosine, theta - theta * (square * SIXTH)


def lookup_phasor(theta, cosines, sines, smallest, step):
    r"""Cosine and sine of `theta` from tables.

    Forward: entry :math:`\lfloor \theta / \Delta \rfloor - a_0` of each table.
    Backward: the derivative of cosine and sine with the entries in their
    places, :math:`-s` and :math:`c`.

    Args:
        theta: Float tensor, radians.
        cosines: Float tensor of shape `(entries,)`.
        sines: Float tensor of that shape.
        smallest: Integer :math:`a_0`, of the first entry.
        step: Float :math:`\Delta`, a power of two, radians per entry.

    Returns:
        Two tensors with the shape and dtype of `theta`.
    """

    # One result each: PyTorch's custom gradient has but one upstream.
    @ops.custom_gradient
    def look_up(theta, table, slopes):
        index = floor(theta * (1.0 / step)) - smallest
        index = ops.clip(index, 0, table.shape[0] - 1)
        index = ops.cast(index, "int32")

        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            return (
                upstream * ops.take(slopes, index),
                ops.zeros_like(table),
                ops.zeros_like(slopes),
            )

        return ops.take(table, index), grad

    return look_up(theta, cosines, -sines), look_up(theta, sines, cosines)


def rotate(u, cosine, sine):
    """The product of `u` and `cosine - j sine`.

    Args:
        u: Float tensor of shape `(batch, time, 2 * n)`, I and Q in turns.
        cosine: Float tensor of shape `(batch, time, 1)`.
        sine: Float tensor of that shape.

    Returns:
        Tensor with the shape and dtype of `u`.
    """
    pairs = ops.reshape(u, (-1, *ops.shape(u)[1:-1], u.shape[-1] // 2, 2))
    i, q = pairs[..., 0], pairs[..., 1]
    rotated = ops.stack([i * cosine + q * sine, q * cosine - i * sine], axis=-1)
    return ops.reshape(rotated, (-1, *ops.shape(u)[1:]))
