"""Whether forward mode is right for a model, and which layer is to blame.

TensorFlow's forward mode silently gives zeros for operations whose backward
pass has no derivative of its own, and ignores custom gradients, which its
reverse mode follows. So a model is held against reverse mode: u' (J v) has to
be v' (J' u) for random vectors. A model whose examples are coupled, or that
draws random numbers, has no Jacobian for each example.
"""

import concurrent.futures
import math
import weakref

import keras
import numpy as np

from keras_bp.spectral import _adjoint, _graph_names
from keras_bp.spectral._parts import computing, parts_of
from keras_bp.spectral._tensorflow import tf

_KNOWN = weakref.WeakKeyDictionary()


def check_modes(evaluation, z):
    """Raises unless forward mode is right for a model.

    It is looked through once for each kind of latents and for eager mode and
    graphs, with random latents.

    Args:
        evaluation: `_evaluation.Evaluation`.
        z: Float tensor `(batch, ...)`, latents of the kind.

    Returns:
        The size of the outputs of an example, their dtype, and the coarsest
        one in which the model computes.
    """
    eagerly = tf.executing_eagerly()
    key = evaluation.training, tuple(z.shape[1:]), z.dtype.name, eagerly
    known = _KNOWN.setdefault(evaluation.model, {})
    if key not in known:
        # In a thread of its own there is no graph, tape or scope around;
        # `tf.init_scope` would stop the tapes of its body as well.
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            known[key] = pool.submit(
                _looked_through, evaluation, z.shape[1:], z.dtype, eagerly
            ).result()
    found = known[key]
    if isinstance(found, str):
        raise ValueError(f"{evaluation.owner} expects {found}")
    return found


def _looked_through(evaluation, shape, dtype, eagerly):
    """Size, dtype and precision of outputs, or what is wrong, in words."""
    probe = _probe(evaluation, shape, dtype)
    traced = _graph_names.look(evaluation, probe)
    own = traced.own_gradients
    problem = traced.problem or _of_modes(evaluation, probe, eagerly, own)
    if not problem and eagerly and own:
        # Which eager mode follows and graphs do not.
        problem = _of_modes(evaluation, probe, False, own)
    problem = problem or _of_substitutes(evaluation, probe)
    outputs = evaluation(probe)
    size = math.prod(outputs.shape[1:])
    return problem or (size, outputs.dtype, _coarsest(evaluation, outputs))


def _coarsest(evaluation, outputs):
    layers = computing(evaluation.model)
    names = {outputs.dtype.name, *(x.compute_dtype for x in layers)}
    return tf.as_dtype(max(names, key=_adjoint.root))


def _probe(evaluation, shape, dtype):
    """Two different latents of which the outputs are finite, if any are."""
    random = np.random.default_rng(0)
    draws = (
        random.normal(size=(2, *shape)),
        random.uniform(0.1, 0.9, size=(2, *shape)),
    )
    for draw in draws:
        probe = tf.constant(draw, dtype)
        if np.isfinite(_adjoint.numbers(evaluation(probe))).all():
            break
    return probe


def _of_modes(evaluation, probe, eagerly, suspects):
    """What is wrong with the derivatives of a model, in words, or None.

    Args:
        evaluation: `_evaluation.Evaluation`.
        probe: Float tensor, two latents.
        eagerly: Boolean, see `_adjoint.disagreement`.
        suspects: List of layers with gradients of their own, which are held
            against reverse mode alone as well: beside other branches what
            they do wrong may be too small to be told from rounding.
    """
    wrong, coupled, stirred = _compared(evaluation, probe, eagerly)
    layer = inside = None
    if wrong:
        layer, inside = _adjoint.blamed(evaluation, probe, eagerly)
    elif suspects:
        layer, inside = _adjoint.blamed(evaluation, probe, eagerly, suspects)
    if wrong or layer is not None:
        what = f"the model {evaluation.model.name!r}"
        if layer is not None:
            what, wrong = f"a model with {_named(layer)}", inside
        return (
            "a model whose derivative forward mode finds. Received: "
            f"{what}, in which {wrong}; take the part of the model without "
            "it, or another layer in its place"
        )
    if coupled or _takes_others(evaluation, probe, stirred):
        return _of_coupling(evaluation.model)
    return None


def _compared(evaluation, probe, eagerly):
    """What `_adjoint.disagreement` finds, and the weights it was found with."""
    for stirred in _stirred(evaluation.model):
        wrong, coupled = _adjoint.disagreement(
            lambda z, values=stirred: evaluation(z, values=values),
            [probe],
            evaluation.model,
            eagerly,
        )
        if coupled is not None:
            break
    return wrong, coupled, stirred


def _takes_others(evaluation, probe, values):
    """Whether the first output is another one without the second example.

    As by a comparison with the mean of a batch, of which no derivative tells.
    """
    inputs = getattr(evaluation.model, "inputs", None)
    if inputs and inputs[0].shape[0] is not None:
        return False
    both = _adjoint.numbers(evaluation(probe, values=values))[:1]
    alone = _adjoint.numbers(evaluation(probe[:1], values=values))
    names = {probe.dtype.name}
    names |= {layer.compute_dtype for layer in computing(evaluation.model)}
    close = _adjoint.near(both, alone, max(map(_adjoint.root, names)))
    return np.isfinite([both, alone]).all() and not close


def _of_coupling(model):
    names = [
        _named(layer)
        for layer in parts_of(model)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    by = f" by {', '.join(names)}" if names else ""
    return (
        "a model that computes each example from that example alone. "
        f"Received: the model {model.name!r}, whose examples are coupled{by}; "
        "call it with training=False"
    )


def _of_substitutes(evaluation, probe):
    if not evaluation.changed:
        return None
    plain = _adjoint.numbers(evaluation(probe, substituted=False))
    found = _adjoint.numbers(evaluation(probe))
    names = {layer.compute_dtype for layer in computing(evaluation.model)}
    if _adjoint.near(
        found, plain, 30 * max(map(_adjoint.root, names), default=1e-6)
    ):
        return None
    return (
        "a model that can run with loops unrolled and interpolation as a "
        f"product. Received: the model {evaluation.model.name!r}, which gives "
        "other outputs so"
    )


def _stirred(model):
    """Values near those of the weights, so that no zero hides a branch.

    All weights; or those that are trained alone, where a constant that is
    kept as a weight leads to what is not finite; or none.
    """
    random = np.random.default_rng(2)
    trained, held = [], []
    for weight in model.weights:
        if not tf.as_dtype(weight.dtype).is_floating:
            continue
        old = _adjoint.numbers(weight.value)
        # A share of what a kernel of its size would begin with, at least.
        usual = max(math.prod(old.shape[:-1]), 1) ** -0.5
        size = 0.1 * max(math.sqrt(np.mean(np.square(old))), usual)
        moves = random.normal(0.0, size, old.shape)
        if weight.trainable:
            trained.append((weight, old + moves))
        else:
            # Upward: it may be a variance.
            held.append((weight, old + abs(moves)))
    return [*trained, *held], trained, []


def _named(layer):
    return f"the layer {layer.name!r} ({type(layer).__name__})"
