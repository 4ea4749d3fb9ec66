"""The callback that follows how well critics predict."""

import keras

from keras_bp import _checks


class CriticError(keras.callbacks.Callback):
    r"""Measures the error of critics while a model trains.

    It is handed what measures: a function from the model to a report, such as
    `keras_bp.stochastic.critic_error` with the batch filled in. After the
    first epoch, and every so many epochs from it, the logs get `critic_error`,
    the distance of all critics from the exact values, of their standard
    deviation, and `critic_error_<node>` of each. Zero is exact, and 1 no
    better than a constant. The critic loss is no such measure: it does not
    fall below the variance of the costs.

    Args:
        measure: Function from the model to an object with the attribute
            `relative` and, if there are nodes to tell apart, `nodes`, a
            dictionary from a name to a number.
        every: Positive integer, epochs from one measure to the next.
            Defaults to `1`.

    Raises:
        TypeError: `measure` is no function, or `every` no integer.
        ValueError: `every` is not positive.

    Example:

    >>> import functools
    >>> import keras
    >>> import numpy as np
    >>> from keras_bp import stochastic
    >>> from keras_bp.callbacks import CriticError
    >>> from keras_bp.layers import StochasticNode
    >>> from keras_bp.training import BackpropQModel
    >>> x = keras.Input((2,))
    >>> bits = StochasticNode(name="bits")(keras.layers.Dense(3)(x))
    >>> model = BackpropQModel(x, keras.layers.Dense(2)(bits))
    >>> model.compile("sgd", loss="mse")
    >>> batch = np.ones((4, 2), "float32")
    >>> measure = functools.partial(stochastic.critic_error, x=batch, y=batch)
    >>> history = model.fit(
    ...     batch, batch, verbose=0, callbacks=[CriticError(measure)]
    ... )
    >>> len(history.history["critic_error_bits"])
    1
    """

    def __init__(self, measure, every=1):
        super().__init__()
        owner = type(self).__name__
        if not callable(measure):
            raise TypeError(
                f"{owner} expects `measure` to be a function of the model, "
                "such as functools.partial(stochastic.critic_error, x=x). "
                f"Received: measure={measure!r}"
            )
        _checks.check_integer("every", every, owner=owner, minimum=1)
        self.measure = measure
        self.every = every

    def on_train_begin(self, logs=None):
        self._first = None

    def on_epoch_end(self, epoch, logs=None):
        if self._first is None:
            self._first = epoch
        if logs is None or (epoch - self._first) % self.every:
            return
        found = self.measure(self.model)
        logs["critic_error"] = float(found.relative)
        for name, value in getattr(found, "nodes", {}).items():
            logs[f"critic_error_{name}"] = float(value)
