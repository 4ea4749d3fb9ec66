"""The callback that follows the bias of gradient estimates."""

import math

import numpy as np

from keras_bp.callbacks._measures import Measures


class GradientBias(Measures):
    r"""Measures bias and variance of the gradient while a model trains.

    It is handed what measures: a function from the model to a report, such as
    `keras_bp.stochastic.gradient_check` with the batch filled in. After the
    first epoch, and every so many epochs from it, the logs get

    - `gradient_bias`, :math:`\|\bar g - g\| / \|g\|` over all variables, with
      the mean :math:`\bar g` of the estimates and the exact gradient
      :math:`g`,
    - `gradient_bias_error`, what of it is due to the finite number of
      estimates: the root of the sum of squared standard errors, over
      :math:`\|g\|`,
    - `gradient_log_variance`, the natural logarithm of the variance of one
      estimate, an element on average.

    Args:
        measure: Function from the model to an object with the attribute
            `rows`, a list of objects with arrays `exact`, `bias`, `error` and
            `variance`.
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
    >>> from keras_bp.callbacks import GradientBias
    >>> from keras_bp.layers import StochasticNode
    >>> from keras_bp.training import SurrogateModel
    >>> x = keras.Input((2,))
    >>> bits = StochasticNode(estimator="score")(keras.layers.Dense(3)(x))
    >>> model = SurrogateModel(x, keras.layers.Dense(2)(bits))
    >>> model.compile("sgd", loss="mse")
    >>> batch = np.ones((4, 2), "float32")
    >>> measure = functools.partial(
    ...     stochastic.gradient_check, x=batch, y=batch, num_estimates=100
    ... )
    >>> history = model.fit(
    ...     batch, batch, verbose=0, callbacks=[GradientBias(measure)]
    ... )
    >>> len(history.history["gradient_bias"])
    1
    """

    _MEASURES = "gradient_check"

    def logs_of(self, report):
        rows = report.rows
        exact = _norm(row.exact for row in rows)
        each = np.concatenate([np.ravel(row.variance) for row in rows])
        mean = float(each.mean())
        return {
            "gradient_bias": _share(_norm(row.bias for row in rows), exact),
            "gradient_bias_error": _share(
                _norm(row.error for row in rows), exact
            ),
            "gradient_log_variance": (
                math.log(mean) if mean > 0 else -math.inf
            ),
        }


def _norm(arrays):
    return math.sqrt(sum(float(np.sum(np.square(each))) for each in arrays))


def _share(part, whole):
    return part / whole if whole else (math.inf if part else 0.0)
