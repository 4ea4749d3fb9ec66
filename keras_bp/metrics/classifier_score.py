"""How sure a classifier is of samples, and how diverse they are."""

import numpy as np

from keras_bp import _checks
from keras_bp.metrics._inputs import probabilities_of


def classifier_score(probabilities):
    r"""Exponential of the mean divergence of predictions from their mean.

    .. math::
        \exp \frac{1}{n} \sum_i \sum_c p_{ic} \log \frac{p_{ic}}
        {\frac{1}{n} \sum_j p_{jc}}

    From 1 where all predictions are alike to the number of classes where each
    is sure and all are hit equally often. With the Inception network it is
    the inception score. It grows with the number of samples; see
    `batch_classifier_scores`.

    Args:
        probabilities: Float array of shape `(samples, classes)`, zero or
            greater, of rows that add up to 1 to a hundredth; what single or
            half precision lost is made up for.

    Returns:
        Float from 1 to `classes`.

    Raises:
        TypeError: `probabilities` holds no real numbers.
        ValueError: `probabilities` is of another shape, empty, or holds no
            probabilities.

    Example:

    >>> import numpy as np
    >>> from keras_bp.metrics import classifier_score
    >>> round(classifier_score(np.eye(10)), 6)
    10.0
    >>> round(classifier_score(np.full((5, 10), 0.1)), 6)
    1.0

    Reference:
        Salimans et al., 2016, https://arxiv.org/abs/1606.03498, section 4.
    """
    return _score(probabilities_of(probabilities, owner="classifier_score"))


def batch_classifier_scores(probabilities, batch_size=64):
    """Classifier score of each full batch of samples.

    Their mean can be compared with the score of so few samples, and their
    standard deviation says how well it is known.

    Args:
        probabilities: Float array of shape `(samples, classes)`, as for
            `classifier_score`.
        batch_size: Positive integer. Samples after the last full batch are
            left out. Defaults to `64`.

    Returns:
        Float64 array of shape `(samples // batch_size,)`.

    Raises:
        TypeError: `probabilities` holds no real numbers, or `batch_size` is
            no integer.
        ValueError: `probabilities` is of another shape, does not fill one
            batch, or holds no probabilities.

    Example:

    >>> import numpy as np
    >>> from keras_bp.metrics import batch_classifier_scores
    >>> sure = np.eye(4)[[0, 1, 2, 2, 3]]
    >>> print(batch_classifier_scores(sure, batch_size=2))
    [2. 1.]

    See also `classifier_score`.
    """
    owner = "batch_classifier_scores"
    _checks.check_integer("batch_size", batch_size, minimum=1, owner=owner)
    probabilities = probabilities_of(probabilities, owner=owner)
    count = len(probabilities) // batch_size
    if count == 0:
        raise ValueError(
            f"{owner} expects `probabilities` of a full batch or more. "
            f"Received: {len(probabilities)} samples, batch_size={batch_size}"
        )
    batches = np.split(probabilities[: count * batch_size], count)
    return np.array([_score(batch) for batch in batches])


def _score(probabilities):
    mean = probabilities.mean(axis=0)
    # Both entropies, of which 0 log 0 = 0.
    spread = _entropy(mean) - np.mean(_entropy(probabilities))
    return float(np.exp(max(0.0, spread)))


def _entropy(probabilities):
    logs = np.log(np.where(probabilities > 0, probabilities, 1.0))
    return -np.sum(probabilities * logs, axis=-1)
