"""The callback that follows how well critics predict."""

from keras_bp.callbacks._measures import Measures


class CriticError(Measures):
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

    _MEASURES = "critic_error"

    def logs_of(self, report):
        found = {"critic_error": float(report.relative)}
        for name, value in getattr(report, "nodes", {}).items():
            found[f"critic_error_{name}"] = float(value)
        return found
