"""The area under the ROC curve as a loss over pairs."""

from keras_bp._registration import serializable
from keras_bp.losses._pairs import pair_mean
from keras_bp.losses._ranking_loss import RankingLoss, defined


@serializable
class PairwiseAUC(RankingLoss):
    r"""One minus the area under the ROC curve, with a smooth surrogate.

    When the order of the scores matters and not their values, as with classes
    of very different sizes. The area is the share of pairs, a positive
    :math:`i` and a negative :math:`j`, that are in order; the loss is the mean
    over all pairs of the batch of

    .. math::
        \phi(m - \beta (s_i - s_j))

    with :math:`\phi(z)` the logistic function for `"sigmoid"`,
    :math:`\max(0, z)` for `"hinge"`, :math:`z^2` for `"squared"`, and
    :math:`\log(1 + e^z)` for `"logistic"`. The sigmoid with
    :math:`\beta \to \infty` is 1 minus the exact area, ties counting half.

    The loss does not decompose over examples; the batch is what is ranked:

    * An example is positive where `y_true` is above 0.5. Each column of
      `y_true` and `y_pred` is a problem of its own. One without positives or
      without negatives in the batch counts for nothing.
    * `sample_weight`, of shape `(batch,)`, `(batch, 1)` or `(batch, labels)`:
      a pair weighs the product of the weights of its examples, and the mean is
      over the weights, so that a common factor changes nothing. So a
      `class_weight` of a single label changes nothing either, since all
      pairs have the same. Weights are not negative, and get no gradient.
    * `reduction` is over labels: their mean, their sum, or with `None` one
      loss per label. `"mean_with_sample_weight"` is `"mean"`.
    * A replica of `tf.distribute` ranks its own part of the batch.

    `"squared"` takes O(batch) and `"hinge"` O(batch log batch) operations.
    The others take O(positives x negatives), in blocks, so that the memory is
    O(batch). Half precision is widened to float32. Gradients of second order
    exist, but for `"sigmoid"` and `"logistic"` not under XLA or JAX.

    Args:
        surrogate: String, `"sigmoid"`, `"hinge"`, `"squared"` or
            `"logistic"`. Defaults to `"sigmoid"`.
        scale: Positive float, :math:`\beta`, per unit of score.
            Defaults to `1.0`.
        margin: Float, not negative, :math:`m`, or None for 1 with `"hinge"`
            and `"squared"`, and 0 with the others. Defaults to `None`.
        from_logits: Boolean. If true the sigmoid of `y_pred` is compared, so
            that scores are bounded, instead of `y_pred` itself, which may be
            any numbers. Defaults to `False`.
        name: String. Defaults to `"pairwise_auc"`.
        **kwargs: `reduction` and `dtype`, see `keras.losses.Loss`.

    Raises:
        ValueError: An argument is out of range, or shapes do not match.

    Example:

    >>> from keras_bp.losses import PairwiseAUC
    >>> loss = PairwiseAUC("hinge")
    >>> float(loss([0.0, 0.0, 1.0], [0.0, 2.0, 2.5]))
    0.25

    Reference:
        Yan et al., 2003, "Optimizing classifier performance via an
        approximation to the Wilcoxon-Mann-Whitney statistic"; Gao and Zhou,
        2015, https://arxiv.org/abs/1208.0645, on the consistency of
        surrogates, by which the hinge is not.
    """

    def __init__(
        self,
        surrogate="sigmoid",
        scale=1.0,
        margin=None,
        from_logits=False,
        name="pairwise_auc",
        **kwargs,
    ):
        super().__init__(
            surrogate, scale, margin, from_logits, name=name, **kwargs
        )

    def label_losses(self, positive, negative, scores):
        values = pair_mean(
            positive,
            negative,
            scores,
            self.surrogate,
            self.scale,
            self.own_margin(),
        )
        return values, defined(positive, negative)
