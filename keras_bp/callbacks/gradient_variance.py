"""The callback that follows the variance of gradient estimates."""

from keras_bp.callbacks._measures import Measures


class GradientVariance(Measures):
    r"""Measures the variance of the gradient estimates while a model trains.

    It is handed what measures: a function from the model to a report, such as
    `keras_bp.stochastic.gradient_variance` with the batch filled in. After
    the first epoch, and every so many epochs from it, the logs get
    `gradient_log_variance`, the natural logarithm of the variance of one
    estimate, an element of the gradient on average, and with `by_node=True`
    `gradient_log_variance_<node>` of the part of each node.

    The measure leaves the model and its noise as they were: training goes on
    as if it had not been taken.

    Args:
        measure: Function from the model to an object with the attribute
            `log_variance` and, if there are nodes to tell apart, `nodes`, a
            list of objects with `name` and `log_variance`.
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
    >>> from keras_bp.callbacks import GradientVariance
    >>> from keras_bp.layers import StochasticNode
    >>> from keras_bp.training import SurrogateModel
    >>> x = keras.Input((2,))
    >>> bits = StochasticNode(estimator="disarm")(keras.layers.Dense(3)(x))
    >>> model = SurrogateModel(x, keras.layers.Dense(2)(bits))
    >>> model.compile("sgd", loss="mse")
    >>> batch = np.ones((4, 2), "float32")
    >>> measure = functools.partial(
    ...     stochastic.gradient_variance, x=batch, y=batch, num_estimates=100
    ... )
    >>> history = model.fit(
    ...     batch, batch, verbose=0, callbacks=[GradientVariance(measure)]
    ... )
    >>> len(history.history["gradient_log_variance"])
    1

    Reference:
        Tucker et al., 2017, https://arxiv.org/abs/1703.07370, section 5.
    """

    _MEASURES = "gradient_variance"

    def logs_of(self, report):
        found = {"gradient_log_variance": float(report.log_variance)}
        for node in getattr(report, "nodes", ()):
            name = f"gradient_log_variance_{node.name}"
            found[name] = float(node.log_variance)
        return found
