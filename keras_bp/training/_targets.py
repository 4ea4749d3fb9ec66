"""The chain of blocks, decoders and targets of target propagation."""

import keras
from keras import ops

from keras_bp.training._default_decoders import default_decoder
from keras_bp.training._feedback import initial_seeds
from keras_bp.training._implicit_layers import wide


def check_chain(graph, owner):
    """Raises `ValueError` unless each block reads the one below it alone."""
    last = len(graph.blocks) - 1
    for place, block in enumerate([*graph.blocks, graph.tail]):
        below = (place - 1,) if place else ()
        if block.reads != below:
            names = [graph.unknowns[i].name for i in block.reads]
            what = "the outputs" if place > last else f"{block.name!r}"
            raise ValueError(
                f"{owner} expects a chain of layers, each of which reads the "
                "one below it alone, because a target is decoded to one "
                f"layer. Received: {what} above {names}; put branches and "
                "their sum between two layers with weights into one layer"
            )


def made_decoders(graph, decoders, seed, owner):
    """Decoders from each block to the one below, checked.

    Args:
        graph: `LagrangianGraph`, a chain.
        decoders: List of `keras.Model`, or None for default ones.
        seed: Integer or None.
        owner: String, who speaks in errors.
    """
    shapes = [unknown.shape for unknown in graph.unknowns]
    pairs = list(zip(shapes[1:], shapes[:-1], strict=True))
    if decoders is None:
        return [
            default_decoder(upper, lower, block, number)
            for (upper, lower), block, number in zip(
                pairs, graph.blocks[1:], initial_seeds(seed), strict=False
            )
        ]
    decoders = list(decoders)
    if len(decoders) != len(pairs):
        raise ValueError(
            f"{owner} expects `decoders` for each hidden layer but the first, "
            f"{[u.name for u in graph.unknowns[1:]]}. Received: "
            f"{len(decoders)} decoders"
        )
    for decoder, (upper, lower) in zip(decoders, pairs, strict=True):
        _check_decoder(decoder, upper, lower, owner)
    return decoders


def _check_decoder(decoder, upper, lower, owner):
    if not isinstance(decoder, keras.layers.Layer):
        raise TypeError(
            f"{owner} expects `decoders` to be Keras layers or models. "
            f"Received: {type(decoder).__module__}.{type(decoder).__name__}"
        )
    if not decoder.built:
        decoder.build((None, *upper))
    shape = decoder.compute_output_shape((None, *upper))
    if tuple(shape[1:]) != tuple(lower):
        raise ValueError(
            f"{owner} expects the decoder {decoder.name!r} to map neurons of "
            f"shape {tuple(upper)} to {tuple(lower)}. Received: one to "
            f"{tuple(shape[1:])}"
        )
    if decoder.compute_dtype in ("float16", "bfloat16"):
        raise ValueError(
            f"{owner} expects decoders that compute in float32, since targets "
            "are small differences of what they return. Received: "
            f"{decoder.name!r} in {decoder.compute_dtype}; give its layers "
            'dtype="float32"'
        )


def differences(values, decoders, last):
    """How far the neurons of each block are above their targets.

    Args:
        values: List of tensors, the neurons of each block.
        decoders: List of layers.
        last: Tensor, the difference of the last block.
    """
    found = [last]
    pairs = zip(reversed(values[1:]), reversed(decoders), strict=True)
    for value, decoder in pairs:
        value = ops.stop_gradient(wide(value))
        here = decoder(value, training=False)
        there = decoder(value - found[0], training=False)
        below = ops.cast(here - there, found[0].dtype)
        found.insert(0, below)
    return found


def reconstruction(decoder, upper, lower):
    """How badly neurons are decoded, and pairs of weights and gradients.

    Args:
        decoder: Layer.
        upper, lower: Tensors that it maps, and is to map to.
    """
    import tensorflow as tf

    weights = decoder.trainable_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([w.value for w in weights])
        found = decoder(ops.stop_gradient(upper), training=True)
        target = ops.cast(ops.stop_gradient(lower), found.dtype)
        loss = ops.mean(ops.square(found - target))
    gradients = tape.gradient(loss, [w.value for w in weights])
    return loss, list(zip(weights, gradients, strict=True))
