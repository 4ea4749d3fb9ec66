"""The F-measure of probabilities as a loss."""

from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.losses._batch_loss import BatchLoss

AVERAGES = ("binary", "macro", "micro")


@serializable
class SoftFBeta(BatchLoss):
    r"""One minus the F-measure of a batch, with probabilities for decisions.

    For few positives, where the accuracy says nothing and the true negatives
    are not of interest. With weights :math:`w` and probabilities :math:`p`,

    .. math::
        1 - \frac{(1 + \beta^2) \sum w y p}
        {\beta^2 \sum w y + \sum w p}

    which for :math:`p \in \{0, 1\}` is 1 minus the exact measure. The measure
    of a batch is no mean over its examples, nor is the mean of those of
    batches the measure of all, so batches should be large.

    * An example is positive where `y_true` is above 0.5. Columns of `y_true`
      and `y_pred` are labels. One without positives in the batch counts for
      nothing in `"macro"`; one without negatives has a measure, and counts.
    * `sample_weight`, of shape `(batch,)`, `(batch, 1)` or `(batch, labels)`,
      weighs the examples in all sums; a common factor changes nothing.
      `class_weight` of a single label does, by its ratio.
    * `reduction` is over labels for `"macro"`: their mean, their sum, or
      with `None` one loss per label. For the others, there is one number.
    * A replica of `tf.distribute` measures its own part of the batch.

    Args:
        beta: Positive float, how many times recall counts more than
            precision. Defaults to `1.0`.
        average: String. `"binary"`: there is one label. `"macro"`: each label
            has a measure of its own. `"micro"`: the sums are over all labels.
            Defaults to `"binary"`.
        from_logits: Boolean. If true the sigmoid of `y_pred` is taken; if
            false `y_pred` are probabilities. Defaults to `False`.
        name: String. Defaults to `"soft_f_beta"`.
        **kwargs: `reduction` and `dtype`, see `keras.losses.Loss`.

    Raises:
        ValueError: An argument is out of range, shapes do not match, or there
            are several labels for `"binary"`.

    Example:

    >>> from keras_bp.losses import SoftFBeta
    >>> float(SoftFBeta()([0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]))
    0.5

    Reference:
        Jansche, 2005, https://aclanthology.org/H05-1087, of expected counts.
    """

    def __init__(
        self,
        beta=1.0,
        average="binary",
        from_logits=False,
        name="soft_f_beta",
        **kwargs,
    ):
        super().__init__(from_logits, name=name, **kwargs)
        owner = type(self).__name__
        _checks.check_positive("beta", beta, owner=owner)
        _checks.check_one_of("average", average, AVERAGES, owner=owner)
        self.beta = float(beta)
        self.average = average

    def label_losses(self, positive, negative, scores):
        if self.average == "binary" and scores.shape[0] not in (1, None):
            raise ValueError(
                "SoftFBeta(average='binary') expects one label. Received: "
                f"{scores.shape[0]} labels. Take 'macro' or 'micro'."
            )
        axis = None if self.average == "micro" else -1
        weight = positive + negative
        sums = [
            ops.sum(x, axis=axis)
            for x in (positive * scores, positive, weight * scores)
        ]
        if self.average == "micro":
            sums = [ops.expand_dims(x, 0) for x in sums]
        true, positives, claimed = sums
        known = positives > 0
        # The share of both terms: the square of a large beta has no float32.
        recall = 1.0 / (1.0 + self.beta**-2.0)
        below = recall * positives + (1.0 - recall) * claimed
        below = ops.where(known, below, ops.ones_like(below))
        return 1.0 - true / below, known

    def get_config(self):
        return {
            **super().get_config(),
            "beta": self.beta,
            "average": self.average,
        }
