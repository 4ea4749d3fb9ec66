"""What callbacks have in common that set a weight as time goes by."""

import keras
from keras import ops

from keras_bp import _checks

PERIODS = ("epoch", "batch")


class WeightSchedule(keras.callbacks.Callback):
    """Sets a scalar weight of every layer of a kind, before it is used.

    A subclass has the method `value_at(time)`. The weights are found by their
    name: `model.weights` reaches every level of nesting, and `model.layers`
    does not.

    Args:
        weight: String, name of the weight.
        log: String, what it is called in the logs.
        kind: String, the layer that has it, for the message of an error.
        every: String, `"epoch"` or `"batch"`.
        schedule: Function of the time in place of a curve, or None.
        layer_name: String, the one layer that is meant, or None for all.
    """

    def __init__(self, weight, log, kind, every, schedule, layer_name=None):
        super().__init__()
        owner = type(self).__name__
        _checks.check_one_of("every", every, PERIODS, owner=owner)
        if schedule is not None and not callable(schedule):
            raise TypeError(
                f"{owner} expects `schedule` to be a function or None. "
                f"Received: schedule={schedule!r}"
            )
        self.every = every
        self.schedule = schedule
        self.layer_name = layer_name
        self._weight, self._kind = weight, kind
        self._log_name = log if layer_name is None else f"{log}/{layer_name}"

    def on_train_begin(self, logs=None):
        self._used = None

    def on_epoch_begin(self, epoch, logs=None):
        if self.every == "epoch":
            self._epoch = epoch
            self._set(epoch)

    def on_train_batch_begin(self, batch, logs=None):
        if self.every == "batch":
            steps = self.model.optimizer.iterations
            self._set(int(ops.convert_to_numpy(steps)))

    def on_train_batch_end(self, batch, logs=None):
        # Not before: a model may be built by its first batch.
        if self._used is None:
            self._check_model()
        if self.every == "batch":
            self._log(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._log(logs)

    def _set(self, time):
        found = self._weights()
        if found:
            self._used = self.value_at(time)
            for weight in found:
                weight.assign(self._used)

    def _check_model(self):
        found = self._weights()
        if not found:
            named = self.layer_name and f" of the name {self.layer_name!r}"
            raise ValueError(
                f"{type(self).__name__} expects a model that holds a "
                f"{self._kind}{named or ''}. "
                f"Received: model={self.model.name!r} without one"
            )
        self._used = float(ops.convert_to_numpy(found[0]))
        if self.every == "epoch":
            # For the rest of the epoch.
            self._set(self._epoch)

    def _log(self, logs):
        if logs is not None:
            logs[self._log_name] = self._used

    def _weights(self):
        return [
            weight
            for weight in self.model.non_trainable_weights
            if weight.name == self._weight
            and self.layer_name in (None, weight.path.split("/")[-2])
        ]
