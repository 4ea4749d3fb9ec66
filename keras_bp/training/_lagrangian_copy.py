"""A copy of a model, some of whose layers have fewer neurons."""

import dataclasses

import keras
import numpy as np

from keras_bp.training._lagrangian_chains import CONVOLUTIONS, ordered_steps
from keras_bp.training._readable import structure_of
from keras_bp.training.stochastic_graph import Slot


@dataclasses.dataclass
class Change:
    """How a copied layer differs.

    Attributes:
        inputs: Boolean array, what is left of the last axis that it reads, or
            None for all.
        outputs: The same for its outputs.
        shift: Float array, what is added to its bias, or None.
    """

    inputs: object = None
    outputs: object = None
    shift: object = None


def copied(graph, model, changes):
    """Builds a functional model of new layers.

    Args:
        graph: `LagrangianGraph`.
        model: The model of the graph.
        changes: Dictionary from the id of a layer to a `Change`.

    Returns:
        The new model, and a dictionary from the index of a slot to its tensor.
    """
    inputs = [
        keras.Input(
            batch_shape=x.shape, dtype=x.dtype, sparse=x.sparse, name=x.name
        )
        for x in model.inputs
    ]
    slots = [slot.index for slot in graph.inputs]
    tensors = dict(zip(slots, inputs, strict=True))
    made, names = {}, {x.name for x in inputs}
    for step in ordered_steps(graph):
        old, change = step.operation, changes.get(id(step.operation), Change())
        first = id(old) not in made
        if first:
            made[id(old)] = _copy(old, change, names)
        _call(made[id(old)], step, tensors)
        if first and isinstance(old, keras.layers.Layer):
            made[id(old)].set_weights(_weights(old, change))
            if isinstance(old, keras.layers.Normalization):
                # What it computes with is derived from its weights.
                made[id(old)].finalize_state()
    outputs = keras.tree.map_structure(
        lambda slot: tensors[slot.index], graph.outputs
    )
    inputs = keras.tree.pack_sequence_as(structure_of(model, "input"), inputs)
    return keras.Model(inputs, outputs, name=model.name), tensors


def _call(operation, step, tensors):
    def place(leaf):
        return tensors[leaf.index] if isinstance(leaf, Slot) else leaf

    args, kwargs = keras.tree.map_structure(place, (step.args, step.kwargs))
    outputs = operation(*args, **kwargs)
    for slot, tensor in zip(
        keras.tree.flatten(step.outputs),
        keras.tree.flatten(outputs),
        strict=True,
    ):
        tensors[slot.index] = tensor


def _copy(old, change, names):
    """A layer of the same kind, not built, with a name of its own."""
    config = old.get_config()
    if isinstance(old, keras.layers.Layer):
        # Layers of models inside the model may have the same name.
        name, count = old.name, 1
        while name in names:
            name, count = f"{old.name}_{count}", count + 1
        names.add(name)
        config["name"] = name
    if change.outputs is not None:
        count = int(np.sum(change.outputs))
        if isinstance(old, keras.layers.Dense):
            config["units"] = count
        elif isinstance(old, CONVOLUTIONS):
            config["filters"] = count
    if change.shift is not None:
        config["use_bias"] = True
    return type(old).from_config(config)


def _weights(old, change):
    if not isinstance(old, (keras.layers.Dense, *CONVOLUTIONS)):
        kept = slice(None) if change.outputs is None else change.outputs
        return [x[..., kept] if x.ndim else x for x in old.get_weights()]
    weights = old.get_weights()
    if change.shift is not None:
        bias = weights[1] if old.use_bias else 0.0
        weights = [weights[0], np.add(bias, change.shift)]
    if change.inputs is not None:
        weights[0] = weights[0][..., change.inputs, :]
    if change.outputs is not None:
        weights = [x[..., change.outputs] for x in weights]
    return weights
