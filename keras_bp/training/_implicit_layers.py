"""What a layer's weights are multiplied with, for each kind of layer."""

import math

import keras
from keras import ops

from keras_bp.training._implicit_patches import rows_of_example, some_patches
from keras_bp.training._implicit_rows import Diagonal, Rows

# Examples that a dense layer is taken to have, if their number is not known
# before: with more features it is solved for its samples.
_FEW = 256


def weights_of(layer):
    """The weights of a layer of a known kind, trained or not."""
    holder = getattr(layer, "cell", layer)
    names = ("kernel", "recurrent_kernel", "bias", "embeddings")
    if isinstance(layer, keras.layers.BatchNormalization):
        names = ("gamma", "beta")
    found = [getattr(holder, name, None) for name in names]
    return [weight for weight in found if weight is not None]


def implicit_kind(layer):
    """Name of the kind of a layer, or None if it is trained explicitly."""
    for kind, (classes, _) in _KINDS.items():
        if type(layer) in classes and not special_weights(layer):
            return kind
    return None


def special_weights(layer):
    """Whether the weights of a layer are not the ones that it multiplies."""
    return bool(
        getattr(layer, "lora_enabled", False)
        or getattr(layer, "quantization_mode", None)
        or getattr(layer, "groups", 1) != 1
    )


def factors(layer, calls, weights, seed, compiled=False, of_all=False):
    """What the weights of a layer meet in its calls.

    Args:
        layer: Layer of a known kind.
        calls: List of `Call`.
        weights: Tensor `(batch,)` of the weights of examples, or None.
        seed: `keras.random.SeedGenerator`, for samples of rows.
        compiled: Boolean, whether XLA compiles this.
        of_all: Boolean, whether in those on all replicas.

    Returns:
        List of `Rows` and `Diagonal`.
    """
    _, make = _KINDS[implicit_kind(layer)]
    found = make(layer, calls, weights, seed, compiled)
    if of_all:
        found = [part.of_all() for part in found]
    return [part.thinned(seed) for part in found]


def solved_for_samples(part, decays):
    """Whether the gradients of the logits are all that a step needs."""
    if not isinstance(part, Rows) or part.logits is None:
        return False
    if any(id(weight) in decays for weight in part.weights):
        return False
    return part.fewer_rows(_FEW)


def wide(x):
    """Casts to float32, or leaves float64 as it is."""
    kind = keras.backend.standardize_dtype(x.dtype)
    return ops.cast(x, "float64" if kind == "float64" else "float32")


def _roots(rows, weights):
    """Root of the weight of each row, `(rows, 1)`.

    Args:
        rows: Tensor `(batch, ..., features)`.
        weights: Tensor `(batch,)`.
    """
    shape = (-1, *(1,) * (len(rows.shape) - 2))
    # A root of zero would lose what other terms of the loss ask of an example.
    each = ops.sqrt(ops.maximum(wide(weights), 1e-12))
    each = ops.cast(ops.reshape(each, shape), wide(rows).dtype)
    each = each * ops.ones_like(wide(rows[..., 0]))
    return ops.reshape(each, (-1, 1))


def _weighted(rows, weights):
    """Rows `(rows, features)` times the roots of their weights."""
    flat = ops.reshape(wide(rows), (-1, rows.shape[-1]))
    return flat if weights is None else flat * _roots(rows, weights)


def _dense(layer, calls, weights, seed, compiled):
    inputs = [_weighted(call.inputs, weights) for call in calls]
    roots = None
    if weights is not None:
        roots = ops.concatenate([_roots(x.inputs, weights) for x in calls])
    inputs = ops.concatenate(inputs)
    ones = None
    if layer.use_bias:
        ones = ops.ones_like(inputs[:, :1]) if roots is None else roots
    return [
        Rows(
            _kernel_and_bias(layer),
            inputs,
            ones,
            [call.logits for call in calls],
            roots,
            per_example=sum(_per_example(call.inputs) for call in calls),
        )
    ]


