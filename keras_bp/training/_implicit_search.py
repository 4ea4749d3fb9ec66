"""The layers of a model, whatever they are held by."""

import keras

from keras_bp._backend import check_tensorflow
from keras_bp._children import children_of
from keras_bp.training._implicit_layers import implicit_kind
from keras_bp.training._implicit_units import (
    activation_of,
    is_activation,
    unit_kind,
)

# What these hold is called in a loop of theirs, out of reach.
_LOOPS = (keras.layers.RNN, keras.layers.TimeDistributed)


def check_model(model, owner):
    """Raises `TypeError` unless it is a Keras model, on TensorFlow."""
    check_tensorflow(owner, "for its tape")
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"{owner} expects `model` to be a keras.Model. Received: "
            f"model={type(model).__module__}.{type(model).__name__}"
        )


def implicit_layers(model, rule, chosen):
    """All layers with weights, and those that a rule trains implicitly.

    Args:
        model: `keras.Model`.
        rule: String.
        chosen: List of names, or None for all.
    """
    found = layers_in(model)
    names = [layer.name for layer in found]
    if chosen is not None and not set(chosen) <= set(names):
        raise ValueError(
            "ImplicitModel expects `layers` to name layers with weights, of "
            f"{names}. Received: layers={chosen}"
        )
    implicit = [
        layer
        for layer in found
        if kind_of(layer, rule) and (chosen is None or layer.name in chosen)
    ]
    if not implicit and rule != "truncated":
        kinds = sorted({type(layer).__name__ for layer in found})
        raise ValueError(
            "ImplicitModel found no layer that it can train by the rule "
            f"{rule!r}. Received: layers of {kinds}"
        )
    return found, implicit


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


def summary(model, implicit, layers):
    """A line for each layer of a model: its name, class, and step."""
    chosen = {id(layer) for layer, _ in implicit}
    lines = []
    for layer in layers:
        if id(layer) in chosen:
            how = _described(layer, model.rule)
        elif model.rule == "truncated":
            how = "truncated with all others"
        else:
            how = "explicit" if layer.trainable else "not trained"
        lines.append((layer.name, type(layer).__name__, how))
    widths = [max(len(x[i]) for x in lines) for i in (0, 1)]
    return "\n".join(
        f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {how}"
        for name, kind, how in lines
    )


def _described(layer, rule):
    """How a layer is trained that a rule knows, in words."""
    kind = kind_of(layer, rule)
    if rule == "dual":
        return f"implicit ({kind})"
    name, _ = activation_of(layer.activation)
    if name is None:
        return "explicit steps (its activation is not known)"
    if name == "linear":
        return f"implicit ({kind}, with the activation or loss behind it)"
    return f"implicit ({kind})"


def _leaves_of(model):
    found = {}
    _search(model, found, set())
    return list(found.values())


def _search(value, found, seen):
    if id(value) in seen:
        return
    seen.add(id(value))
    children = children_of(value)
    closed = implicit_kind(value) or isinstance(value, _LOOPS)
    if closed or not children:
        found[id(value)] = value
        return
    for child in children:
        _search(child, found, seen)
