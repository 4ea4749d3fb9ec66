"""Precision at a given recall as a loss."""

from keras import ops

from keras_bp._registration import serializable
from keras_bp.losses._ranking_loss import RankingLoss, check_share, defined
from keras_bp.losses._sums import running_sum
from keras_bp.losses._surrogates import SURROGATES

# Rounding of a sum of weights must not ask for one positive more.
_SLACK = 1e-6


@serializable
class PrecisionAtRecall(RankingLoss):
    r"""One minus the precision at the threshold of a given recall.

    When so many of the positives must be found, with as few false alarms as
    possible. The threshold :math:`\tau` is a quantile of the scores of the
    positives of the batch: the highest one at which their share in it, the
    recall, is `recall` or more. So the constraint holds exactly, without a
    multiplier, and what is minimized is

    .. math::
        1 - \frac{T}{T + F}, \quad
        F = \sum_j w_j\, \phi(m + \beta (s_j - \tau))

    where :math:`T` is the weight of the positives at or above :math:`\tau`,
    constant in the backward pass, and the sum is over the negatives. The
    gradient passes through :math:`\tau` to the positive whose score it is.
    The surrogates are those of `PairwiseAUC`. The hinge is at least 1 for each
    false alarm, and so bounds the loss from above, as in the Lagrangian
    method; the sigmoid with `scale` to infinity is 1 minus the exact
    precision, where a negative at :math:`\tau` itself counts half.

    Targets, weights and `reduction` are as in `PairwiseAUC`: each label by
    itself, one with a single class counts for nothing, and `reduction` is over
    labels. `sample_weight` weighs the recall and both sums. The precision
    compares the two classes, so a `class_weight` of a single label changes it.

    Args:
        recall: Float in (0, 1].
        surrogate: String, `"sigmoid"`, `"hinge"` or `"logistic"`. Defaults to
            `"sigmoid"`.
        scale: Positive float, :math:`\beta`. Defaults to `1.0`.
        margin: Float, not negative, :math:`m`, or None for 1 with `"hinge"`,
            and 0 with the others. Defaults to `None`.
        from_logits: Boolean, whether the sigmoid of `y_pred` is compared.
            Defaults to `False`.
        name: String. Defaults to `"precision_at_recall"`.
        **kwargs: `reduction` and `dtype`, see `keras.losses.Loss`.

    Raises:
        ValueError: An argument is out of range, or shapes do not match.

    Example:

    >>> from keras_bp.losses import PrecisionAtRecall
    >>> loss = PrecisionAtRecall(recall=0.5, surrogate="hinge")
    >>> float(loss([0.0, 0.0, 1.0, 1.0], [-1.0, 2.0, 1.0, 2.0]))
    0.5

    Reference:
        Mackey, Luo and Eban, 2018, https://arxiv.org/abs/1803.00067, for the
        quantile in place of the constraint; Eban et al., 2017,
        https://arxiv.org/abs/1608.04802, for the bounds by surrogates, and
        the Lagrangian.
    """

    surrogates = ("sigmoid", "hinge", "logistic")

    def __init__(
        self,
        recall,
        surrogate="sigmoid",
        scale=1.0,
        margin=None,
        from_logits=False,
        name="precision_at_recall",
        **kwargs,
    ):
        super().__init__(
            surrogate, scale, margin, from_logits, name=name, **kwargs
        )
        check_share("recall", recall, owner=type(self).__name__)
        self.recall = float(recall)

    def label_losses(self, positive, negative, scores):
        threshold = _threshold(positive, scores, self.recall)
        at_least = scores >= ops.stop_gradient(threshold)
        found = ops.sum(positive * ops.cast(at_least, scores.dtype), axis=-1)
        value, _, _ = SURROGATES[self.surrogate]
        z = self.own_margin() + self.scale * (scores - threshold)
        alarms = ops.sum(negative * value(z), axis=-1)
        known = defined(positive, negative)
        found = ops.where(known, found, ops.ones_like(found))
        return alarms / (found + alarms), known

    def get_config(self):
        return {**super().get_config(), "recall": self.recall}


def _threshold(positive, scores, recall):
    """The highest score at which the recall is reached, `(labels, 1)`."""
    fixed = ops.stop_gradient(scores)
    lowest = ops.min(fixed, axis=-1, keepdims=True)
    # Without a weight it does not matter where.
    order = ops.argsort(-ops.where(positive > 0, fixed, lowest), axis=-1)
    reached = running_sum(ops.take_along_axis(positive, order, axis=-1))
    needed = recall * (1.0 - _SLACK) * reached[:, -1:]
    first = ops.argmax(ops.cast(reached >= needed, "int32"), axis=-1)
    index = ops.take_along_axis(order, ops.expand_dims(first, -1), axis=-1)
    return ops.take_along_axis(scores, index, axis=-1)
