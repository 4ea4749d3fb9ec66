"""What of a model is attributed: an output, or a layer."""

import contextlib

import keras


def seen_output(model, output, owner):
    """Function from inputs to what is attributed, and if it is a layer's."""

    def called(inputs):
        return model(inputs, training=False)

    if output is None:
        return called, False
    if isinstance(output, int) and not isinstance(output, bool):
        return _numbered(called, output, owner), False
    names = list(getattr(model, "output_names", None) or [])
    if len(names) > 1 and output in names:
        return _named(called, output, names, owner), False
    layer = layer_of(model, output)
    if layer is not None:
        return _inner(called, layer, owner), True
    several = len(getattr(model, "outputs", None) or names) != 1
    if isinstance(output, str) and several:
        return _named(called, output, names, owner), False
    raise _not_found(output, names, _names(model), owner)


def layer_of(model, wanted):
    """A layer of a model or of the models in it, by itself or by its name.

    Returns:
        The layer, or None. Of several with one name, the outermost.
    """
    for layer in _layers(model):
        if layer is wanted or layer.name == wanted:
            return layer
    return None


def with_layer(called, inputs, layer, owner):
    """What a model returns, and what a layer returned to it.

    Args:
        called: Function from inputs to outputs.
        inputs: Structure of tensors.
        layer: `keras.layers.Layer`.
        owner: String, for messages.
    """
    with _noted(layer) as returned:
        outputs = called(inputs)
    if len(returned) != 1:
        raise ValueError(
            f"{owner} expects a layer that the model calls once. Received: "
            f"layer {layer.name!r}, called {len(returned)} times"
        )
    return outputs, returned[0]


@contextlib.contextmanager
def _noted(layer):
    """Notes what a layer returns, whichever model calls it, for a while."""
    returned = []
    call = layer.call

    def noted(*args, **kwargs):
        returned.append(call(*args, **kwargs))
        return returned[-1]

    layer.call = noted
    try:
        yield returned
    finally:
        del layer.call


def _layers(model):
    """The layers of a model, then those of the models among them."""
    own = getattr(model, "layers", [])
    yield from own
    for layer in own:
        yield from _layers(layer)


def _names(model):
    return [layer.name for layer in _layers(model)]


def _numbered(called, number, owner):
    def chosen(inputs):
        outputs = keras.tree.flatten(called(inputs))
        if not -len(outputs) <= number < len(outputs):
            raise ValueError(
                f"{owner} expects `output` to be one of {len(outputs)}. "
                f"Received: output={number}"
            )
        return outputs[number]

    return chosen


def _named(called, output, names, owner):
    return lambda inputs: _part(called(inputs), output, names, owner)


def _inner(called, layer, owner):
    return lambda inputs: with_layer(called, inputs, layer, owner)[1]


def _part(outputs, name, names, owner):
    """One of several outputs, by its key or name."""
    if isinstance(outputs, dict) and name in outputs:
        return outputs[name]
    if name in names:
        return keras.tree.flatten(outputs)[names.index(name)]
    keys = outputs if isinstance(outputs, dict) else ()
    raise _not_found(name, names, keys, owner)


def _not_found(output, names, others, owner):
    return ValueError(
        f"{owner} expects `output` to be None, the number or "
        "name of an output, or a layer of the model or its name. Received: "
        f"output={output!r}; there are {names} and {list(others)}"
    )
