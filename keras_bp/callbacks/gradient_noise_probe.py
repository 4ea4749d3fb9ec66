"""The callback that compares the noise of a gradient mask with theory."""

import dataclasses
import math

import keras
import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp._backend import check_tensorflow
from keras_bp._variables import unchanged
from keras_bp.callbacks._noise_measure import MaskedGradients
from keras_bp.layers.backdrop_mask import BackdropMask


@dataclasses.dataclass(frozen=True)
class NoiseRow:
    """The variance that a mask gives to the gradient of a layer.

    Attributes:
        name: String, path of the layer, or `"all"`.
        elements: Integer, over how many elements the variance is summed.
        predicted: Float, by the formula.
        measured: Float, mean squared distance from the full gradient.
        error: Float, standard error of `measured`.
    """

    name: str
    elements: int
    predicted: float
    measured: float
    error: float


class GradientNoiseProbe(keras.callbacks.Callback):
    r"""Predicts the variance that a `BackdropMask` adds, and measures it.

    Tells whether a rate leaves a signal, without trying rates. With the
    contribution :math:`g_i` of cell :math:`i` to the gradient, times
    :math:`N`, and :math:`K` survivors of :math:`N` cells,

    .. math:: \mathrm{Var} = (E[1/K] - 1/N)\, S^2,

    where :math:`S^2` is the sample variance of the :math:`g_i`; masks of
    their own for each sample add theirs. The contributions come from masks
    with one survivor, a gradient for each cell of the batch: the batch should
    be small. The variance is measured over masks that the layer draws.

    Every so many epochs the logs get `gradient_noise_predicted` and
    `gradient_noise_measured`, summed over all elements of the gradient. It
    is the gradient in training mode; what else is random, such as dropout or
    another mask, is drawn once and then held. Training goes on as if nothing
    had been measured. Needs a model whose loss is that of `compile`, and a
    mask among its `layers` or those of a model inside it; not the one of
    `keras_bp.surgery.insert_backdrop` with `compact=True`.

    Args:
        x: Array or structure of arrays, inputs of one batch.
        y: Array or structure of arrays, its targets.
        sample_weight: Array, or None for ones. Defaults to `None`.
        layer_name: String, the name of the mask, or None for the only one of
            the model. Defaults to `None`.
        num_draws: Integer, two or more, masks over which the variance is
            measured. Defaults to `100`.
        every: Positive integer, epochs between two reports. Defaults to `1`.

    Attributes:
        rows: List with the last report, an entry for each layer that is
            trained and one of the name `"all"`: `name`, `elements`,
            `predicted`, `measured`, and `error`, the standard error of it.

    Raises:
        RuntimeError: The backend is not TensorFlow.
        TypeError: A count is no integer.
        ValueError: A count is too small; or, while training, there is no such
            mask, or several, or its variance has not this form: another scale
            than `"empirical"`, a `location`, a key shared with another layer,
            or several calls in a step.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_bp.callbacks import GradientNoiseProbe
    >>> from keras_bp.layers import BackdropMask
    >>> dense = keras.layers.Dense(1)
    >>> model = keras.Sequential([keras.Input((2,)), dense, BackdropMask(0.5)])
    >>> model.compile("sgd", loss="mse")
    >>> x, y = np.eye(2, dtype="float32"), np.ones((2, 1), "float32")
    >>> probe = GradientNoiseProbe(x, y, num_draws=10)
    >>> history = model.fit(x, y, verbose=0, callbacks=[probe])
    >>> [row.elements for row in probe.rows]
    [3, 3]

    Reference:
        Golkar and Cranmer, 2018, https://arxiv.org/abs/1806.01337, for the
        mask; the variance is that of sampling without replacement.
    """

    def __init__(
        self,
        x,
        y,
        sample_weight=None,
        layer_name=None,
        num_draws=100,
        every=1,
    ):
        super().__init__()
        owner = type(self).__name__
        check_tensorflow(owner, "for its tape")
        _checks.check_integer("num_draws", num_draws, owner=owner, minimum=2)
        _checks.check_integer("every", every, owner=owner, minimum=1)
        self.batch = (x, y, sample_weight)
        self.layer_name = layer_name
        self.num_draws = num_draws
        self.every = every
        self.rows = []

    def on_train_begin(self, logs=None):
        self._gradients = None

    def on_epoch_end(self, epoch, logs=None):
        if logs is None or (epoch + 1) % self.every:
            return
        if self._gradients is None:
            layer = self._layer()
            self._gradients = MaskedGradients(self.model, layer, self.batch)
        with unchanged(self.model.variables):
            self.rows = self._measure(self._gradients)
        logs["gradient_noise_predicted"] = self.rows[-1].predicted
        logs["gradient_noise_measured"] = self.rows[-1].measured

    def _measure(self, gradients):
        full = gradients.full()
        groups = gradients.grid.groups
        cells = groups.shape[1]
        spread = np.zeros_like(full)
        for group in groups if cells > 1 else ():
            spread += _variance(gradients.of_cell(i) for i in group)
        rate = float(ops.convert_to_numpy(gradients.layer.rate))
        factor = inverse_survivors(rate, cells) - 1 / cells
        predicted = factor * cells**2 * spread
        owners = _owners(gradients.variables)
        squares = np.zeros((self.num_draws, len(owners)))
        for draw in range(self.num_draws):
            distance = (gradients.drawn() - full) ** 2
            squares[draw] = [distance[where].sum() for where in owners.values()]
        return [
            _row(name, where, predicted, squares[:, i])
            for i, (name, where) in enumerate(owners.items())
        ]

    def _layer(self):
        owner = type(self).__name__
        masks = list(_masks(self.model, set()))
        wanted = [x for x in masks if self.layer_name in (None, x.name)]
        if len(wanted) != 1:
            which = self.layer_name and f" of the name {self.layer_name!r}"
            raise ValueError(
                f"{owner} expects a model that holds one "
                f"keras_bp.layers.BackdropMask{which or ''}; name it by "
                "`layer_name`. Received: a model with "
                f"{[layer.name for layer in masks]}"
            )
        (layer,) = wanted
        alike = [x for x in masks if x.share_key == layer.share_key]
        shared = layer.share_key is not None and len(alike) > 1
        if layer.scale != "empirical" or layer.location is not None or shared:
            raise ValueError(
                f"{owner} expects a mask of the scale 'empirical', without a "
                "`location`, that shares its key with no other. Received: "
                f"scale={layer.scale!r}, location={layer.location}, "
                f"share_key={layer.share_key!r} of {layer.name!r}"
            )
        return layer


