"""Attribution maps in one call."""

from keras_bp.visualization.attributor import Attributor


def attribute(
    model, x, target="max", rule="saliency", batch_size=32, seed=None, **options
):
    """Gradients of an output with respect to inputs, by a rule of rectifiers.

    The model is traced anew in each call, and so as it is then; for many maps
    of one model make an `Attributor`.

    Args:
        model: `keras.Model`.
        x: Inputs, an array or a structure of arrays.
        target: What is attributed: an index, one for each example, a tuple,
            `"max"`, `"random"`, a function of the outputs, or None; see
            `Attributor`.
        rule: String: `"saliency"`, `"guided"`, `"deconvnet"`,
            `"negative_guided"` or `"rectgrad"`.
        batch_size: Positive integer, examples at a time.
        seed: Integer or None, of the target `"random"`.
        **options: `output`, `logits`, `pool`, `percentile`, `unknown` and
            `jit_compile`, as for `Attributor`.

    Returns:
        Array of the shape of `x`, or a structure of them.

    Raises:
        TypeError, ValueError: As `Attributor`; `RectifierNotCovered` if the
            rule does not apply to all of the model.

    Example:

    >>> import keras, numpy as np
    >>> from keras_bp.visualization import attribute
    >>> model = keras.Sequential([
    ...     keras.Input((4, 4, 1)),
    ...     keras.layers.Conv2D(2, 3, activation="relu"),
    ...     keras.layers.Flatten(), keras.layers.Dense(3),
    ... ])
    >>> attribute(model, np.ones((2, 4, 4, 1)), target=1, rule="guided").shape
    (2, 4, 4, 1)

    Reference:
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039.
    """
    return Attributor(model, rule, **options)(x, target, batch_size, seed)
