"""The callback that measures what a generator makes, after each epoch."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from keras_bp import _checks


class SampleMetrics(keras.callbacks.Callback):
    r"""Logs measures of samples after each epoch.

    The logs get `samples/NAME` for each measure, as do the history and the
    callbacks that follow: `CSVLogger`, `ModelCheckpoint`, or `TensorBoard`.
    Put what changes the model for the next epoch, as `SlopeAnnealing` does,
    behind it. After epochs that are not measured, the last values stand.

    A `FlipRatio` is NaN before its second look, which `ModelCheckpoint` and
    `EarlyStopping` take for the best: give the one an
    `initial_value_threshold`, and the other `start_from_epoch=1`.

    Args:
        make_samples: Function from the model to an array of samples. It should
            draw from the same latent vectors each time, and leave the model
            as it is.
        measures: Dictionary from a name to a function of the samples that
            returns a number, or an array whose mean is logged; or to a
            `keras.metrics.Metric`, such as a `keras_bp.metrics.FlipRatio`,
            which is reset and updated with the samples each time.
        every: Positive integer: the epochs that this divides, counted from 1,
            are measured, and the first of each `fit`. Defaults to `1`.

    Raises:
        TypeError: An argument is of another type.
        ValueError: `measures` is empty or `every` less than 1, or, after an
            epoch, a measure returns nothing that has a mean.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp import metrics
    >>> from keras_bp.callbacks import SampleMetrics
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
    >>> model.compile("sgd", "mse")
    >>> latents = np.ones((6, 2), "float32")
    >>> measured = SampleMetrics(
    ...     lambda model: keras.ops.cast(model(latents) > 0, "int32"),
    ...     {"on": metrics.on_fraction, "flips": metrics.FlipRatio((6, 4))},
    ... )
    >>> history = model.fit(
    ...     latents, np.ones((6, 4)), verbose=0, callbacks=[measured]
    ... )
    >>> sorted(history.history)
    ['loss', 'samples/flips', 'samples/on']
    """

    def __init__(self, make_samples, measures, every=1):
        super().__init__()
        owner = type(self).__name__
        _checks.check_function(
            "make_samples",
            make_samples,
            owner=owner,
            expects="a function of the model",
        )
        _check_measures(measures, owner)
        _checks.check_integer("every", every, minimum=1, owner=owner)
        self.make_samples = make_samples
        self.measures = dict(measures)
        self.every = every

    def on_train_begin(self, logs=None):
        self._found = None

    def on_epoch_end(self, epoch, logs=None):
        if logs is None:
            return
        # A first epoch without them would shift the columns of a CSVLogger.
        if self._found is None or (epoch + 1) % self.every == 0:
            samples = ops.convert_to_numpy(self.make_samples(self.model))
            self._found = {
                f"samples/{name}": self._mean(name, measure, samples)
                for name, measure in self.measures.items()
            }
        logs.update(self._found)

    def _mean(self, name, measure, samples):
        if isinstance(measure, keras.metrics.Metric):
            measure.reset_state()
            measure.update_state(samples)
            found = measure.result()
        else:
            found = measure(samples)
        if ops.is_tensor(found):
            # NumPy does not know all types.
            found = ops.convert_to_numpy(ops.cast(found, "float32"))
        value = np.asarray(found)
        if not value.size or value.dtype.kind in "OSUMmc":
            raise ValueError(
                f"{type(self).__name__} expects the measure {name!r} to return "
                f"a number or an array of them. Received: {found!r}"
            )
        return float(value.astype("float64").mean())


def _check_measures(measures, owner):
    if not isinstance(measures, Mapping) or not all(
        isinstance(name, str) and callable(x) for name, x in measures.items()
    ):
        raise TypeError(
            f"{owner} expects `measures` to be a dictionary from names to "
            f"functions of samples or metrics. Received: measures={measures!r}"
        )
    if not measures:
        raise ValueError(
            f"{owner} expects `measures` to hold one or more. Received: none"
        )
