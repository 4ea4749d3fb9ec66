"""The layers that a model holds, wherever it holds them."""

import keras


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


def children_of(layer):
    """Layers that a layer holds, in lists and dictionaries too."""
    held = layer.layers if isinstance(layer, keras.Model) else []
    return [
        leaf
        for value in [*held, *vars(layer).values()]
        for leaf in _leaves(value)
    ]


def _leaves(value):
    if isinstance(value, keras.Layer):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _leaves(item)]
    return []
