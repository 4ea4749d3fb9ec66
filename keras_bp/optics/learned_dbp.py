"""Digital backpropagation with learned filters."""

import keras
import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.optics._dbp_arguments import check_boolean
from keras_bp.optics._dbp_state import check_built, copied
from keras_bp.optics.time_domain_dbp import TimeDomainDBP


@serializable
class LearnedDBP(TimeDomainDBP):
    r"""Undoes the link step by step, with filters that are trained.

    The model of `TimeDomainDBP`, and what starts training: all filters of all
    steps are trained together, so that their errors cancel, and a few taps
    per step are enough. With `formats` it trains in fixed point. Callbacks
    turn a float model into one of short and coarse taps:
    `keras_bp.callbacks.TapPrune`, `IncrementalFreeze` and `CoordinateClose`.

    The steps of all formats are fixed: training the step of the taps would
    train what is trained already, since the magnitude of the taps and the
    Kerr coefficients that undo it are free. A step of its own for each layer,
    with `"lsq"`, is what `QuantizedFIR` offers.

    With rounded taps the logs show `scale_drift`: how far, in factors of two,
    the signal's gain from the input to the end of a step leaves 1 at most.
    Beyond `max_drift` a penalty, its squared excess, is added to the loss.

    Args:
        link: `FiberLink`.
        num_taps: Positive odd integer, or a list of one per filter.
            Defaults to `9`.
        train_filters: Boolean. Defaults to `True`.
        train_kerr: Boolean, whether the Kerr coefficients are trained; with
            `power_taps` it defaults to true. Defaults to `None`.
        max_drift: Positive float. Defaults to `0.5`.
        **kwargs: The other arguments of `TimeDomainDBP`.

    Call arguments:
        x: Float tensor, received samples, see `Equalizer`.
        training: Boolean, whether the model is in training mode.

    Input shape:
        `(batch, samples, 2 * link.polarizations)`.

    Output shape:
        `(batch, samples / link.samples_per_symbol, 2 * link.polarizations)`.

    Raises:
        TypeError: See `TimeDomainDBP`.
        ValueError: See `TimeDomainDBP`.

    Example:

    >>> from keras_bp.losses import PhaseAlignedError
    >>> from keras_bp.optics import FiberLink, LearnedDBP, simulate
    >>> link = FiberLink(num_spans=2)
    >>> x, y = simulate(link, num_blocks=2, symbols_per_block=64, seed=0)
    >>> model = LearnedDBP(link, num_taps=5)
    >>> model.compile("adam", PhaseAlignedError(), jit_compile=False)
    >>> history = model.fit(x, y, verbose=0)

    Reference:
        Häger and Pfister, 2018, "Nonlinear Interference Mitigation via Deep
        Neural Networks", https://arxiv.org/abs/1710.06234.
    """

    _trains = True

    def __init__(
        self,
        link,
        num_taps=9,
        train_filters=True,
        train_kerr=None,
        max_drift=0.5,
        **kwargs,
    ):
        super().__init__(link, num_taps, **kwargs)
        _checks.check_positive(
            "max_drift", max_drift, owner=type(self).__name__
        )
        check_boolean("train_filters", train_filters, type(self).__name__)
        if train_kerr is not None:
            check_boolean("train_kerr", train_kerr, type(self).__name__)
        self.train_filters = bool(train_filters)
        self.train_kerr = train_kerr
        self.max_drift = float(max_drift)
        for layer in self.fir_layers:
            layer.trainable = self.train_filters
        with_filter = self.power_taps > 1
        for layer in self.kerr_layers:
            layer.trainable = with_filter if train_kerr is None else train_kerr
        self.scale_drift = None
        if keras.backend.backend() != "jax" and self.formats.taps is not None:
            self.scale_drift = keras.metrics.Mean(name="scale_drift")

    def call(self, x, training=False):
        if self.formats.taps is not None:
            drift = self.drift()
            if self.scale_drift is not None:
                self.scale_drift.update_state(drift)
            if training:
                excess = ops.relu(drift - self.max_drift)
                self.add_loss(ops.cast(ops.square(excess), "float32"))
        return super().call(x, training=training)

    def drift(self):
        """Largest gain or loss of the signal at a step, in factors of two.

        Returns:
            Scalar tensor: the largest magnitude, over the steps, of the sum
            of log2 of the filters' gains at zero frequency so far.
        """
        sums = []
        for layer in self.fir_layers:
            taps = layer.tap_hold(ops.copy(layer.taps))[:, 0, 0]
            sums.append(2.0 * ops.sum(taps, axis=0) - taps[-1])
        power = ops.sum(ops.square(ops.stack(sums)), axis=-1)
        gains = ops.log(power) * (0.5 / np.log(2.0))
        return ops.max(ops.abs(ops.cumsum(gains)))

    def pruned(self):
        """A model of shorter filters, without the taps that were pruned.

        Returns:
            `LearnedDBP` with equal outputs and the other taps of this one,
            held or not. It is not compiled.

        Raises:
            ValueError: The model is not built.
        """
        check_built(self, "pruned")
        return copied(self, [_outer_zeros(x) for x in self.fir_layers], {})

    def get_config(self):
        return {
            **super().get_config(),
            "train_filters": self.train_filters,
            "train_kerr": self.train_kerr,
            "max_drift": self.max_drift,
        }


def _outer_zeros(layer):
    """Number of leading stored taps of `layer` that are pruned."""
    pruned = layer.tap_hold.pruned.all(axis=(1, 2, 3))
    # The center stays.
    return int(np.argmin(np.append(pruned[:-1], False)))
