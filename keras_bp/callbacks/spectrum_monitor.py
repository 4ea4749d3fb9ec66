"""The callback that watches the spectrum of a Jacobian."""

import dataclasses
import pathlib

import keras
import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp._backend import check_tensorflow
from keras_bp.callbacks._spectrum_picture import draw_spectra
from keras_bp.spectral.spectrum import spectrum

_LOGGED = ("largest", "smallest", "condition", "effective_rank", "log_det")


@dataclasses.dataclass(frozen=True)
class SpectrumReport:
    """What `SpectrumMonitor` found after an epoch.

    Attributes:
        singular_values: Array `(latents, n)`, descending.
        largest: Float, mean of the largest eigenvalue of the metric.
        smallest: Float, mean of its smallest.
        condition: Float, geometric mean of the condition number of the
            Jacobian.
        effective_rank: Float, mean of that.
        log_det: Float, mean log-determinant of the metric, nats.
    """

    singular_values: np.ndarray
    largest: float
    smallest: float
    condition: float
    effective_rank: float
    log_det: float


class SpectrumMonitor(keras.callbacks.Callback):
    r"""Logs and draws the spectrum of a Jacobian while a model trains.

    To see a generator collapse, or a penalty work. After each epoch, over
    latents that stay the same, the logs get, with the singular values
    :math:`\sigma_1 \ge \dots \ge \sigma_n` of the Jacobian:

    - `spectrum/largest`, `spectrum/smallest`: mean :math:`\sigma_1^2` and
      :math:`\sigma_n^2`, the eigenvalues of the metric at its ends.
    - `spectrum/condition`: geometric mean of :math:`\sigma_1 / \sigma_n`.
    - `spectrum/effective_rank`: mean :math:`\exp(-\sum_i p_i \log p_i)` with
      :math:`p_i = \sigma_i / \sum_j \sigma_j`, between 1 and :math:`n`.
    - `spectrum/log_det`: mean :math:`\sum_i \log \sigma_i^2`.

    The model runs in inference mode; a Jacobian of a lower rank gives
    infinities. With `log_dir` the same numbers are written to TensorBoard's
    event files, with the number of epochs as the step; TensorBoard itself is
    needed to look at them only.

    Args:
        latents: Array `(latents, ...)`, of which the spectra are taken.
        model: Whose Jacobian it is: a built `keras.Model`; a function from
            the model that is trained to one, such as
            `lambda gan: gan.jacobian_model()`; or None for the model that is
            trained. Defaults to `None`.
        every: Positive integer: the epochs that this divides, counted from 1,
            are measured. Defaults to `1`.
        path: Path of a PNG file that is written anew after each of them, or
            None. Defaults to `None`.
        log_dir: Path of the folder for event files, or None. Defaults to
            `None`.
        chunk: Positive integer, columns of the Jacobian at a time, or None
            for all, see `keras_bp.spectral.spectrum`. Defaults to `None`.

    Attributes:
        reports: List of pairs, the epoch from 0 and its `SpectrumReport`.

    Raises:
        RuntimeError: When training begins: the backend is not TensorFlow.
        TypeError: `model` is neither a model nor a function of one to one, or
            `every` no integer.
        ValueError: `every` is less than one.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.callbacks import SpectrumMonitor
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> model.compile("sgd", "mse")
    >>> z = np.ones((4, 2), "float32")
    >>> history = model.fit(
    ...     z, np.ones((4, 3)), verbose=0, callbacks=[SpectrumMonitor(z)]
    ... ).history
    >>> 1.0 <= history["spectrum/effective_rank"][0] <= 2.0
    True

    Reference:
        Roy and Vetterli, 2007, "The effective rank: a measure of effective
        dimensionality".
    """

    def __init__(
        self, latents, model=None, every=1, path=None, log_dir=None, chunk=None
    ):
        super().__init__()
        owner = type(self).__name__
        _checks.check_integer("every", every, minimum=1, owner=owner)
        if chunk is not None:
            _checks.check_integer("chunk", chunk, minimum=1, owner=owner)
        if model is not None and not callable(model):
            raise TypeError(
                f"{owner} expects `model` to be a keras.Model, a function of "
                f"the trained model, or None. Received: model={model!r}"
            )
        self.latents = latents
        self.every = every
        self.path = None if path is None else pathlib.Path(path)
        self.log_dir = log_dir
        self.chunk = chunk
        self.reports = []
        self._given = model
        self._spectrum = self._writer = None

    def on_train_begin(self, logs=None):
        check_tensorflow(type(self).__name__, "for its forward mode")
        # A model may have other weights, or layers, than in the last `fit`.
        self._spectrum = None

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every:
            return
        if self._spectrum is None:
            self._spectrum = self._compiled()
        squares = ops.convert_to_numpy(self._spectrum())
        report = report_of(squares.astype("float64"))
        self.reports.append((epoch, report))
        for name in _LOGGED:
            if logs is not None:
                logs[f"spectrum/{name}"] = getattr(report, name)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.plot(self.path)
        if self.log_dir is not None:
            self._summarize(report, epoch + 1)

    def on_train_end(self, logs=None):
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def plot(self, target):
        """Draws all reports: spectra by rank, and what is logged over epochs.

        Args:
            target: Path of an image to write, or a
                `matplotlib.figure.Figure` to draw in.

        Returns:
            The figure.

        Raises:
            ImportError: A path is given, and Matplotlib is not installed.
            ValueError: There are no reports.
        """
        owner = f"{type(self).__name__}.plot"
        if not self.reports:
            raise ValueError(
                f"{owner} expects reports. Received: none; fit a model with "
                "this callback first"
            )
        return draw_spectra(target, self.reports, owner)

    def _compiled(self):
        import tensorflow as tf

        model = self._watched()
        z = ops.convert_to_tensor(self.latents, model.inputs[0].dtype)
        return tf.function(lambda: spectrum(model, z, chunk=self.chunk))

    def _watched(self):
        given = self.model if self._given is None else self._given
        if not isinstance(given, keras.Model):
            given = given(self.model)
        if not isinstance(given, keras.Model):
            raise TypeError(
                f"{type(self).__name__} expects the function `model` to return "
                f"a keras.Model. Received: {given!r}"
            )
        return given

    def _summarize(self, report, step):
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self.log_dir))
        # What `tf.summary.scalar` writes, which needs TensorBoard to do so.
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = "scalars"
        with self._writer.as_default(), tf.summary.record_if(True):
            for name in _LOGGED:
                value = tf.constant(getattr(report, name), "float32")
                tf.summary.write(
                    f"spectrum/{name}", value, step=step, metadata=metadata
                )
        self._writer.flush()


def report_of(squares):
    """The `SpectrumReport` of eigenvalues.

    Args:
        squares: Array `(latents, n)`, descending.
    """
    # What rounding leaves of zero may be negative.
    squares = np.maximum(squares, 0.0)
    values = np.sqrt(squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = values / values.sum(axis=1, keepdims=True)
        logs = np.where(shares > 0, np.log(shares), 0.0)
        condition = np.mean(np.log(values[:, 0]) - np.log(values[:, -1]))
        log_det = np.log(squares).sum(axis=1).mean()
    rank = np.exp(-np.sum(shares * logs, axis=1))
    return SpectrumReport(
        values,
        float(squares[:, 0].mean()),
        float(squares[:, -1].mean()),
        float(np.exp(condition)),
        float(rank.mean()),
        float(log_det),
    )
