"""The layers of a model, whatever they are held by."""

import keras

from keras_bp.training._implicit_layers import implicit_kind
from keras_bp.training._implicit_units import is_activation, unit_kind

# What these hold is called in a loop of theirs, out of reach.
_LOOPS = (keras.layers.RNN, keras.layers.TimeDistributed)


def layers_in(model):
    """All layers with weights of their own, each once, in order."""
    return [
        layer for layer in _leaves_of(model) if layer.weights or not layer.built
    ]


def activations_in(model):
    """All layers that are nothing but an activation."""
    return [layer for layer in _leaves_of(model) if is_activation(layer)]


def kind_of(layer, rule):
    """Name of the kind of a layer, or None if a rule leaves it explicit."""
    if rule == "dual":
        return implicit_kind(layer)
    return None if rule == "truncated" else unit_kind(layer)


def _leaves_of(model):
    found = {}
    _search(model, found, set())
    return list(found.values())


def _search(value, found, seen):
    if id(value) in seen:
        return
    seen.add(id(value))
    children = _children(value)
    closed = implicit_kind(value) or isinstance(value, _LOOPS)
    if closed or not children:
        found[id(value)] = value
        return
    for child in children:
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
