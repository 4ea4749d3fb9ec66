"""The callback that draws what a generator makes, after each epoch."""

import math
import pathlib
import struct
import zlib

import keras
import numpy as np
from keras import ops

from keras_bp import _checks

# Between the images of a grid, unlike any value of a bit.
_GRAY = 127


class SampleGrid(keras.callbacks.Callback):
    r"""Writes a grid of samples as a PNG file after each epoch.

    A value :math:`p` becomes the gray level :math:`\lfloor 255 p \rfloor`, so
    that bits are black and white, and what a threshold is taken of can be
    drawn too. With `log_dir` the same pictures are written to TensorBoard's
    event files, with the number of epochs as the step; TensorBoard itself is
    needed to look at them only.

    Args:
        make_samples: Function from the model to an array of shape `(samples,
            height, width)`, or with 1 or 3 channels at the end, in [0, 1]. It
            should draw from the same latent vectors each time, and leave the
            model as it is.
        directory: Path of the folder for `epoch_0001.png`, ...; it is made if
            there is none.
        every: Positive integer: the epochs that this divides, counted from 1,
            are drawn. Defaults to `1`.
        columns: Positive integer, images in a row, or None for a square.
            Defaults to `None`.
        border: Integer, zero or more, gray pixels between images. Defaults
            to `1`.
        log_dir: Path of the folder for event files, or None for none.
            Defaults to `None`.

    Raises:
        TypeError: `make_samples` is no function, or a number no integer.
        ValueError: A number is out of range, or, after an epoch, the samples
            are of another shape, empty, or hold NaN or values out of [0, 1].

    Example:

    >>> import pathlib
    >>> import tempfile
    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.callbacks import SampleGrid
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
    >>> model.compile("sgd", "mse")
    >>> latents = np.ones((6, 2), "float32")
    >>> def make_samples(model):
    ...     bits = keras.ops.cast(model(latents) > 0, "float32")
    ...     return keras.ops.reshape(bits, (-1, 2, 2))
    >>> folder = tempfile.mkdtemp()
    >>> history = model.fit(
    ...     latents,
    ...     np.ones((6, 4)),
    ...     epochs=2,
    ...     verbose=0,
    ...     callbacks=[SampleGrid(make_samples, folder)],
    ... )
    >>> sorted(path.name for path in pathlib.Path(folder).iterdir())
    ['epoch_0001.png', 'epoch_0002.png']
    """

    def __init__(
        self,
        make_samples,
        directory,
        every=1,
        columns=None,
        border=1,
        log_dir=None,
    ):
        super().__init__()
        owner = type(self).__name__
        _checks.check_function(
            "make_samples",
            make_samples,
            owner=owner,
            expects="a function of the model",
        )
        _checks.check_integer("every", every, minimum=1, owner=owner)
        _check_layout(columns, border, owner)
        self.make_samples = make_samples
        self.directory = pathlib.Path(directory)
        self.every = every
        self.columns = columns
        self.border = border
        self.log_dir = log_dir
        self._writer = None

    def on_epoch_end(self, epoch, logs=None):
        number = epoch + 1
        if number % self.every:
            return
        images = _levels(self.make_samples(self.model), type(self).__name__)
        grid = _arranged(images, self.columns, self.border)
        png = _encoded(grid)
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"epoch_{number:04d}.png"
        path.write_bytes(png)
        if self.log_dir is not None:
            self._summarize(png, grid.shape, number)

    def on_train_end(self, logs=None):
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _summarize(self, png, shape, step):
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self.log_dir))
        # What `tf.summary.image` writes, which needs TensorBoard to do so.
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = "images"
        image = tf.constant([str(shape[1]), str(shape[0]), png])
        with self._writer.as_default(), tf.summary.record_if(True):
            tf.summary.write("samples", image, step=step, metadata=metadata)
        self._writer.flush()


def image_grid(images, columns=None, border=1):
    r"""Puts images beside and below each other, as one picture.

    Row by row; a value :math:`p` becomes :math:`\lfloor 255 p \rfloor`, and
    places that are left over are gray like the border.

    Args:
        images: Array in [0, 1] of shape `(images, height, width)`, or with 1
            or 3 channels at the end.
        columns: Positive integer, images in a row, or None for the least that
            makes at least as many columns as rows. Defaults to `None`.
        border: Integer, zero or more, pixels between images. Defaults to `1`.

    Returns:
        Array of uint8 of shape `(rows * (height + border) - border, columns *
        (width + border) - border, channels)`.

    Raises:
        TypeError: A number is no integer.
        ValueError: `images` is of another shape, empty, or holds NaN or
            values out of [0, 1], or a number is out of range.

    Example:

    >>> import numpy as np
    >>> from keras_bp.callbacks import image_grid
    >>> image_grid(np.zeros((4, 28, 28))).shape
    (57, 57, 1)
    """
    owner = "image_grid"
    _check_layout(columns, border, owner)
    return _arranged(_levels(images, owner), columns, border)


def _arranged(images, columns, border):
    count, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = -(-count // columns)
    grid = np.full(
        (rows, height + border, columns, width + border, channels),
        _GRAY,
        "uint8",
    )
    row, column = np.divmod(np.arange(count), columns)
    grid[row, :height, column, :width] = images
    grid = grid.reshape(
        rows * (height + border), columns * (width + border), channels
    )
    return grid[: len(grid) - border, : grid.shape[1] - border]


def _check_layout(columns, border, owner):
    if columns is not None:
        _checks.check_integer("columns", columns, minimum=1, owner=owner)
    _checks.check_integer("border", border, minimum=0, owner=owner)


def _levels(images, owner):
    """Array of uint8 of shape `(images, height, width, channels)`."""
    images = ops.convert_to_numpy(images)
    shape = images.shape
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
        raise ValueError(
            f"{owner} expects images of shape (images, height, width), or "
            "with 1 or 3 channels at the end, and not empty. "
            f"Received: shape={shape}"
        )
    images = images.astype("float64")
    # In this order, NaN is out of range.
    if not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(
            f"{owner} expects images in [0, 1]. "
            f"Received: {images.min()} to {images.max()}"
        )
    return np.floor(255 * images).astype("uint8")


def _encoded(picture):
    """A PNG file of an array of uint8, `(height, width, 1 or 3)`."""
    height, width, channels = picture.shape
    # A byte before each row says that it is not filtered.
    rows = np.pad(picture.reshape(height, -1), ((0, 0), (1, 0)))
    colors = {1: 0, 3: 2}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8, colors, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(rows.tobytes())),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind, data):
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check