def inverse_survivors(rate, cells):
    r"""The mean :math:`E[1/K]` over masks that are never empty.

    :math:`\sum_{k=1}^N \frac1k \binom Nk (1-r)^k r^{N-k} + r^N`.

    Args:
        rate: Float in [0, 1), :math:`r`.
        cells: Positive integer :math:`N`.
    """
    if rate == 0.0:
        return 1 / cells
    k = np.arange(1, cells + 1)
    # By logarithms: the binomial coefficients overflow.
    factorial = np.array([math.lgamma(n + 1) for n in range(cells + 1)])
    log_chance = factorial[-1] - factorial[1:] - factorial[-2::-1]
    log_chance += k * math.log1p(-rate) + (cells - k) * math.log(rate)
    return float(np.sum(np.exp(log_chance) / k) + rate**cells)


def _masks(layer, seen):
    """All masks in a model, also in models inside it."""
    if id(layer) in seen:
        return
    seen.add(id(layer))
    if isinstance(layer, BackdropMask):
        yield layer
    for inner in getattr(layer, "layers", ()):
        yield from _masks(inner, seen)


def _variance(values):
    """The sample variance of each element, without keeping the samples."""
    mean, total = 0.0, 0.0
    for count, value in enumerate(values, start=1):
        step = value - mean
        mean = mean + step / count
        total = total + step * (value - mean)
    return total / (count - 1)


def _owners(variables):
    """For each layer, and for all, where its elements lie."""
    parts, end = {}, 0
    for variable in variables:
        begin, end = end, end + math.prod(variable.shape)
        path = variable.path.rpartition("/")[0]
        parts.setdefault(path, []).append(np.arange(begin, end))
    owners = {path: np.concatenate(found) for path, found in parts.items()}
    return {**owners, "all": np.arange(end)}


def _row(name, where, predicted, squares):
    return NoiseRow(
        name,
        len(where),
        float(predicted[where].sum()),
        float(squares.mean()),
        float(squares.std(ddof=1) / math.sqrt(len(squares))),
    )
