"""The callback that changes the rate of gradient masks while training."""

import math

from keras_bp import _checks
from keras_bp.callbacks._weight_schedule import WeightSchedule

CURVES = ("linear", "cosine", "exponential")


class BackdropRateSchedule(WeightSchedule):
    r"""Sets the rate of every `BackdropMask` of the model, or of one.

    Before each epoch, or each batch (with `steps_per_execution`, that many
    batches), the rate becomes that of a curve from :math:`r_0` to :math:`r_1`
    that takes :math:`T` epochs or batches, and then stays. With
    :math:`f = \min(t/T, 1)`, for the number :math:`t` of epochs, or of steps
    of the optimizer, trained until then:

    * `"linear"`: :math:`r_0 + (r_1 - r_0) f`
    * `"cosine"`: :math:`r_1 + (r_0 - r_1) (1 + \cos \pi f) / 2`
    * `"exponential"`: :math:`r_0 (r_1 / r_0)^f`

    or it is what a function of :math:`t` says. :math:`t` goes on where a
    training is resumed, with `initial_epoch` or with the optimizer.

    The rate is a weight of the layer, saved with the model. The logs get
    `backdrop_rate`, that with which the epoch (or batch) was trained; for one
    layer, `backdrop_rate/NAME`. Masks that differ, such as a fine and a
    coarse one, get a callback each.

    Masks of `keras_bp.surgery.insert_backdrop` with `compact=True` are not
    among them: the number of their survivors is fixed.

    A model that is built by its first batch trains that one with the rates
    that its masks were made with.

    Args:
        initial: Float in [0, 1), :math:`r_0`. Defaults to `0.9`.
        final: Float in [0, 1), :math:`r_1`. Defaults to `0.0`.
        duration: Positive integer :math:`T`. Defaults to `10`.
        curve: String, `"linear"`, `"cosine"` or `"exponential"`, which has
            both rates above zero. Defaults to `"linear"`.
        every: String, `"epoch"` or `"batch"`. Defaults to `"epoch"`.
        schedule: Function from :math:`t` to the rate, in place of the curve,
            or None. Defaults to `None`.
        layer_name: String, the name of the one mask that is meant, or None
            for all. Defaults to `None`.

    Raises:
        TypeError: `schedule` is no function, or `duration` no integer.
        ValueError: A number is out of range, a name is unknown, or, while
            training, the rate is not in [0, 1) or the model holds no such
            `BackdropMask`.

    Example:

    >>> from keras_bp.callbacks import BackdropRateSchedule
    >>> anneal = BackdropRateSchedule(initial=0.8, final=0.0, duration=4)
    >>> [round(anneal.rate(epoch), 2) for epoch in range(6)]
    [0.8, 0.6, 0.4, 0.2, 0.0, 0.0]
    """

    def __init__(
        self,
        initial=0.9,
        final=0.0,
        duration=10,
        curve="linear",
        every="epoch",
        schedule=None,
        layer_name=None,
    ):
        super().__init__(
            "backdrop_rate",
            "backdrop_rate",
            "keras_bp.layers.BackdropMask",
            every,
            schedule,
            layer_name,
        )
        owner = type(self).__name__
        _checks.check_rate("initial", initial, owner=owner)
        _checks.check_rate("final", final, owner=owner)
        _checks.check_integer("duration", duration, owner=owner, minimum=1)
        _checks.check_one_of("curve", curve, CURVES, owner=owner)
        if curve == "exponential":
            _checks.check_positive("initial", initial, owner=owner)
            _checks.check_positive("final", final, owner=owner)
        self.initial = float(initial)
        self.final = float(final)
        self.duration = int(duration)
        self.curve = curve

    def rate(self, time):
        """The rate after so many epochs, or batches."""
        if self.schedule is not None:
            return self._scheduled(time)
        part = min(time / self.duration, 1.0)
        if part == 1.0:
            return self.final
        if self.curve == "exponential":
            return self.initial * (self.final / self.initial) ** part
        if self.curve == "cosine":
            part = (1.0 - math.cos(math.pi * part)) / 2.0
        return self.initial + (self.final - self.initial) * part

    value_at = rate

    def _scheduled(self, time):
        found = self.schedule(time)
        try:
            rate = float(found)
        except (TypeError, ValueError):
            rate = math.nan
        if not 0 <= rate < 1:
            raise ValueError(
                f"{type(self).__name__} expects `schedule` to return a number "
                f"in [0, 1). Received: {found!r} at {time}"
            )
        return rate
