"""Which models and layers a stochastic graph can be read from."""

import functools

import keras

from keras_bp.layers.cost_node import CostNode
from keras_bp.layers.stochastic_node import StochasticNode


def structure_of(model, which):
    """The inputs or outputs of a model, in its own structure."""
    if isinstance(model, keras.Sequential):
        return getattr(model, f"{which}s")[0]
    return getattr(model, which)


def is_readable(model):
    """Whether the model computes its graph, and not code of its own."""
    call = type(model).call
    plain = call in (keras.Sequential.call, _functional_call())
    return plain or getattr(model, "reads_as_graph", False)


@functools.cache
def _functional_call():
    # The class of functional models has no public name.
    x = keras.Input((1,))
    return type(keras.Model(x, keras.layers.Identity()(x))).call


def check_readable(model, owner="StochasticGraph"):
    if not isinstance(model, keras.Model) or not is_readable(model):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        raise TypeError(
            f"{owner} expects a Sequential or functional model, because it "
            f"reads the graph. Received: model={model!r} of type {kind}"
        )
    if not model.built or not getattr(model, "inputs", None):
        raise ValueError(
            f"{owner} expects a built model. Received: "
            f"{model.name!r}, not built. Begin it with `keras.Input`."
        )


def check_opaque(operation):
    if isinstance(operation, (StochasticNode, CostNode)):
        return
    for inner in _inner_layers(operation, set()):
        local = isinstance(inner, StochasticNode) and inner.is_local
        if isinstance(inner, (StochasticNode, CostNode)) and not local:
            raise ValueError(
                f"{type(inner).__name__} {inner.name!r} is inside the layer "
                f"{operation.name!r}, whose `call` is code: what depends on it "
                "cannot be read. Put it into a functional or Sequential model"
            )


def _inner_layers(value, seen):
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, keras.layers.Layer):
        yield value
        held = vars(value).values()
    elif isinstance(value, dict):
        held = value.values()
    elif isinstance(value, (list, tuple)):
        held = value
    else:
        return
    for each in held:
        yield from _inner_layers(each, seen)
