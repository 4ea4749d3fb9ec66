"""The area under the ROC curve at few false positives, as a loss."""

from keras import ops

from keras_bp._registration import serializable
from keras_bp.losses._pairs import pair_mean
from keras_bp.losses._ranking_loss import RankingLoss, check_share, defined
from keras_bp.losses._sums import running_sum


@serializable
class PartialAUC(RankingLoss):
    r"""One minus the share of the area under the ROC curve up to `max_fpr`.

    When few false positives can be afforded, and the rest of the curve does
    not matter. The area of the true positive rate over false positive rates in
    :math:`[0, \alpha]`, divided by :math:`\alpha`, is the share of pairs in
    order, of a positive and one of the share :math:`\alpha` of the negatives
    with the highest scores. The loss is `PairwiseAUC` on these. The negative
    at the edge counts with the fraction of it that is inside, so that a small
    batch has at least that one.

    With `"sigmoid"` and `scale` to infinity it is 1 minus the area over
    :math:`\alpha`, not standardized. `sklearn.metrics.roc_auc_score(max_fpr=)`
    standardizes that share :math:`a` after McClish to
    :math:`(1 + (a - \alpha / 2) / (1 - \alpha / 2)) / 2`. The two agree but
    where a positive and a negative tie at the edge itself, which counts half
    here.

    The choice of negatives is constant in the backward pass, by which the
    gradient is exact wherever it exists: for a surrogate that rises with the
    score of the negative, this choice is the worst one. `"squared"` falls
    below its margin, and is the loss on this choice only.

    Targets, weights and `reduction` are as in `PairwiseAUC`: each label by
    itself, one with a single class counts for nothing, `reduction` is over
    labels. `sample_weight` also weighs the share of the negatives, and a
    `class_weight` of a single label changes nothing.

    Args:
        max_fpr: Float in (0, 1], :math:`\alpha`.
        surrogate: String, see `PairwiseAUC`. Defaults to `"sigmoid"`.
        scale: Positive float, see there. Defaults to `1.0`.
        margin: Float or None, see there. Defaults to `None`.
        from_logits: Boolean, whether the sigmoid of `y_pred` is compared.
            Defaults to `False`.
        name: String. Defaults to `"partial_auc"`.
        **kwargs: `reduction` and `dtype`, see `keras.losses.Loss`.

    Raises:
        ValueError: An argument is out of range, or shapes do not match.

    Example:

    >>> from keras_bp.losses import PartialAUC
    >>> loss = PartialAUC(max_fpr=0.5, surrogate="hinge")
    >>> float(loss([0.0, 0.0, 1.0], [0.0, 2.0, 2.5]))
    0.5

    Reference:
        Narasimhan and Agarwal, 2013,
        https://proceedings.mlr.press/v28/narasimhan13.html, for the range from
        0; McClish, 1989, https://doi.org/10.1177/0272989X8900900307.
    """

    def __init__(
        self,
        max_fpr,
        surrogate="sigmoid",
        scale=1.0,
        margin=None,
        from_logits=False,
        name="partial_auc",
        **kwargs,
    ):
        super().__init__(
            surrogate, scale, margin, from_logits, name=name, **kwargs
        )
        check_share("max_fpr", max_fpr, owner=type(self).__name__)
        self.max_fpr = float(max_fpr)

    def label_losses(self, positive, negative, scores):
        values = pair_mean(
            positive,
            _highest(negative, scores, self.max_fpr),
            scores,
            self.surrogate,
            self.scale,
            self.own_margin(),
        )
        return values, defined(positive, negative)

    def get_config(self):
        return {**super().get_config(), "max_fpr": self.max_fpr}


def _highest(weights, scores, share):
    """What is left of the weights of the highest scores, up to a share."""
    scores = ops.stop_gradient(scores)
    lowest = ops.min(scores, axis=-1, keepdims=True)
    # Without a weight it does not matter where.
    order = ops.argsort(-ops.where(weights > 0, scores, lowest), axis=-1)
    place = ops.argsort(order, axis=-1)
    down = ops.take_along_axis(weights, order, axis=-1)
    before = running_sum(down) - down
    left = share * ops.sum(weights, axis=-1, keepdims=True) - before
    kept = ops.minimum(ops.maximum(left, 0.0), down)
    return ops.take_along_axis(kept, place, axis=-1)
