"""What a code with bit-wise decoding could carry over a channel."""

import numpy as np

from keras_bp import _checks

_CHUNK = 4_000_000
# Below it a sum of exponentials has lost digits.
_SMALLEST = 1e-290


def generalized_mutual_information(
    received, sent_indices, points, labels, noise_power=None
):
    r"""Information per symbol that bit-wise decoding can use.

    .. math::
        m - \frac{1}{N} \sum_{t,b} \log_2 \frac
        {\sum_{s} e^{-|y_t - s|^2 / \sigma^2}}
        {\sum_{s: b(s) = b(x_t)} e^{-|y_t - s|^2 / \sigma^2}}

    for equally likely points and a circular Gaussian metric, which the noise
    of the channel need not follow: then it is a lower bound.

    Args:
        received: Complex array of shape `(symbols,)`, scaled as `points`.
        sent_indices: Integer array of that shape, indices into `points`.
        points: Complex array of shape `(order,)`.
        labels: Integer array of shape `(order, bits)`, of 0 and 1.
        noise_power: Positive float :math:`\sigma^2` of the metric, or None
            for the mean of :math:`|y - x|^2`. Defaults to `None`.

    Returns:
        Float, bits per symbol, 0 to `bits`; below 0 for a metric that does
        not fit.

    Raises:
        ValueError: The shapes do not fit, an index or label is out of range,
            or `noise_power` is not positive.

    Example:

    >>> import numpy as np
    >>> from keras_bp.metrics import generalized_mutual_information
    >>> points, labels = np.array([-1.0, 1.0]), np.array([[0], [1]])
    >>> sent = np.array([0, 1, 1, 0])
    >>> y = points[sent] + 0.05
    >>> round(generalized_mutual_information(y, sent, points, labels), 6)
    1.0

    Reference:
        Alvarado et al., 2018, "Achievable Information Rates for Fiber Optics:
        Applications and Computations", https://arxiv.org/abs/1709.10393.
    """
    received, sent = np.ravel(received), np.ravel(sent_indices)
    points, labels = np.asarray(points), np.asarray(labels)
    _check(received, sent, points, labels)
    if noise_power is None:
        noise_power = np.mean(np.abs(received - points[sent]) ** 2)
        # Without noise every bit arrives.
        noise_power = max(float(noise_power), 1e-300)
    else:
        _checks.check_positive(
            "noise_power", noise_power, owner="generalized_mutual_information"
        )
    loss, size = 0.0, max(1, _CHUNK // len(points))
    for start in range(0, len(sent), size):
        part = slice(start, start + size)
        loss += _loss(received[part], sent[part], points, labels, noise_power)
    return float(labels.shape[1] - loss / len(sent))


def _loss(received, sent, points, labels, noise_power):
    """Sum over symbols and bits of the logarithm, in bits."""
    exponent = -(np.abs(received[:, None] - points) ** 2) / noise_power
    exponent -= exponent.max(axis=1, keepdims=True)
    weight = np.exp(exponent)
    total = weight.sum(axis=1)
    # Not one as the difference from the other, which may cancel.
    with_one = weight @ labels.astype("float64")
    with_zero = weight @ (1.0 - labels)
    found = 0.0
    for bit, one, zero in zip(labels.T, with_one.T, with_zero.T, strict=True):
        is_one = bit[sent] == 1
        shared = np.where(is_one, one, zero)
        known = shared > _SMALLEST
        found -= np.sum(np.log2(shared[known] / total[known]))
        # The points that share the bit are all far: their own maximum.
        far = np.flatnonzero(~known)
        among = np.where(bit == is_one[far, None], exponent[far], -np.inf)
        peak = among.max(axis=1, keepdims=True)
        rest = np.log(np.exp(among - peak).sum(axis=1)) + peak[:, 0]
        found += np.sum(np.log2(total[far]) - rest / np.log(2))
    return found


def _check(received, sent, points, labels):
    owner = "generalized_mutual_information"
    if (
        received.shape != sent.shape
        or received.size == 0
        or labels.shape[:1] != points.shape
        or labels.ndim != 2
    ):
        raise ValueError(
            f"{owner} expects as many received as sent symbols, and as many "
            "labels as points. Received: shapes "
            f"{received.shape}, {sent.shape}, {points.shape}, {labels.shape}"
        )
    integers = np.issubdtype(sent.dtype, np.integer)
    if not integers or sent.min() < 0 or sent.max() >= len(points):
        raise ValueError(
            f"{owner} expects `sent_indices` to be integers from 0 to "
            f"{len(points) - 1}. Received: {sent.dtype} from {sent.min()} to "
            f"{sent.max()}"
        )
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(
            f"{owner} expects `labels` to hold 0 and 1. "
            f"Received: {np.unique(labels)[:5]}"
        )
