"""What callbacks have in common that measure a model after some epochs."""

import keras

from keras_bp import _checks


class Measures(keras.callbacks.Callback):
    """Calls a function of the model after the first epoch, and some later.

    A class has `logs_of(report)`, which returns what a report adds to the
    logs, a dictionary of floats.

    Args:
        measure: Function from the model to a report.
        every: Positive integer, epochs from one measure to the next.
    """

    # Who measures, in `keras_bp.stochastic`; a class says it.
    _MEASURES = None

    def __init__(self, measure, every=1):
        super().__init__()
        owner = type(self).__name__
        _checks.check_function(
            "measure",
            measure,
            owner=owner,
            expects="a function of the model, such as "
            f"functools.partial(stochastic.{self._MEASURES}, x=x)",
        )
        _checks.check_integer("every", every, owner=owner, minimum=1)
        self.measure = measure
        self.every = every

    def on_train_begin(self, logs=None):
        self._first = None

    def on_epoch_end(self, epoch, logs=None):
        if self._first is None:
            self._first = epoch
        if logs is not None and (epoch - self._first) % self.every == 0:
            logs.update(self.logs_of(self.measure(self.model)))
