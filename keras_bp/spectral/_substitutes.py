"""Layers that TensorFlow differentiates wrongly, in a form that it does not.

The derivative of a resized image is the resized derivative, but TensorFlow's
forward mode takes it to be zero. So the same numbers are computed as products
with two matrices. A recurrent layer is a loop, which forward mode cannot enter
in a graph; it runs unrolled. Layer and group normalization hold the mean
constant in the variance (`tf.nn.moments`), by which second derivatives are
wrong; of what was centered before, the mean is the constant zero. Max-pooling
that keeps the shape overwrites, in a graph, the direction that its derivative
is taken along; padded before, it does not keep the shape.
"""

import contextlib

import keras
import numpy as np

from keras_bp.spectral._parts import parts_of
from keras_bp.spectral._tensorflow import tf


@contextlib.contextmanager
def substituted(layers):
    """For its body, layers compute the same in another way.

    Args:
        layers: List of layers, of `substitutable`.
    """
    with contextlib.ExitStack() as stack:
        for layer in layers:
            stack.enter_context(attribute(layer, *_change(layer)))
        yield


@contextlib.contextmanager
def attribute(layer, name, value):
    """For its body, a layer has another attribute, or another `call`.

    Past the tracking of Keras, to which it is none: only so are layers reached
    that a subclassed model calls by itself.
    """
    had, old = name in vars(layer), vars(layer).get(name)
    object.__setattr__(layer, name, value)
    try:
        yield
    finally:
        if had:
            object.__setattr__(layer, name, old)
        else:
            vars(layer).pop(name, None)


def second_derivatives(model):
    """For its body, the gradient of a model can be differentiated.

    Args:
        model: Model that normalizes layers or groups, or does not.
    """
    return substituted([x for x in parts_of(model) if centers(x)])


def substitutable(model):
    """The layers of a model that `substituted` changes."""
    kinds = _is_resize, _is_loop, _keeps_shape, centers
    return [x for x in parts_of(model) if any(kind(x) for kind in kinds)]


def _is_loop(layer):
    return isinstance(layer, keras.layers.RNN)


def _is_resize(layer):
    if isinstance(layer, keras.layers.UpSampling2D):
        return layer.interpolation != "nearest"
    return (
        isinstance(layer, keras.layers.Resizing)
        and not layer.crop_to_aspect_ratio
        and not layer.pad_to_aspect_ratio
    )


def centers(layer):
    """Whether a layer subtracts a mean, and so may be given less it."""
    if isinstance(layer, keras.layers.LayerNormalization):
        return not layer.rms_scaling
    return isinstance(layer, keras.layers.GroupNormalization)


def _change(layer):
    original = type(layer).call
    if _is_loop(layer):
        return "unroll", True
    if _is_resize(layer):
        return "call", _interpolation(layer, original)
    if _keeps_shape(layer):
        return "call", _padded(layer)
    return "call", _centered(layer, original)


def _keeps_shape(layer):
    # Padded in three dimensions, XLA has it wrong; that is refused.
    pools = keras.layers.MaxPooling1D, keras.layers.MaxPooling2D
    if not isinstance(layer, pools) or max(layer.strides) > 1:
        return False
    return layer.padding == "same" or max(layer.pool_size) == 1


def _padded(layer):
    """The `call` of max-pooling, of what is padded before."""
    sizes = layer.pool_size
    around = [((size - 1) // 2, size // 2) for size in sizes]
    first = layer.data_format == "channels_first"
    around = [(0, 0), *([(0, 0)] if first else []), *around]
    around += [] if first else [(0, 0)]

    def call(inputs):
        x = tf.convert_to_tensor(inputs)
        if max(sizes) == 1:
            return tf.identity(x)
        x = tf.pad(x, around, constant_values=x.dtype.min)
        return keras.ops.max_pool(x, sizes, 1, "valid", layer.data_format)

    return call


def _centered(layer, original):
    """The `call` of a layer that normalizes, for what is centered before."""
    is_group = isinstance(layer, keras.layers.GroupNormalization)

    def call(inputs, *args, **kwargs):
        x = tf.convert_to_tensor(inputs)
        if x.dtype != tf.float64:
            x = tf.cast(x, tf.float32)
        if is_group:
            x = _less_group_means(x, layer.axis, layer.groups)
        else:
            x -= tf.reduce_mean(x, axis=layer.axis, keepdims=True)
        return original(layer, x, *args, **kwargs)

    return call


def _less_group_means(x, axis, groups):
    shape = list(x.shape)
    axis %= len(shape)
    sizes = [groups, shape[axis] // groups]
    shape = [-1, *shape[1:axis], *sizes, *shape[axis + 1 :]]
    split = tf.reshape(x, shape)
    axes = [i for i in range(1, len(shape)) if i != axis]
    split -= tf.reduce_mean(split, axis=axes, keepdims=True)
    return tf.reshape(split, tf.shape(x))


def _interpolation(layer, original):
    """The `call` of a layer that resizes images, by two matrices."""

    def call(inputs, *args, **kwargs):
        inputs = tf.convert_to_tensor(inputs)
        first = layer.data_format == "channels_first"
        rank = inputs.shape.rank
        height, width = inputs.shape[1:3] if not first else inputs.shape[-2:]
        if rank == 3 and not first:
            height, width = inputs.shape[0:2]
        rows = _matrix(layer, original, height, width, 0, inputs.dtype)
        columns = _matrix(layer, original, height, width, 1, inputs.dtype)
        equation = "ai,bj,...ij->...ab" if first else "ai,bj,...ijc->...abc"
        return tf.einsum(equation, rows, columns, inputs)

    return call


def _matrix(layer, original, height, width, axis, dtype):
    """How the layer mixes the positions along an axis.

    Each unit vector, constant along the other axis, is one image of a batch.
    """
    if height is None or width is None:
        raise ValueError(
            f"{layer.name} ({type(layer).__name__}) interpolates, and its "
            "substitute, which has a forward mode, expects images of a known "
            f"size. Received: height={height}, width={width}"
        )
    size = (height, width)[axis]
    images = np.eye(size, dtype="float32")
    images = images[:, :, None] if axis == 0 else images[:, None, :]
    images = np.broadcast_to(images, (size, height, width))
    first = layer.data_format == "channels_first"
    images = images[:, None] if first else images[..., None]
    # Outside of the graph that is being made, if any.
    with tf.init_scope():
        found = np.asarray(original(layer, tf.constant(images)))
    found = found[:, 0] if first else found[..., 0]
    found = found[:, :, 0] if axis == 0 else found[:, 0]
    return tf.constant(found.T, dtype)
