"""What of a model is attributed: an output, or a layer."""

import keras


def seen_output(model, output, owner):
    """Function from inputs to what is attributed."""

    def called(inputs):
        return model(inputs, training=False)

    if output is None:
        return called
    if isinstance(output, int):
        return lambda inputs: keras.tree.flatten(called(inputs))[output]
    names = list(getattr(model, "output_names", None) or [])
    known = {layer.name: layer for layer in model.layers}
    layer = known.get(output, output)
    if len(names) > 1 and output in names:
        return lambda inputs: _part(called(inputs), output, names, owner)
    if any(layer is one for one in known.values()):
        return _inner(model, layer, owner)
    several = len(getattr(model, "outputs", None) or names) != 1
    if isinstance(output, str) and several:
        return lambda inputs: _part(called(inputs), output, names, owner)
    raise _not_found(output, names, known, owner)


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


def _inner(model, layer, owner):
    """Function from inputs to what a layer returns."""
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"{owner} can attribute a layer of a functional or Sequential "
            "model that is built. Received: a model of the class "
            f"{type(model).__name__}, with output={layer!r}"
        )
    # With the structure of the inputs that the model has.
    inner = keras.Model(model.input, layer.output)
    return lambda inputs: inner(inputs, training=False)
