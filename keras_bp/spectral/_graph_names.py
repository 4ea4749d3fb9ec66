"""Operations of a traced model that have no Jacobian, and their layers."""

import dataclasses
import re

import keras

from keras_bp.spectral._parts import parts_of
from keras_bp.spectral._substitutes import centers
from keras_bp.spectral._tensorflow import tf

# Those whose backward pass TensorFlow cannot differentiate.
_RESIZES = (
    "CropAndResize",
    "ResizeArea",
    "ResizeBicubic",
    "ResizeBilinear",
    "ResizeNearestNeighbor",
    "ScaleAndTranslate",
)
_POOLS = ("MaxPool", "MaxPool3D", "MaxPoolV2")
_LOOPS = ("StatelessWhile", "While")
_COUPLED = (
    "a model that computes each example from that example alone, not one whose "
    "examples are coupled",
    "call it with training=False",
)
_HELD = (
    "a model that holds nothing constant that depends on its latents, since "
    "the derivative, or that of the derivative, would be of another function",
    "leave stop_gradient out; in place of tf.nn.moments, which has one, take "
    "keras.ops.mean and keras.ops.var",
)


@dataclasses.dataclass(frozen=True)
class Traced:
    """What a look at a traced model has found.

    Attributes:
        problem: What it holds that has no forward mode, in words, or None.
        own_gradients: List of the layers with functions that have gradients
            of their own, right or not; None stands for one in no layer.
    """

    problem: str | None
    own_gradients: list


def look(evaluation, probe):
    """Traces a model, and looks at its operations.

    Args:
        evaluation: `_evaluation.Evaluation`.
        probe: Float tensor, latents of its kind.

    Returns:
        `Traced`.
    """
    spec = tf.TensorSpec(probe.shape, probe.dtype)
    traced = tf.function(lambda z: _both(evaluation, z), autograph=False)
    graph = traced.get_concrete_function(spec).graph
    latents = graph.inputs[0].op
    forward = _ancestors([graph.outputs[0].op])
    known = set(forward)
    backward = [
        op
        for op in _ancestors([x.op for x in graph.outputs])
        if op not in known and _is_random(op)
    ]
    problems = (
        _problem(op, latents, evaluation.model) for op in [*forward, *backward]
    )
    return Traced(
        next((found for found in problems if found), None),
        [
            _layer_of(op.name, evaluation.model)
            for op in forward
            if "_gradient_op_type" in op.node_def.attr
        ],
    )


def _problem(op, latents, model):
    layer = _layer_of(op.name, model)
    found = _told(op)
    if _is_held(op, latents, layer):
        norm = isinstance(layer, keras.layers.BatchNormalization)
        found = _COUPLED if norm else _HELD
    if not found:
        return None
    what = f"the operation {op.name}"
    if layer is not None:
        kind = type(layer).__name__
        what = f"the layer {layer.name!r} ({kind}), operation {op.name}"
    elif _is_random(op):
        what += f" of one of the layers {_drawing(model)}"
    return f"{found[0]}. Received: a model with {what}; {found[1]}"


def _drawing(model):
    """Names of the layers that can draw random numbers."""
    return [
        layer.name
        for layer in parts_of(model)
        if any(
            isinstance(value, keras.random.SeedGenerator)
            for value in vars(layer).values()
        )
    ]


def _both(evaluation, z):
    """Outputs, and a gradient if there is one."""
    with tf.GradientTape() as tape:
        tape.watch(z)
        outputs = evaluation(z)
    try:
        found = tape.gradient(outputs, z)
    except LookupError:
        found = None
    return [outputs] if found is None else [outputs, found]


def _is_random(op):
    return "Random" in op.type and "Shuffle" not in op.type


def _is_held(op, latents, layer):
    """Whether an operation takes what depends on latents as constant."""
    if op.type != "StopGradient" or not op.outputs[0].dtype.is_floating:
        return False
    # The largest entry, of which the sum does not depend.
    exact = "logsumexp" in op.name.lower()
    centered = layer is not None and centers(layer)
    return not exact and not centered and latents in _ancestors([op])


def _told(op):
    """What is expected instead of an operation, and the fix, or None."""
    if _is_random(op):
        return (
            "a model that draws no random numbers, since its Jacobian would "
            "differ from pass to pass",
            "call it with training=False, or make it deterministic",
        )
    if op.type in _RESIZES:
        return (
            "a model without tf.image.resize and its like, which TensorFlow "
            "has no forward mode of",
            "use keras.layers.UpSampling2D or Resizing, for which there is "
            "a substitute, without cropping or padding to an aspect ratio",
        )
    if op.type in _POOLS and op.inputs[0].shape == op.outputs[0].shape:
        return (
            "a model without max-pooling that keeps the shape, of which a "
            "graph overwrites the direction of the derivative",
            "use a stride, or keras.layers.MaxPooling2D, for which there is a "
            "substitute",
        )
    if op.type in _LOOPS:
        return (
            "a model without loops, which forward mode cannot enter in a graph",
            "write it unrolled",
        )
    return None


def _ancestors(operations):
    """Operations and what they depend on, in the order of their names."""
    found, left = set(), list(operations)
    while left:
        op = left.pop()
        if op not in found:
            found.add(op)
            left += [x.op for x in op.inputs]
    return sorted(found, key=lambda op: op.name)


def _layer_of(name, model):
    """The innermost layer that an operation is named after, or None."""
    layers = {layer.name: layer for layer in parts_of(model)}
    for part in reversed(name.split("/")[:-1]):
        # A name that was taken before has a number behind it.
        layer = layers.get(part) or layers.get(re.sub(r"_\d+$", "", part))
        if layer is not None:
            return layer
    return None
