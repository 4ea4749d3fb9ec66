"""Class activation maps by gradients, alone and with guided maps."""

import keras
import numpy as np

from keras_bp import _checks
from keras_bp.visualization import _targets
from keras_bp.visualization._companions import fixed_target, single
from keras_bp.visualization._graphs import check_graphs
from keras_bp.visualization._inspection import before_squashing
from keras_bp.visualization._outputs import layer_of, with_layer
from keras_bp.visualization.attributor import Attributor


def grad_cam(
    model,
    x,
    target="max",
    layer=None,
    logits=True,
    batch_size=32,
    seed=None,
):
    r"""Where in an image the channels lie that speak for a class.

    .. math:: \max\Big(0, \sum_k \bar g_k A_k\Big),
        \quad \bar g_k = \text{mean of } \partial s / \partial A_k

    with the channels :math:`A_k` that a layer returns, interpolated linearly
    to the size of the input.

    Args:
        model: `keras.Model` of one input and one output.
        x: Array of images `(examples, height, width, channels)`.
        target: As for `Attributor`. Defaults to `"max"`.
        layer: Layer of the model or of a model in it, which returns
            `(batch, height, width, channels)`, or its name; None for the last
            one of a functional or Sequential model. Defaults to `None`.
        logits: Boolean, whether a final softmax or sigmoid is left out.
            Defaults to `True`.
        batch_size: Positive integer. Defaults to `32`.
        seed: Integer or None, of the target `"random"`.

    Returns:
        Array `(examples, height, width)`, not negative.

    Raises:
        TypeError: `model` is no Keras model.
        RuntimeError: It is called in a graph, or functions run eagerly.
        ValueError: The model has no such layer or more than one output, or a
            target is out of range.

    Reference:
        Selvaraju et al., 2017, https://arxiv.org/abs/1610.02391.
    """
    owner = "grad_cam"
    check_graphs([], owner)
    import tensorflow as tf

    x = single(x, owner)
    _targets.check_target(target, owner)
    _checks.check_integer("batch_size", batch_size, minimum=1, owner=owner)
    layer = _layer(model, layer, owner)
    kind = _targets.kind_of(target)

    def called(images):
        return model(images, training=False)

    def maps(images, index):
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs, activations = _both(called, images, layer, owner)
            if logits:
                outputs, _ = before_squashing(outputs)
            score = _targets.scores(outputs, kind, index)
        gradient = tape.gradient(score, activations)
        if gradient is None:
            raise ValueError(
                f"{owner} expects a layer on the way to the outputs. "
                f"Received: layer={layer.name!r}"
            )
        channels = tf.reduce_mean(gradient, (1, 2), keepdims=True)
        found = tf.nn.relu(tf.reduce_sum(channels * activations, -1))
        found = tf.image.resize(found[..., None], tf.shape(images)[1:3])
        return found[..., 0]

    traced = tf.function(maps, autograph=False, reduce_retracing=True)
    shape = _both(called, tf.constant(x[:1]), layer, owner)[0].shape
    index = _targets.indices(target, tuple(shape), len(x), seed, owner)
    found = []
    for begin in range(0, len(x), batch_size):
        part = slice(begin, begin + batch_size)
        chosen = None if index is None else index[part].astype("int32")
        found.append(traced(tf.constant(x[part]), chosen))
    return np.concatenate([np.asarray(m) for m in found])


def guided_grad_cam(
    model, x, target="max", layer=None, rule="guided", batch_size=32, **options
):
    """Guided maps times class activation maps.

    Args:
        model: As for `grad_cam`.
        x: Array of images `(examples, height, width, channels)`.
        target: As for `Attributor`. Defaults to `"max"`.
        layer: As for `grad_cam`. Defaults to `None`.
        rule: String, of `Attributor`. Defaults to `"guided"`.
        batch_size: Positive integer. Defaults to `32`.
        **options: Those of `Attributor`, and `seed`.

    Returns:
        Array of the shape of `x`.

    Raises:
        TypeError, ValueError: As `grad_cam` and `Attributor`.

    Reference:
        Selvaraju et al., 2017, https://arxiv.org/abs/1610.02391, section 3.2.
    """
    seed = options.pop("seed", None)
    attributor = Attributor(model, rule, **options)
    x = single(x, "guided_grad_cam")
    target = fixed_target(attributor, x, target, batch_size, seed)
    logits = attributor.logits
    cam = grad_cam(model, x, target, layer, logits, batch_size, seed)
    return cam[..., None] * attributor(x, target, batch_size, seed)


def _both(called, images, layer, owner):
    """One output of a model, and the channels of a layer."""
    both = with_layer(called, images, layer, owner)
    counts = [len(keras.tree.flatten(one)) for one in both]
    if counts != [1, 1]:
        raise ValueError(
            f"{owner} expects a model and a layer with one output each. "
            f"Received: {counts[0]} and {counts[1]} of them"
        )
    outputs, channels = (keras.tree.flatten(one)[0] for one in both)
    if len(channels.shape) != 4:
        raise ValueError(
            f"{owner} expects a layer that returns (batch, height, width, "
            f"channels). Received: layer={layer.name!r}, which returns "
            f"{tuple(channels.shape)}"
        )
    return outputs, channels


def _layer(model, layer, owner):
    """The layer whose channels are weighed."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"{owner} expects a keras.Model. Received: model={model!r}"
        )
    if layer is not None:
        found = layer_of(model, layer)
        if found is not None:
            return found
    maps = [one for one in model.layers if _is_map(one)]
    if layer is None and maps:
        return maps[-1]
    raise ValueError(
        f"{owner} expects `layer` to be a layer of the model that returns "
        "(batch, height, width, channels), or its name; None is for functional "
        f"and Sequential models that have one. Received: layer={layer!r}; "
        f"there are {[one.name for one in maps or model.layers]}"
    )


def _is_map(layer):
    output = getattr(layer, "output", None)
    return (
        not isinstance(layer, keras.layers.InputLayer)
        and hasattr(output, "shape")
        and len(output.shape) == 4
    )
