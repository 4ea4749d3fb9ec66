"""How strongly the loss curves in the weights of each layer."""

import contextlib

import keras
from keras import ops

from keras_bp.training._implicit_layers import factors, wide
from keras_bp.training._implicit_losses import example_weights, probe, targets
from keras_bp.training._implicit_record import Record
from keras_bp.training._implicit_rows import Diagonal
from keras_bp.training._implicit_search import layers_in
from keras_bp.training._replicas import gathered

# Steps between measurements, after those in which all are measured: a network
# that begins on a plateau curves more and more when it leaves it.
_EVERY = 20
_EARLY = 100
# Examples that are looked at, and those where that is done in each step.
_EXAMPLES = 32
_FEW_EXAMPLES = 8
_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D)
_PROBABILITIES = (keras.activations.sigmoid, keras.activations.softmax)
# Of the mean over measurements.
_MEMORY = 0.9


def update_curvatures(model, layers, x, sample_weight):
    """Measures the curvature of each layer where that is due.

    By a pass of its own over a few examples: a tape that gives two gradients
    makes those through the loop of a recurrent layer take half as long again.

    Args:
        model: `ImplicitModel`.
        layers: List of pairs, a layer and the weight that holds its curvature,
            -1 where none was measured.
        x: Structure of tensors.
        sample_weight: Structure of tensors, or None.

    Returns:
        List of scalar tensors, for each layer.
    """
    import tensorflow as tf

    if not layers:
        return []

    # XLA's convolutions in a branch are some hundred times slower.
    always = bool(model.jit_compile) and any(
        isinstance(layer, _CONVOLUTIONS) for layer, _ in layers
    )
    count = _FEW_EXAMPLES if always else _EXAMPLES
    if _batch_is_fixed(model.model):
        count = None
    few = _few((x, sample_weight), count)
    if model.exact:
        # The first of all replicas, on each of them.
        size = ops.shape(keras.tree.flatten(x)[0])[0]
        few = _few(gathered(few), count or size)

    def measured():
        with _unsynchronized(layers_in(model.model)):
            found = _measured(model, [x for x, _ in layers], *few)
        return [
            _mixed(old, new)
            for (_, old), new in zip(layers, found, strict=True)
        ]

    def kept():
        return [ops.convert_to_tensor(old) for _, old in layers]

    steps = model.steps.value
    due = ops.logical_or(steps < _EARLY, ops.equal(steps % _EVERY, 0))
    olds = ops.stack([old.value for _, old in layers])
    due = ops.logical_or(due, ops.any(olds < 0))
    new = measured() if always else tf.cond(due, measured, kept)
    for (_, old), value in zip(layers, new, strict=True):
        old.assign(value)
    return new


def _batch_is_fixed(model):
    inputs = keras.tree.flatten(getattr(model, "inputs", None) or [])
    return any(x.shape and x.shape[0] is not None for x in inputs)


@contextlib.contextmanager
def _unsynchronized(layers):
    """Replicas cannot wait for each other inside a branch of a graph."""
    found = [x for x in layers if getattr(x, "synchronized", False)]
    try:
        for layer in found:
            layer.synchronized = False
        yield
    finally:
        for layer in found:
            layer.synchronized = True


def _few(structure, count):
    return keras.tree.map_structure(
        lambda x: None if x is None else x[:count], structure
    )


def _measured(model, layers, x, sample_weight):
    weights = example_weights(sample_weight)
    record, tape, signs = _run(model, layers, x, sample_weight, weights)
    parts = {
        id(layer): factors(
            layer,
            record.calls(layer),
            weights,
            model.seed_generator,
            bool(model.jit_compile),
        )
        for layer in layers
        if record.calls(layer)
    }
    gradients = tape.gradient(
        signs,
        {key: [_sources(x) for x in group] for key, group in parts.items()},
        unconnected_gradients="zero",
    )
    none = ops.zeros(())
    return [
        curvature(parts[id(x)], gradients[id(x)]) if id(x) in parts else none
        for x in layers
    ]


def _run(model, layers, x, sample_weight, weights):
    """`Record`, tape, and the probe of a pass that changes nothing."""
    import tensorflow as tf

    # Statistics of batches and states of noise are left as they were.
    states = model.model.non_trainable_variables
    before = [ops.copy(state.value) for state in states]
    record = Record(layers)
    with tf.GradientTape() as tape:
        with record.recording(tape.watch):
            y_pred = model.model(x, training=True)
        found = targets(model, y_pred, sample_weight)
        logits = _output_logits(record, layers, found)
        signs = probe(logits, found, weights, model.seed_generator)
    for state, value in zip(states, before, strict=True):
        state.assign(value)
    return record, tape, signs


def _output_logits(record, layers, found):
    """What each loss is a function of: logits where the last layer has them."""
    known = {
        id(call.output): (layer.activation, call.logits)
        for layer in layers
        for call in record.calls(layer)
        if call.logits is not None
    }
    logits = []
    for target in found:
        activation, given = known.get(id(target.output), (None, None))
        if getattr(target.loss, "from_logits", True) is False:
            fits = activation in _PROBABILITIES
        else:
            fits = activation is keras.activations.linear
        logits.append(given if fits else target.output)
    return logits


def _mixed(old, new):
    new = ops.cast(new, "float32")
    mixed = _MEMORY * old.value + (1 - _MEMORY) * new
    mixed = ops.where(old.value < 0, new, mixed)
    return ops.where(ops.isfinite(mixed), mixed, old.value)


def _sources(part):
    """What the gradient of the probe is asked for: logits if they will do."""
    if not isinstance(part, Diagonal) and part.logits is not None:
        return part.logits
    return [weight.value for weight in part.weights]


def curvature(parts, gradients):
    """The curvature of a layer whose trace is that of Gauss and Newton.

    The squared gradients of a `probe` add up to an estimate of the trace of
    `J^T J`; the rows of a layer, with one curvature for all of its units, have
    the trace below.

    Args:
        parts: List of `Rows` and `Diagonal`.
        gradients: List of lists of tensors, for each part: of its logits if it
            has them, else of its weights.

    Returns:
        Scalar tensor.
    """
    squares = sum(
        _square(part, group)
        for part, group in zip(parts, gradients, strict=True)
    )
    trace = sum(_trace(part) for part in parts)
    return squares / ops.maximum(trace, 1e-12)


def _square(part, gradients):
    """Squared norm of the gradients of the weights of a part."""
    if isinstance(part, Diagonal) or part.logits is None:
        return sum(
            ops.sum(ops.square(wide(ops.convert_to_tensor(x))))
            for x in gradients
        )
    rows, given = (
        part.joined(),
        ops.concatenate(
            [ops.reshape(wide(x), (-1, x.shape[-1])) for x in gradients]
        ),
    )
    if part.roots is not None:
        rows = rows / part.roots
    # Of `rows^T given`, without it: rows are few, and weights are many.
    return ops.sum(
        ops.matmul(rows, ops.transpose(rows))
        * ops.matmul(given, ops.transpose(given))
    )


def _trace(part):
    if isinstance(part, Diagonal):
        size = 1
        for length in part.weights[0].shape:
            size *= length
        gram = ops.convert_to_tensor(part.gram)
        return ops.mean(gram) * size
    units = part.weights[0].shape[-1]
    total = ops.sum(ops.square(part.inputs))
    if part.ones is not None:
        total = total + ops.sum(ops.square(part.ones))
    return units * total
