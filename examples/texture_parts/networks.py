"""The network of the paper's demonstration, for images of any size."""

import random

import keras
from keras import layers, ops

from keras_bp.layers import BackdropMask


class TrainingCrop(keras.layers.Layer):
    """Cuts a window out of each image, at random, in training only.

    Args:
        size: Integer, pixels of its side.
        seed: Integer or None.
    """

    def __init__(self, size, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        if not training:
            return x
        # One axis after the other: rows, then columns.
        for axis in (1, 2):
            begin = keras.random.randint(
                (ops.shape(x)[0], 1),
                0,
                x.shape[axis] - self.size + 1,
                seed=self.seed_generator,
            )
            places = begin + ops.arange(self.size, dtype=begin.dtype)
            places = ops.expand_dims(places, (2, 3) if axis == 1 else (1, 3))
            x = ops.take_along_axis(x, places, axis)
        return x

    def compute_output_shape(self, input_shape):
        return (input_shape[0], None, None, input_shape[-1])


def network(method, size, cells, channels, classes):
    """Convolutions of stride 2, with masks behind two of them.

    The first kernel is of 5 pixels, as in the demonstration; the others are
    of 2, so that the patches of two cells do not overlap. Only the average
    over the image enters the last layer: where a blob lies says nothing.

    Args:
        method: `methods.Method`.
        size: Integer, pixels of a side.
        cells: Pair of integers, cells along a side where the masks are, small
            cells and large ones; powers of 2 times each other, and `size`.
        channels: Integer.
        classes: Integer.

    Returns:
        Functional model, which returns logits.
    """
    # Drawn whether they are used or not, so that weights begin at the same
    # values whatever the method.
    seeds = [random.randrange(2**31) for _ in range(3)]
    x = inputs = keras.Input((size, size, 1))
    if method.crop:
        x = TrainingCrop(size // 2, seed=seeds.pop())(x)
    side, kernel = size, 5
    for rate, count in zip((method.fine, method.coarse), cells, strict=True):
        while side > count:
            x = layers.Conv2D(channels, kernel, 2, "same", activation="relu")(x)
            side, kernel = side // 2, 2
        x = _regularized(x, method, rate, seeds.pop())
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes)(x))


def _regularized(x, method, rate, seed):
    if rate:
        mask = BackdropMask(
            rate, "spatial", per_sample=method.per_sample, seed=seed
        )
        x = mask(x)
    if method.dropout:
        x = layers.Dropout(method.dropout, seed=seed)(x)
    if method.spatial_dropout:
        x = layers.SpatialDropout2D(method.spatial_dropout, seed=seed)(x)
    return x


def compiled(method, task):
    """A network for a task, with the accuracy of each scale.

    Args:
        method: `methods.Method`.
        task: `studies.Task`.
    """
    counts = [len(scale) for scale in task.lengths]
    model = network(
        method, task.size, task.cells, task.channels, counts[0] * counts[1]
    )
    model.compile(
        keras.optimizers.Adam(),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[
            keras.metrics.MeanMetricWrapper(fine_accuracy(counts[0]), "fine"),
            keras.metrics.MeanMetricWrapper(
                coarse_accuracy(counts[0]), "coarse"
            ),
        ],
    )
    return model


def fine_accuracy(count):
    """Function that tells whether the class has the small length right."""

    def right(y_true, y_pred):
        return _equal(y_true, y_pred, lambda label: label % count)

    return right


def coarse_accuracy(count):
    """Function that tells whether the class has the large length right."""

    def right(y_true, y_pred):
        return _equal(y_true, y_pred, lambda label: label // count)

    return right


def _equal(y_true, y_pred, part):
    found = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
    known = ops.reshape(ops.cast(y_true, "int32"), ops.shape(found))
    return ops.cast(ops.equal(part(found), part(known)), "float32")
