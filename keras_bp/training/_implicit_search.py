"""The layers of a model, whatever they are held by."""

import keras

from keras_bp.training._implicit_layers import implicit_kind


def layers_in(model):
    """All layers with weights of their own, each once, in order."""
    found = {}
    _search(model, found, set())
    return list(found.values())


def _search(value, found, seen):
    if id(value) in seen:
        return
    if isinstance(value, keras.Layer):
        seen.add(id(value))
        if implicit_kind(value) or not _children(value):
            if value.trainable_weights or not value.built:
                found[id(value)] = value
            return
        for child in _children(value):
            _search(child, found, seen)


def _children(layer):
    """Layers that a layer holds, in lists and dictionaries too."""
    held = layer.layers if isinstance(layer, keras.Model) else []
    values = [*held, *vars(layer).values()]
    found = {}
    for value in values:
        for leaf in _leaves(value):
            found[id(leaf)] = leaf
    return list(found.values())


def _leaves(value):
    if isinstance(value, keras.Layer):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _leaves(item)]
    return []
