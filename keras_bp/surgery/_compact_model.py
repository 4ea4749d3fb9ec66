"""Cuts a model in two at a tensor, and makes one layer of what is below."""

import keras

from keras_bp.surgery import _graph
from keras_bp.surgery._compact_backdrop import CompactBackdrop, check_trunk

_KNOWN = {"rate", "granularity", "seed", "name", "scale"}


def compact_model(model, backdrops, owner):
    """Returns a model whose trunk is a `CompactBackdrop`.

    Args:
        model: Sequential or functional model with inputs.
        backdrops: Dictionary from the name of a layer of `model` to the
            arguments of its mask.
        owner: String, for messages.

    Returns:
        Model of the same kind.

    Raises:
        ValueError: There are several masks, or arguments that a compact one
            has not; or the trunk cannot be cut off, or run a second time.
    """
    if len(backdrops) != 1:
        raise ValueError(
            f"{owner} expects one mask with `compact=True`, because a trunk "
            f"is computed again for one choice. Received: {list(backdrops)}"
        )
    ((name, arguments),) = backdrops.items()
    arguments = _checked(name, arguments, owner)
    if isinstance(model, keras.Sequential):
        return _compact_sequential(model, name, arguments, owner)
    return _compact_functional(model, name, arguments, owner)


def _checked(name, arguments, owner):
    granularity = arguments.get("granularity", "sample")
    scale = arguments.get("scale", "empirical")
    unknown = sorted(set(arguments) - _KNOWN)
    if unknown or granularity != "sample" or scale != "empirical":
        raise ValueError(
            f"{owner} expects, with `compact=True`, the arguments `rate`, "
            "`seed` and `name`, granularity 'sample' and scale 'empirical', "
            f"because whole samples are computed again. Received: {name!r} "
            f"with {dict(arguments)}"
        )
    if "/" in name:
        raise ValueError(
            f"{owner} expects, with `compact=True`, a layer of the model "
            f"itself, which cuts its graph in two. Received: {name!r}. Name "
            f"the model {name.split('/')[0]!r} that it is in, or insert into "
            "that one."
        )
    given = {"name": f"{name}_backdrop", **arguments}
    return {key: given[key] for key in ("rate", "seed", "name") if key in given}


def _compact_sequential(model, name, arguments, owner):
    cut = 1 + [layer.name for layer in model.layers].index(name)
    # A new stack for the trunk: a layer remembers each that it is part of.
    inputs = [_graph.input_like(x, model) for x in model.inputs]
    trunk = keras.Sequential([*inputs, *model.layers[:cut]], name="trunk")
    check_trunk(trunk, owner)
    layer = CompactBackdrop(trunk, **arguments)
    inputs = [_graph.input_like(x, model) for x in model.inputs]
    return keras.Sequential(
        [*inputs, layer, *model.layers[cut:]], name=model.name
    )


def _compact_functional(model, name, arguments, owner):
    graph = _graph.read(model)
    cut, below, above = _halves(graph, name)
    _check_cut(graph, name, below, above, owner)
    used = {id(x) for step in below for x in step.tensors}
    feeding = [x for x in graph.inputs if id(x) in used]
    trunk = _trunk(model, feeding, below, cut)
    check_trunk(trunk, owner)
    inputs = graph.new_inputs()
    values = _graph.values_of(graph.inputs, inputs)
    fed = [values[id(x)] for x in feeding]
    layer = CompactBackdrop(trunk, **arguments)
    values[id(cut)] = layer(fed[0] if len(fed) == 1 else fed)
    _graph.run(above, values)
    return keras.Model(
        graph.packed(inputs), _graph.outputs_of(graph, values), name=model.name
    )


def _trunk(model, feeding, below, cut):
    inputs = [_graph.input_like(x, model) for x in feeding]
    values = _graph.values_of(feeding, inputs)
    _graph.run(below, values)
    return keras.Model(
        inputs[0] if len(inputs) == 1 else inputs, values[id(cut)], name="trunk"
    )


def _halves(graph, name):
    """The tensor that a layer makes, the steps it needs, and the others."""
    last = graph.step_of(name)
    below = graph.steps_to(last)
    needed = {id(step) for step in below}
    above = [step for step in graph.steps if id(step) not in needed]
    return _graph.tensors_in(last.outputs)[0], below, above


def _check_cut(graph, name, below, above, owner):
    inside = {
        id(x): step.operation.name
        for step in below
        for x in _graph.tensors_in(step.outputs)
        if step.operation.name != name
    }
    users = [(step.operation.name, step.tensors) for step in above]
    users.append(("the outputs", _graph.tensors_in(graph.outputs)))
    bridges = [
        f"from {inside[id(x)]!r} to {user}"
        for user, tensors in users
        for x in tensors
        if id(x) in inside
    ]
    if bridges:
        raise ValueError(
            f"{owner} expects, with `compact=True`, a layer that cuts the "
            f"graph in two. Received: {name!r}, around which values go "
            f"{', '.join(bridges)}. Name the layer in which they join."
        )
    shared = {id(step.operation) for step in below}
    shared = [s.operation.name for s in above if id(s.operation) in shared]
    if shared:
        raise ValueError(
            f"{owner} expects, with `compact=True`, layers that are below "
            f"{name!r} or above it. Received: {shared}, applied in both, "
            "which would be two layers in a saved model."
        )
