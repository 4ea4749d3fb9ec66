"""How many critic steps a batch gets."""

from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable


@serializable
class CriticSchedule:
    """Steps of the discriminator before each step of the generator.

    The first batches, and now and then one later, get many steps, so that
    the discriminator is near its optimum; the others get few.

    Args:
        steps: Integer, of an ordinary batch. Defaults to `5`.
        many: Integer, of the first batches and of every `period`-th one.
            Defaults to `100`.
        first: Integer, how many batches are the first. Defaults to `25`.
        period: Integer, or 0 for never. Defaults to `500`.

    Call arguments:
        batch: Integer scalar tensor, the number of batches before.

    Raises:
        ValueError: A number is out of range.

    Example:

    >>> from keras_bp.training import CriticSchedule
    >>> schedule = CriticSchedule(steps=5, many=100, first=25, period=500)
    >>> [int(schedule(batch)) for batch in (0, 24, 25, 499, 500)]
    [100, 100, 5, 5, 100]

    Reference:
        Arjovsky, Chintala, Bottou, 2017, https://arxiv.org/abs/1701.07875;
        numbers of Dong and Yang, 2018, https://arxiv.org/abs/1810.04714.
    """

    def __init__(self, steps=5, many=100, first=25, period=500):
        owner = type(self).__name__
        _checks.check_integer("steps", steps, owner=owner, minimum=1)
        _checks.check_integer("many", many, owner=owner, minimum=1)
        _checks.check_integer("first", first, owner=owner, minimum=0)
        _checks.check_integer("period", period, owner=owner, minimum=0)
        self.steps, self.many = int(steps), int(many)
        self.first, self.period = int(first), int(period)

    @property
    def constant(self):
        """The number of steps, if it is the same for all batches, or None."""
        if self.steps == self.many or not (self.first or self.period):
            return self.steps
        return None

    def __call__(self, batch):
        early = ops.less(batch, self.first)
        if self.period:
            early = ops.logical_or(early, ops.equal(batch % self.period, 0))
        return ops.where(early, self.many, self.steps)

    def get_config(self):
        return {
            "steps": self.steps,
            "many": self.many,
            "first": self.first,
            "period": self.period,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)
