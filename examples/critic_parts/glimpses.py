"""Digits of which only small windows are seen, one after the other."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from examples.critic_parts.methods import initial
from keras_bp.datasets import load_digits
from keras_bp.layers import CostNode

_ORDER = 7


@keras.saving.register_keras_serializable("examples")
def minus_log_probability(classes, logits):
    """-log p of one-hot classes, in nats."""
    return -ops.sum(classes * ops.log_softmax(logits, axis=-1), axis=-1)


@dataclasses.dataclass(frozen=True)
class Images:
    """Images in rows of pixels, and their classes as one-hot vectors.

    Attributes:
        pixels: Array `(images, pixels)`.
        classes: Array `(images, 10)`.
    """

    pixels: np.ndarray
    classes: np.ndarray

    def part(self, rows):
        return Images(self.pixels[rows], self.classes[rows])


@dataclasses.dataclass(frozen=True)
class Glimpses:
    """A classifier that chooses where to look.

    The first glimpse is at the center. From what it has seen a recurrent core
    chooses the place of the next one, on a grid; the class is told at the end.

    Attributes:
        data: Dictionary from `"train"`, `"validation"` and `"test"` to
            `Images`.
        told: String, what they are.
        side: Integer, pixels of a side of an image.
        window: Integer, pixels of a side of a glimpse.
        stride: Integer, pixels between places of the grid.
        chosen: Integer, glimpses whose place is chosen.
        units: Integer, of the core.
    """

    data: dict = dataclasses.field(repr=False)
    told: str
    side: int
    window: int
    stride: int
    chosen: int = 3
    units: int = 64

    name = "glimpses"
    measure = "digits told wrong"
    distribution = "one_hot"

    @property
    def places(self):
        """Pixels of each window, `(places, pixels)`, row by row."""
        starts = range(0, self.side - self.window + 1, self.stride)
        inside = np.arange(self.window)
        pixels = self.side * inside[:, None] + inside
        return np.array(
            [self.side * i + j + pixels.ravel() for i in starts for j in starts]
        )

    def graph(self, node):
        """The classifier.

        Args:
            node: Function of an index that returns a `StochasticNode`.

        Returns:
            Inputs, a list of costs, and the share of wrong answers of each
            example.
        """
        x = keras.Input((self.side**2,), name="x")
        y = keras.Input((10,), name="y")
        places = self.places
        windows = ops.take(x, places.ravel().astype("int32"), axis=1)
        windows = ops.reshape(windows, (-1, *places.shape))
        see, go, keep, look, tell = (
            keras.layers.Dense(
                size, kernel_initializer=initial(name), name=name
            )
            for name, size in (
                ("see", self.units),
                ("go", self.units),
                ("keep", self.units),
                ("look", len(places)),
                ("tell", 10),
            )
        )
        middle = (self.side - self.window) // 2
        rows = slice(middle, middle + self.window)
        first = ops.reshape(x, (-1, self.side, self.side))[:, rows, rows]
        core = ops.relu(see(ops.reshape(first, (-1, self.window**2))))
        for index in range(self.chosen):
            place = node(index)(look(core))
            # A product with the one-hot place: the window is gathered.
            seen = ops.sum(windows * ops.expand_dims(place, -1), axis=1)
            core = ops.relu(see(seen) + go(place) + keep(core))
        logits = tell(core)
        cost = CostNode(minus_log_probability, name="told")([y, logits])
        wrong = ops.not_equal(ops.argmax(logits, -1), ops.argmax(y, -1))
        return [x, y], [cost], ops.cast(wrong, "float32")

    def batches(self, seed, batch, count):
        """Shuffled batches, the same ones for each method.

        Returns:
            `tf.data.Dataset` of tuples with a list of two arrays.
        """
        train = self.data["train"]
        rng = np.random.default_rng(seed)
        epochs = -(-count * batch // len(train.pixels))
        order = [rng.permutation(len(train.pixels)) for _ in range(epochs)]
        order = np.concatenate(order)[: count * batch].reshape(count, batch)
        pixels, classes = tf.constant(train.pixels), tf.constant(train.classes)
        data = tf.data.Dataset.from_tensor_slices(order.astype("int32"))

        @tf.autograph.experimental.do_not_convert
        def gather(rows):
            return ((tf.gather(pixels, rows), tf.gather(classes, rows)),)

        return data.map(gather).prefetch(100)

    def held_out(self, part, count):
        """List of arrays of examples for `"validation"` or `"test"`."""
        found = self.data[part]
        return [found.pixels[:count], found.classes[:count]]


def loaded(data_dir=None, **arguments):
    """`Glimpses` of the digits that are there.

    A sixth of the training images is held out for validation.

    Args:
        data_dir: See `keras_bp.datasets.load_digits`.
        **arguments: Of `Glimpses`.
    """
    (x, y), test = load_digits(data_dir)
    side = x.shape[1]
    rows = np.random.default_rng(_ORDER).permutation(len(x))
    held = len(x) // 6
    train = _images(x, y)
    data = {
        "train": train.part(rows[held:]),
        "validation": train.part(rows[:held]),
        "test": _images(*test),
    }
    kind = "MNIST" if side == 28 else "scikit-learn's digits"
    return Glimpses(data, kind, side, **arguments)


def _images(x, y):
    return Images(
        x.reshape(len(x), -1).astype("float32"),
        np.eye(10, dtype="float32")[y],
    )
