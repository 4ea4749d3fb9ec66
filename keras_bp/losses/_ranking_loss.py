"""What the losses share that compare scores with scores."""

from keras import ops

from keras_bp import _checks
from keras_bp.losses._batch_loss import BatchLoss
from keras_bp.losses._surrogates import SURROGATES


class RankingLoss(BatchLoss):
    """A `BatchLoss` with a surrogate of the order of two scores.

    Args:
        surrogate: String, of `surrogates`.
        scale: Positive float.
        margin: Float, or None for that of the surrogate.
        from_logits, name, reduction, dtype: See `BatchLoss`.
    """

    surrogates = tuple(SURROGATES)

    def __init__(self, surrogate, scale, margin, from_logits, **kwargs):
        super().__init__(from_logits, **kwargs)
        owner = type(self).__name__
        _checks.check_one_of(
            "surrogate", surrogate, self.surrogates, owner=owner
        )
        _checks.check_positive("scale", scale, owner=owner)
        if margin is not None:
            _checks.check_not_negative("margin", margin, owner=owner)
        self.surrogate = surrogate
        self.scale = float(scale)
        self.margin = None if margin is None else float(margin)

    def own_margin(self):
        """Float, the margin that is used."""
        if self.margin is None:
            return SURROGATES[self.surrogate][2]
        return self.margin

    def get_config(self):
        return {
            **super().get_config(),
            "surrogate": self.surrogate,
            "scale": self.scale,
            "margin": self.margin,
        }


def defined(positive, negative):
    """Where a label has both classes."""
    return ops.logical_and(
        ops.any(positive > 0, axis=-1), ops.any(negative > 0, axis=-1)
    )


def check_share(name, value, *, owner):
    """Raises `ValueError` unless `value` lies in (0, 1]."""
    _checks.check_positive(name, value, owner=owner)
    if value > 1:
        raise ValueError(
            f"{owner} expects `{name}` to be in (0, 1]. "
            f"Received: {name}={value!r}"
        )
