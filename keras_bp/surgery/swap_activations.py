"""A model on the same weights, with another backward rule in its ReLUs."""

import keras

from keras_bp import _checks
from keras_bp.ops.guided_relu import RULES
from keras_bp.surgery._swapper import Swapper


def swap_activations(model, rule="guided"):
    r"""Returns a model whose rectifiers take another backward rule.

    Use it on a trained model, then take the gradient of a logit with respect
    to the input: the map is guided backpropagation, the DeconvNet's, or the
    saliency. The new model is of the same kind, Sequential or functional, and
    has the very variables of `model`: training or loading weights in the one
    shows in the other. Its outputs are equal bit for bit. `model` itself
    stays as it was.

    Backward, for the incoming gradient :math:`R` and the gate :math:`g`:
    guided :math:`g \max(R, 0)`, deconvnet :math:`\max(R, 0)`, vanilla
    :math:`g R`; see `keras_bp.ops.guided_relu`.

    Swapped are, in nested models, shared layers, and layers that hold layers
    (`TimeDistributed`, `Bidirectional`, recurrent layers, custom ones) too:

    - `keras.layers.ReLU`, `LeakyReLU`, and `keras_bp.layers.GuidedReLU`,
      which become a `GuidedReLU` of the same name;
    - the functions `relu`, `relu6`, and `leaky_relu` of
      `keras.activations`, `keras.ops`, and `tf.nn` as `activation`, or any
      other attribute, of a layer. The layer is wrapped in one of the same
      name, whose attribute `layer` it is;
    - `keras.ops.relu`, `relu6`, `leaky_relu`, and `keras.activations.relu` as
      operations of a functional graph.

    Not seen, and left with their own gradient: a rectifier called in the code
    of a custom layer, in a `lambda` or `functools.partial`, a
    `keras.ops.maximum` or `clip`, and `keras.layers.PReLU`.

    The new model is not compiled, and a model class with a train step of its
    own comes back as a plain one. It can be saved as `.keras`; import
    `keras_bp.surgery` before it is loaded. Swap after what changes a layer
    itself, such as `quantize` or `enable_lora`. Swap once and keep the
    result: Keras remembers each model that a layer is part of.

    Args:
        model: Sequential or functional `keras.Model`, built.
        rule: String, `"guided"`, `"deconvnet"`, or `"vanilla"`.
            Defaults to `"guided"`.

    Returns:
        `keras.Model` with an attribute `swapped_activations`: tuple of
        strings, one per replacement in graph order, such as
        `"conv1: activation='relu'"`, `"block/relu_2: ReLU(max_value=6.0)"`,
        or `"relu: keras.ops.relu"`. The attribute is not saved.

    Raises:
        TypeError: `model` is no Keras model, or it, or a model in it, is
            subclassed: a graph that is code cannot be rebuilt.
        ValueError: The rule is unknown, no rectifier was found, or a
            Sequential model is not built.

    Example:

    >>> import keras
    >>> from keras_bp.surgery import swap_activations
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 1)),
    ...     keras.layers.Conv2D(4, 3, activation="relu", name="conv"),
    ...     keras.layers.ReLU(max_value=6.0, name="top"),
    ... ])
    >>> swapped = swap_activations(model, rule="guided")
    >>> swapped.swapped_activations
    ("conv: activation='relu'", 'top: ReLU(max_value=6.0)')
    >>> swapped.weights[0] is model.weights[0]
    True

    Reference:
        Springenberg et al., 2015, https://arxiv.org/abs/1412.6806;
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039.
    """
    owner = "swap_activations"
    _checks.check_one_of("rule", rule, RULES, owner=owner)
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"{owner} expects `model` to be a Sequential or functional "
            f"keras.Model. Received: model={model!r} (of type "
            f"{type(model).__module__}.{type(model).__name__})"
        )
    swapper = Swapper(rule)
    swapped = swapper.rebuild(model)
    if not swapper.found:
        raise ValueError(
            f"{owner} expects a model with a rectifier that it can see. "
            f"Received: model '{model.name}' with layers "
            f"{[layer.name for layer in model.layers]}, none of which is or "
            "holds one. A rectifier inside the `call` of a custom layer, a "
            "lambda, or `keras.ops.maximum` is not seen: use "
            "`keras_bp.layers.GuidedReLU` there."
        )
    swapped.swapped_activations = tuple(swapper.found)
    return swapped
