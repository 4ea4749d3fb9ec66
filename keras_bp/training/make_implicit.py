"""Implicit steps for a model that is there."""

from keras_bp.training.implicit_model import ImplicitModel


def make_implicit(model, rule="dual", **options):
    """Wraps a model so that `fit` trains it by implicit steps.

    The model's weights are shared: train the result, and use either.

    Args:
        model: `keras.Model`: sequential, functional or subclassed.
        rule: String, `"dual"` (robust to the learning rate), `"layerwise"`
            (that of Fagan and Iyengar), `"averaged"` or `"truncated"`.
        **options: Other arguments of `ImplicitModel`.

    Returns:
        `ImplicitModel`, to be compiled.

    Raises:
        RuntimeError: The backend is not TensorFlow.
        TypeError: `model` is no `keras.Model`.
        ValueError: As in `ImplicitModel`.

    Example:

    >>> import keras
    >>> from keras_bp.training import make_implicit
    >>> net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> model = make_implicit(net)
    >>> model.compile(keras.optimizers.SGD(1.0), "mse")

    Reference:
        F. Fagan and G. Iyengar, Robust Implicit Backpropagation, 2018,
        https://arxiv.org/abs/1808.02433
    """
    return ImplicitModel(model, rule=rule, **options)