def _per_example(x):
    """Rows of one example, 1 if that is not known."""
    lengths = x.shape[1:-1]
    return 1 if None in lengths else math.prod(lengths)


def _kernel_and_bias(layer):
    return [layer.kernel, layer.bias] if layer.use_bias else [layer.kernel]


def _convolution(layer, calls, weights, seed, compiled):
    rows = []
    for call in calls:
        x, share = some_patches(layer, wide(call.inputs), seed, compiled)
        if layer.use_bias:
            x = ops.concatenate([x, ops.ones_like(x[..., :1])], axis=-1)
        # So that the mean of the Gram matrix is that of all positions.
        rows.append(_weighted(x * ops.sqrt(share), weights))
    return [
        Rows(
            _kernel_and_bias(layer),
            ops.concatenate(rows),
            sampled=any(_has_positions(layer, call) for call in calls),
            per_example=len(calls) * rows_of_example(),
        )
    ]


def _has_positions(layer, call):
    """Whether a convolution has several positions, or an unknown number."""
    return set(call.output.shape[1:]) != {1, layer.filters}


def _recurrent(layer, calls, weights, seed, compiled):
    cell = layer.cell
    inputs, states = [], []
    for call in calls:
        sequence = call.output
        inputs.append(_weighted(call.inputs, weights))
        before = ops.pad(sequence[:, :-1], ((0, 0), (1, 0), (0, 0)))
        states.append(_weighted(before, weights))
    x, states = ops.concatenate(inputs), ops.concatenate(states)
    first, others = [cell.kernel], []
    if cell.use_bias and len(cell.bias.shape) == 1:
        ones = ops.ones_like(x[:, :1])
        if weights is not None:
            ones = ops.concatenate(
                [_roots(call.inputs, weights) for call in calls]
            )
        x = ops.concatenate([x, ones], axis=1)
        first.append(cell.bias)
    elif cell.use_bias:
        # A GRU that resets afterwards has two.
        number = ops.cast(ops.shape(x)[0], "float32")
        others.append(Diagonal([cell.bias], number))
    return [
        Rows(first, x, many=True),
        Rows([cell.recurrent_kernel], states, many=True),
        *others,
    ]


def _embedding(layer, calls, weights, seed, compiled):
    count = ops.zeros((layer.input_dim,), "float32")
    for call in calls:
        index = ops.cast(call.inputs, "int32")
        each = ops.ones_like(wide(index))
        if weights is not None:
            shape = (-1, *(1,) * (len(index.shape) - 1))
            each = each * ops.reshape(wide(weights), shape)
        count = count + ops.segment_sum(
            ops.reshape(each, (-1,)),
            ops.reshape(index, (-1,)),
            num_segments=layer.input_dim,
        )
    return [Diagonal([layer.embeddings], ops.expand_dims(count, 1))]


def _batch_normalization(layer, calls, weights, seed, compiled):
    found = []
    squares, number = 0.0, 0.0
    for call in calls:
        x = wide(call.inputs)
        rank = len(x.shape)
        axes = [i for i in range(rank) if i != layer.axis % rank]
        _, variance = ops.moments(x, axes=axes, synchronized=layer.synchronized)
        rows = ops.cast(ops.size(x) // ops.size(variance), "float32")
        squares += rows * variance / (variance + layer.epsilon)
        number += rows
    if layer.scale:
        found.append(Diagonal([layer.gamma], squares))
    if layer.center:
        found.append(Diagonal([layer.beta], number))
    return found


_LAYERS = keras.layers
_KINDS = {
    "dense": ((_LAYERS.Dense,), _dense),
    "convolution": ((_LAYERS.Conv1D, _LAYERS.Conv2D), _convolution),
    "recurrent": (
        (_LAYERS.SimpleRNN, _LAYERS.LSTM, _LAYERS.GRU),
        _recurrent,
    ),
    "embedding": ((_LAYERS.Embedding,), _embedding),
    "batch normalization": (
        (_LAYERS.BatchNormalization,),
        _batch_normalization,
    ),
}
