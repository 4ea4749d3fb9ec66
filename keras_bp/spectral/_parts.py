"""The layers that a model holds, wherever it holds them."""

import keras

from keras_bp._children import children_of


def parts_of(model):
    """All layers of a model, itself first, each once.

    Found among the attributes too, so that wrappers and subclassed models are
    looked into.
    """
    found, left = {}, [model]
    while left:
        layer = left.pop(0)
        if id(layer) not in found:
            found[id(layer)] = layer
            left += children_of(layer)
    return list(found.values())


def computing(model):
    """The layers that cast to their dtype: not models of layers, or inputs."""
    return [
        x
        for x in parts_of(model)
        if not isinstance(x, keras.layers.InputLayer)
        and not getattr(x, "inputs", None)
    ]
