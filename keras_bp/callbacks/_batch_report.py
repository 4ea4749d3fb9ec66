"""What callbacks have in common that report on one batch."""

import keras

from keras_bp import _checks


class BatchReport(keras.callbacks.Callback):
    """Asks a model, every some epochs, about a batch that stays the same.

    A subclass adds what was found to the logs: `report(epoch, found, logs)`.

    Args:
        x, y, sample_weight: The batch.
        every: Positive integer, epochs between two reports.
        asks: String, the method of the model that is asked.
        models: String, which models have it.
    """

    def __init__(self, x, y, sample_weight, every, asks, models):
        super().__init__()
        _checks.check_integer(
            "every", every, minimum=1, owner=type(self).__name__
        )
        self.x = x
        self.y = y
        self.sample_weight = sample_weight
        self.every = every
        self._asks, self._models = asks, models

    def set_model(self, model):
        super().set_model(model)
        if not hasattr(model, self._asks):
            raise TypeError(
                f"{type(self).__name__} expects {self._models}. Received: "
                f"model={type(model).__module__}.{type(model).__name__}"
            )

    def on_epoch_end(self, epoch, logs=None):
        if logs is None or (epoch + 1) % self.every:
            return
        found = getattr(self.model, self._asks)(
            self.x, self.y, self.sample_weight
        )
        self.report(epoch, found, logs)
