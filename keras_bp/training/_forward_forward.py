"""Goodness of layers, and examples with right and wrong labels."""

import keras
from keras import ops

from keras_bp import _random
from keras_bp.layers import BinaryNeuron
from keras_bp.training._implicit_layers import wide

GOODNESS = ("mean_squares", "sum_squares")
_TINY = 1e-8
# Functions into -1 to 1, and layers after which neurons stay there.
_BOUNDED = [
    getattr(keras.activations, name)
    for name in (
        "hard_sigmoid",
        "hard_tanh",
        "sigmoid",
        "softmax",
        "softsign",
        "sparse_sigmoid",
        "sparsemax",
        "tanh",
    )
    # Some are new in the course of Keras 3.
    if hasattr(keras.activations, name)
]
_KEEPING = (
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.AveragePooling3D,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
    keras.layers.GlobalMaxPooling1D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.GlobalMaxPooling3D,
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
    keras.layers.MaxPooling3D,
    keras.layers.Permute,
    keras.layers.Reshape,
)


def neurons(value):
    """The neurons of a layer as `(batch, neurons)`, in float32 or float64."""
    return ops.reshape(wide(value), (ops.shape(value)[0], -1))


def goodness(value, kind):
    """The goodness of a layer for each example, `(batch,)`."""
    squares = ops.square(neurons(value))
    reduce = ops.mean if kind == "mean_squares" else ops.sum
    return reduce(squares, axis=1)


def normalized(value):
    """Neurons of a root mean square of one, so that goodness is gone."""
    wider = wide(value)
    axes = tuple(range(1, len(value.shape)))
    square = ops.mean(ops.square(wider), axis=axes, keepdims=True)
    return ops.cast(wider * ops.rsqrt(square + _TINY), value.dtype)


def entries(x, model):
    """Inputs as a tensor, in which a share of a label has a place too."""
    x = ops.convert_to_tensor(x)
    if "float" in keras.backend.standardize_dtype(x.dtype):
        return x
    return ops.cast(x, model.inputs[0].dtype)


def embedded(x, label, kind):
    """Examples with their labels.

    Args:
        x: Tensor `(batch, ...)`.
        label: Tensor `(batch, classes)`.
        kind: `"overlay"`, which puts the label in place of the first entries,
            or `"concatenate"`, which adds it to the last axis, at each place.
    """
    label = ops.cast(label, x.dtype)
    if kind == "overlay":
        shape = (-1, *x.shape[1:])
        flat = ops.reshape(x, (ops.shape(x)[0], -1))
        flat = ops.concatenate([label, flat[:, label.shape[1] :]], axis=1)
        return ops.reshape(flat, shape)
    places = x.shape[1:-1]
    label = ops.reshape(label, (-1, *(1,) * len(places), label.shape[1]))
    label = label * ops.ones((1, *places, 1), x.dtype)
    return ops.concatenate([x, label], axis=-1)


def labels_of(y, num_classes):
    """Integer labels `(batch,)`, of integers or of one-hot vectors."""
    if len(y.shape) == 2 and y.shape[1] == num_classes and num_classes > 1:
        return ops.argmax(y, axis=1)
    return ops.cast(ops.reshape(y, (-1,)), "int32")


def in_range(labels, num_classes):
    """Whether all labels are classes, a scalar."""
    return ops.all(ops.logical_and(labels >= 0, labels < num_classes))


def wrong_labels(labels, num_classes, seed_generator, scores=None):
    """A wrong label for each example.

    Args:
        labels: Tensor `(batch,)`.
        num_classes: Integer.
        seed_generator: `keras.random.SeedGenerator`.
        scores: Tensor `(batch, classes)` by which labels are likely, or None
            for equal chances.
    """
    if scores is None:
        chance = _random.uniform(ops.shape(labels), seed_generator)
        # Below one also where rounding would reach it.
        shift = ops.floor(chance * (num_classes - 1))
        shift = ops.minimum(ops.cast(shift, "int32"), num_classes - 2)
        return (ops.cast(labels, "int32") + 1 + shift) % num_classes
    scores = wide(scores)
    right = ops.one_hot(labels, num_classes, dtype=scores.dtype)
    chance = _random.uniform(ops.shape(scores), seed_generator)
    chance = ops.clip(chance, 1e-7, 1.0 - 1e-7)
    noise = -ops.log(-ops.log(chance))
    noisy = ops.stop_gradient(scores) + ops.cast(noise, scores.dtype)
    return ops.argmax(noisy - 1e9 * right, axis=1)


def half_way(block):
    """The share of its neurons that is the threshold of a block.

    All, as in the report, where neurons may grow; half, where squares end at
    one, and a sum would never be above the number of neurons.
    """
    for step in reversed(block.steps):
        activation = getattr(step.operation, "activation", step.operation)
        if activation in _BOUNDED or isinstance(activation, BinaryNeuron):
            return 0.5
        if not isinstance(step.operation, _KEEPING):
            return 1.0
    return 1.0


def layer_loss(value, rule, place, sample_weight):
    """The loss of a layer, the mean over examples, right ones first.

    Args:
        value: Tensor, the neurons for examples with right labels, and then
            for the same number with wrong ones.
        rule: `ForwardForwardModel`.
        place: Integer, which of its layers.
        sample_weight: Tensor `(examples,)`, or None.
    """
    found = goodness(value, rule.goodness)
    odds = found - rule.threshold_of(place, value)
    right, wrong = ops.split(odds, 2)
    each = 0.5 * (ops.softplus(-right) + ops.softplus(wrong))
    if sample_weight is not None:
        weight = ops.cast(ops.reshape(sample_weight, (-1,)), each.dtype)
        each = each * weight
    loss = ops.mean(each)
    if rule.peer_normalization:
        mean = ops.mean(neurons(value), axis=0)
        spread = ops.mean(ops.square(mean - ops.mean(mean)))
        loss = loss + rule.peer_normalization * spread
    return loss


def hidden_graph(model, owner, read):
    """`LagrangianGraph` whose last neurons are the outputs of a model.

    Args:
        model: Sequential or functional model of hidden layers.
        owner: String, who speaks in errors.
        read: Function of a model and an owner that returns a graph.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"{owner} expects a model with one input and one output, its last "
            f"hidden layer. Received: {len(model.inputs)} inputs, "
            f"{len(model.outputs)} outputs"
        )
    last = model.outputs[0]
    if len(last.shape) > 2:
        last = keras.layers.Flatten()(last)
    # Neurons are what another layer reads, so the last ones get a reader.
    return read(keras.Model(model.inputs, keras.layers.Dense(1)(last)), owner)
