"""What a code with bit-wise decoding could carry over a channel."""

import numpy as np

_CHUNK = 4_000_000


def generalized_mutual_information(
    received, sent, points, labels, noise_power=None
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
        sent: Integer array of that shape, indices into `points`.
        points: Complex array of shape `(order,)`.
        labels: Integer array of shape `(order, bits)`, of 0 and 1.
        noise_power: Positive float :math:`\sigma^2` of the metric, or None
            for the mean of :math:`|y - x|^2`. Defaults to `None`.

    Returns:
        Float, bits per symbol, 0 to `bits`; below 0 for a metric that does
        not fit.

    Raises:
        ValueError: The shapes do not fit, or `noise_power` is not positive.

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
    received, sent = np.ravel(received), np.ravel(sent)
    points, labels = np.asarray(points), np.asarray(labels)
    if (
        received.shape != sent.shape
        or received.size == 0
        or labels.shape[:1] != points.shape
        or labels.ndim != 2
    ):
        raise ValueError(
            "generalized_mutual_information expects as many received as sent "
            "symbols, and as many labels as points. Received: shapes "
            f"{received.shape}, {sent.shape}, {points.shape}, {labels.shape}"
        )
    if noise_power is None:
        noise_power = np.mean(np.abs(received - points[sent]) ** 2)
        # Without noise every bit arrives.
        noise_power = max(float(noise_power), 1e-300)
    if not noise_power > 0:
        raise ValueError(
            "generalized_mutual_information expects `noise_power` to be above "
            f"zero. Received: noise_power={noise_power}"
        )
    loss, size = 0.0, max(1, _CHUNK // len(points))
    for start in range(0, len(sent), size):
        part = slice(start, start + size)
        loss += _loss(received[part], sent[part], points, labels, noise_power)
    return labels.shape[1] - loss / len(sent)


def _loss(received, sent, points, labels, noise_power):
    """Sum over symbols and bits of the logarithm, in bits."""
    exponent = -(np.abs(received[:, None] - points) ** 2) / noise_power
    exponent -= exponent.max(axis=1, keepdims=True)
    weight = np.exp(exponent)
    total = np.log2(weight.sum(axis=1))
    found = 0.0
    for bit in labels.T:
        alike = bit[None] == bit[sent][:, None]
        # The points that share the bit may all be far: their own maximum.
        among = np.where(alike, exponent, -np.inf)
        peak = among.max(axis=1, keepdims=True)
        shared = np.log2(np.exp(among - peak).sum(axis=1))
        found += np.sum(total - shared - peak[:, 0] / np.log(2))
    return found
