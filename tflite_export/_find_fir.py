"""Finds the one FIR layer of a model."""

import keras

from keras_bp.layers import QuantizedFIR


def find_fir(layer, *, owner):
    """Returns the `QuantizedFIR` that `layer` is, or consists of.

    Args:
        layer: `QuantizedFIR`, or a functional or Sequential `keras.Model`
            that applies one, once, and nothing else.
        owner: String, who asks, for the message.

    Returns:
        Pair of the layer and the shape of its input, or None where that is
        not known.

    Raises:
        TypeError: `layer` is neither, or a model whose `call` is its own.
        ValueError: The model is not built, or computes something else too,
            or its filter is one for several signals.
    """
    if isinstance(layer, QuantizedFIR):
        _check_one_signal(layer, owner)
        config = layer.get_build_config() or {}
        return layer, config.get("input_shape")
    if not isinstance(layer, keras.Model) or not _has_graph(layer):
        raise TypeError(
            f"{owner} expects a keras_bp.layers.QuantizedFIR, or a functional "
            "or Sequential keras.Model around one. "
            f"Received: {type(layer).__module__}.{type(layer).__name__}"
        )
    if not layer.built:
        raise ValueError(
            f"{owner} expects a built model; give it a keras.Input. "
            f"Received: {layer.name!r}, which is not built"
        )
    found, others = [], []
    for operation in _applied(layer):
        if isinstance(operation, QuantizedFIR):
            found.append(operation)
        else:
            others.append(operation)
    if len(found) == 1 and not others and _is_chain(layer):
        _check_one_signal(found[0], owner)
        return found[0], layer.input_shape
    raise ValueError(
        f"{owner} expects a model of one QuantizedFIR layer, applied once, "
        "with one input and output; pass that layer alone, or a model cut "
        f"around it. Received: {layer.name!r} with {_named(found)} as "
        f"QuantizedFIR, {_named(others)} besides, {len(layer.inputs)} inputs "
        f"and {len(layer.outputs)} outputs"
    )


def _check_one_signal(layer, owner):
    if layer.filters is not None or not layer.built:
        return
    channels, each = layer.input_spec.axes[-1], 1 + layer.complex
    if channels != each:
        raise ValueError(
            f"{owner} expects one signal for a QuantizedFIR with "
            "filters=None; export the filter once, from a layer built for "
            f"{each} channels. Received: {layer.name!r}, built for {channels}"
        )


def _has_graph(model):
    # A subclass may do anything in its `call`, and shows layers all the same.
    return isinstance(model, keras.Sequential) or hasattr(model, "operations")


def _is_chain(model):
    return len(model.inputs) == 1 and len(model.outputs) == 1


def _applied(model):
    """The layers and ops of `model`, once per call, inner models opened."""
    if isinstance(model, keras.Sequential):
        operations = model.layers
    else:
        operations = []

        def note(operation, *args, **kwargs):
            operations.append(operation)
            return operation(*args, **kwargs)

        keras.models.clone_model(
            model, clone_function=lambda layer: layer, call_function=note
        )
    for operation in operations:
        inner = isinstance(operation, keras.Model) and _has_graph(operation)
        if inner and _is_chain(operation):
            yield from _applied(operation)
        elif not isinstance(operation, keras.layers.InputLayer):
            yield operation


def _named(operations):
    return [
        f"{operation.name} ({type(operation).__name__})"
        for operation in operations
    ]
