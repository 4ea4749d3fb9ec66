"""The layers that a layer holds."""

import keras


def children_of(layer):
    """Layers among the attributes of a layer, in lists and dictionaries too.

    Args:
        layer: `keras.Layer`, or a model of which `layers` count as well.

    Returns:
        List of `keras.Layer`, each once.
    """
    held = layer.layers if isinstance(layer, keras.Model) else []
    found = {}
    for value in [*held, *vars(layer).values()]:
        for leaf in _leaves(value):
            found[id(leaf)] = leaf
    return list(found.values())


def frozen_weights(layer):
    """The weights of layers that are frozen, at any depth.

    Args:
        layer: `keras.Layer`, such as a model.

    Returns:
        Dictionary from the `id` of a weight to the weight.
    """
    if not layer.trainable:
        return {id(weight): weight for weight in layer.weights}
    found = {}
    for child in children_of(layer):
        found |= frozen_weights(child)
    return found


def _leaves(value):
    if isinstance(value, keras.Layer):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _leaves(item)]
    return []
