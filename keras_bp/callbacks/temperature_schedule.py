"""The callback that cools relaxed samples while a model trains."""

import math

from keras_bp import _checks
from keras_bp.callbacks._weight_schedule import WeightSchedule


class TemperatureSchedule(WeightSchedule):
    r"""Sets the temperature of every `StochasticNode` of the model.

    Before each epoch, or each batch (with `steps_per_execution`, that many
    batches), :math:`\tau = \max(\tau_{min}, \tau_0 e^{-r t})` with the number
    :math:`t` of epochs, or of steps of the optimizer, trained until then, or
    what a function of it says. :math:`t` goes on where a training is resumed,
    with `initial_epoch` or with the optimizer.

    It drives the estimators `"gumbel"` and `"st_gumbel"`; `"rebar"` and
    `"relax"` train a temperature of their own. The temperature is a weight of
    the layer, saved with the model. The logs get `temperature`, that with
    which the epoch (or batch) was trained.

    A model that is built by its first batch trains that one with the
    temperature that its nodes were made with.

    Args:
        initial: Positive float :math:`\tau_0`. Defaults to `1.0`.
        rate: Float :math:`r`, zero or more, for each epoch or batch.
            Defaults to `0.03`.
        minimum: Positive float :math:`\tau_{min}`. Defaults to `0.5`.
        every: String, `"epoch"` or `"batch"`. Defaults to `"epoch"`.
        schedule: Function from :math:`t` to the temperature, in place of the
            exponential, or None. Defaults to `None`.

    Raises:
        TypeError: `schedule` is no function.
        ValueError: A number is out of range, `every` is unknown, or, while
            training, the temperature is not positive or the model holds no
            `StochasticNode`.

    Example:

    >>> from keras_bp.callbacks import TemperatureSchedule
    >>> cool = TemperatureSchedule(rate=1e-4, minimum=0.5, every="batch")
    >>> f"{cool.temperature(1000):.4f} {cool.temperature(100_000):.4f}"
    '0.9048 0.5000'

    Reference:
        Jang, Gu and Poole, 2017, https://arxiv.org/abs/1611.01144, section 4.
    """

    def __init__(
        self,
        initial=1.0,
        rate=0.03,
        minimum=0.5,
        every="epoch",
        schedule=None,
    ):
        super().__init__(
            "node_temperature",
            "temperature",
            "keras_bp.layers.StochasticNode",
            every,
            schedule,
        )
        owner = type(self).__name__
        _checks.check_positive("initial", initial, owner=owner)
        _checks.check_not_negative("rate", rate, owner=owner)
        _checks.check_positive("minimum", minimum, owner=owner)
        self.initial = float(initial)
        self.rate = float(rate)
        self.minimum = float(minimum)

    def temperature(self, time):
        """The temperature after so many epochs, or batches."""
        if self.schedule is None:
            cooled = self.initial * math.exp(-self.rate * time)
            return max(self.minimum, cooled)
        found = self.schedule(time)
        try:
            found = float(found)
        except (TypeError, ValueError):
            found = math.nan
        if not 0 < found < math.inf:
            raise ValueError(
                f"{type(self).__name__} expects `schedule` to return a number "
                f"above zero. Received: {self.schedule(time)!r} at {time}"
            )
        return found

    value_at = temperature
