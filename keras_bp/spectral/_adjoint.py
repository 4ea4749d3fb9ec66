"""Forward mode held against reverse mode, of a model and of its layers."""

import contextlib

import keras
import numpy as np

from keras_bp._children import children_of
from keras_bp.spectral import _substitutes
from keras_bp.spectral._parts import computing, parts_of
from keras_bp.spectral._tensorflow import tf


def disagreement(function, inputs, layer, eagerly):
    """Compares both modes along random vectors, for a batch of two.

    Args:
        function: Function from tensors to a structure of tensors.
        inputs: List of float tensors.
        layer: Layer or model that it calls, by whose dtype it is judged.
        eagerly: Boolean, whether forward mode will run so. In graphs it treats
            custom gradients otherwise, and takes all directions at once.

    Returns:
        How they differ, in words, or None; and whether an output of one
        example depends on the other, None where derivatives are not finite.
    """
    compared = _compared if eagerly else _compared_in_a_graph
    try:
        vectors, others, pushed, pulled = compared(function, inputs)
    except (LookupError, TypeError, ValueError) as error:
        return f"an operation has no forward mode ({str(error)[:200]})", False
    forward = np.array([[_dot(u, x) for x in pushed] for u in others])
    reverse = np.array([[_dot(v, x) for v in vectors] for x in pulled])
    if not np.isfinite([forward, reverse]).all():
        return None, None
    # The direction of each is one of that example alone.
    coupled = any(
        np.any(numbers(x)[1 - example] != 0)
        for example, found in enumerate(pushed)
        for x in found
    )
    names = {x.dtype.name for x in [*inputs, *others[0]]}
    names |= {x.compute_dtype for x in computing(layer)}
    if near(forward, reverse, max(map(root, names))):
        return None, coupled
    if not forward.any():
        return "forward mode gives zeros where reverse mode does not", False
    return (
        "forward and reverse mode differ, as behind a gradient of its own or "
        "an operation without forward mode"
    ), False


def _compared(function, inputs):
    """Two directions and covectors, and what becomes of each."""
    random = np.random.default_rng(1)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        outputs = _real(function(*inputs))
    vectors = [_draws(random, inputs) for _ in range(2)]
    others = [_draws(random, outputs) for _ in range(2)]
    # One of the first example alone, one of the second.
    vectors = [
        [_only(example, x) for x in found]
        for example, found in enumerate(vectors)
    ]

    def pushed(directions):
        with tf.autodiff.ForwardAccumulator(inputs, directions) as accumulator:
            outputs = _real(function(*inputs))
        return _filled([accumulator.jvp(x) for x in outputs], outputs)

    if tf.executing_eagerly():
        found = [pushed(v) for v in vectors]
    else:
        stacked = [tf.stack(pair) for pair in zip(*vectors, strict=True)]
        both = tf.vectorized_map(pushed, stacked)
        found = [[x[i] for x in both] for i in range(2)]
    pulled = [
        _filled(tape.gradient(outputs, inputs, output_gradients=u), inputs)
        for u in others
    ]
    return vectors, others, found, pulled


def _compared_in_a_graph(function, inputs):
    # Arguments, which unlike constants are not computed with beforehand.
    @tf.function(autograph=False, reduce_retracing=True)
    def run(*inputs):
        return _compared(function, list(inputs))

    return run(*inputs)


def _filled(found, like):
    return [
        tf.zeros_like(y) if x is None else tf.convert_to_tensor(x)
        for x, y in zip(found, like, strict=True)
    ]


def blamed(evaluation, probe, eagerly, layers=None):
    """The first layer with a disagreement, and which; or None twice.

    Args:
        evaluation: `_evaluation.Evaluation`.
        probe: Float tensor, latents.
        eagerly: Boolean, see `disagreement`.
        layers: List of the layers to look at, or None for all.
    """
    for layer, arguments, options in _calls(evaluation, probe):
        places = [i for i, x in enumerate(arguments) if _is_real(x)]
        known = layers is None or any(layer is x for x in layers)
        if not (places and known):
            continue
        run = _called(layer, arguments, options, places)
        changed = _substitutes.substitutable(layer)
        with _substitutes.substituted(changed):
            given = [arguments[i] for i in places]
            wrong, _ = disagreement(run, given, layer, eagerly)
        if wrong:
            return layer, wrong
    return None, None


def _called(layer, arguments, options, places):
    """A layer as a function of some of its arguments."""

    def run(*given):
        given = dict(zip(places, given, strict=True))
        mixed = [given.get(i, x) for i, x in enumerate(arguments)]
        with keras.StatelessScope():
            return layer.call(*mixed, **options)

    return run


def _calls(evaluation, probe):
    """The calls of the innermost layers, in one pass."""
    calls = []
    with contextlib.ExitStack() as stack:
        for layer in _innermost(evaluation.model):
            stack.enter_context(
                _substitutes.attribute(layer, "call", _recorder(layer, calls))
            )
        evaluation(probe, substituted=False)
    return calls


def _recorder(layer, calls):
    original = layer.call

    def call(*arguments, **options):
        calls.append((layer, arguments, options))
        return original(*arguments, **options)

    return call


def _innermost(model):
    """Layers without others inside, and recurrent ones as a whole."""
    parts = parts_of(model)
    loops = [x for x in parts if isinstance(x, keras.layers.RNN)]
    inside = {id(x) for loop in loops for x in parts_of(loop)[1:]}
    return [
        x
        for x in parts
        if x is not model
        and id(x) not in inside
        and (isinstance(x, keras.layers.RNN) or not children_of(x))
        and not isinstance(x, keras.layers.InputLayer)
    ]


def _real(outputs):
    return [x for x in keras.tree.flatten(outputs) if _is_real(x)]


def _is_real(x):
    return keras.ops.is_tensor(x) and x.dtype.is_floating


def _draws(random, tensors):
    return [tf.constant(random.normal(size=x.shape), x.dtype) for x in tensors]


def _only(example, x):
    here = tf.one_hot(example, x.shape[0], dtype=x.dtype)
    return x * tf.reshape(here, [-1] + [1] * (x.shape.rank - 1))


def _dot(first, second):
    return sum(
        float(np.sum(numbers(x) * numbers(y)))
        for x, y in zip(first, second, strict=True)
    )


def numbers(x):
    """A tensor as a float64 array."""
    return np.asarray(tf.cast(tf.convert_to_tensor(x), tf.float64))


def near(found, expected, tolerance):
    """Whether no number differs by more than a part of the largest."""
    scale = max(np.abs(found).max(), np.abs(expected).max())
    return np.abs(found - expected).max() <= tolerance * scale


def root(name):
    """About the square root of the rounding of a dtype."""
    roots = {"bfloat16": 2.0**-4, "float16": 2.0**-5, "float32": 2.0**-11}
    return roots.get(name, 1e-6)
