"""Digital backpropagation by short filters in the time domain."""

import keras
import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.layers.fixed_point_quantizer import (
    FixedPointQuantizer,
    wide_dtype,
)
from keras_bp.layers.kerr_rotation import METHODS, KerrRotation
from keras_bp.layers.quantized_fir import QuantizedFIR
from keras_bp.optics._dbp_steps import dbp_steps
from keras_bp.optics._dbp_taps import (
    as_lengths,
    choose_log2_scales,
    designed_taps,
    needs_float64,
    stored_taps,
)
from keras_bp.optics._recompute import recomputed
from keras_bp.optics.dbp_formats import DBPFormats
from keras_bp.optics.dispersion_filter import DESIGNS
from keras_bp.optics.equalizer import Equalizer

SPLITS = ("asymmetric", "symmetric")


@serializable
class TimeDomainDBP(Equalizer):
    r"""Undoes the link step by step, dispersion by short FIR filters.

    Each step passes every polarization through one complex, symmetric
    `QuantizedFIR`, and turns the signal by a `KerrRotation`. The filters are
    designed by `keras_bp.optics.dispersion_filter` and not trained: the
    baseline of `LearnedDBP`, whose layers are the same.

    In fixed point a step may scale its taps by a power of two that is no
    integer, :math:`2^{-\ell_k}`, to use the range of `formats.taps`. Nothing
    multiplies by it: it is folded into the Kerr coefficients that follow, and
    into the gain at the end, and shows in `log2_scales`.

    Args:
        link: `FiberLink`.
        num_taps: Positive odd integer, or a list of one per filter.
            Defaults to `9`.
        steps_per_span: Positive integer. Defaults to `1`.
        split: String. `"asymmetric"`: a filter, then a rotation.
            `"symmetric"`: rotations in the middle of the filters' lengths,
            one filter more. Defaults to `"asymmetric"`.
        filters: String, `"least_squares"`, `"ls_constrained"`, `"direct"` or
            `"truncated"`, see `dispersion_filter`. Defaults to
            `"ls_constrained"`.
        bandwidth: Float in (0, 1], share of the sampled band in which the
            least-squares designs fit the fiber. Defaults to `0.6`.
        max_gain: Float, bound of `"ls_constrained"` on the gain out of that
            band. Defaults to `1.05`.
        method: String, `"exact"`, `"taylor2"`, `"taylor3"` or `"lut"`, see
            `KerrRotation`. Defaults to `"exact"`.
        power_taps: Positive odd integer, length of the filter on the power,
            see `KerrRotation`. Defaults to `1`.
        lut_bits: Integer or None, see `KerrRotation`. Defaults to `None`.
        formats: `DBPFormats`, or None for floating point. Defaults to `None`.
        tap_gradient: String, `"straight_through"` or `"noise"`, see
            `FixedPointQuantizer`; of what is trained. Defaults to
            `"straight_through"`.
        error_feedback: Boolean. If true the taps are rounded so that their
            errors do not add up over the steps, see
            `keras_bp.optics.error_feedback`. Defaults to `False`.
        recompute: Boolean. If true training keeps the outputs of the filters
            alone, and computes the rest again. Defaults to `False`.

    Call arguments:
        x: Float tensor, received samples, see `Equalizer`.
        training: Boolean, whether the model is in training mode.

    Input shape:
        `(batch, samples, 2 * link.polarizations)`.

    Output shape:
        `(batch, samples / link.samples_per_symbol, 2 * link.polarizations)`.

    Raises:
        TypeError: `link` or `formats` is of another class, or a count no
            integer.
        ValueError: A number or name is out of range, or the input has
            another shape.

    Example:

    >>> import numpy as np
    >>> from keras_bp.optics import FiberLink, TimeDomainDBP
    >>> model = TimeDomainDBP(FiberLink(num_spans=2), num_taps=9)
    >>> model(np.zeros((1, 64, 2))).shape
    TensorShape([1, 32, 2])

    Reference:
        Ip and Kahn, 2008, "Compensation of Dispersion and Nonlinear
        Impairments Using Digital Backpropagation".
    """

    _trains = False

    def __init__(
        self,
        link,
        num_taps=9,
        steps_per_span=1,
        split="asymmetric",
        filters="ls_constrained",
        bandwidth=0.6,
        max_gain=1.05,
        method="exact",
        power_taps=1,
        lut_bits=None,
        formats=None,
        tap_gradient="straight_through",
        error_feedback=False,
        recompute=False,
        **kwargs,
    ):
        super().__init__(link, **kwargs)
        owner = type(self).__name__
        _checks.check_integer(
            "steps_per_span", steps_per_span, minimum=1, owner=owner
        )
        _checks.check_one_of("split", split, SPLITS, owner=owner)
        _checks.check_one_of("filters", filters, DESIGNS, owner=owner)
        _checks.check_one_of("method", method, METHODS, owner=owner)
        self.steps_per_span = int(steps_per_span)
        self.split = split
        self.filters = filters
        self.bandwidth = bandwidth
        self.max_gain = max_gain
        self.method = method
        self.power_taps = power_taps
        self.lut_bits = lut_bits
        self.formats = _as_formats(formats, owner)
        self.tap_gradient = tap_gradient
        self.error_feedback = bool(error_feedback)
        self.recompute = bool(recompute)
        self.step_lengths, self.kerr_coefficients = dbp_steps(
            self.link, self.steps_per_span, split
        )
        self.num_taps = as_lengths(num_taps, len(self.step_lengths), owner)
        self._make_layers()

    def build(self, input_shape):
        super().build(input_shape)
        if self.input_quantizer is not None:
            self.input_quantizer.build(input_shape)
        for layer in (*self.fir_layers, *self.kerr_layers):
            layer.build(input_shape)
        weight = {"dtype": wide_dtype(self), "autocast": False}
        self.log2_scales = self.add_weight(
            name="log2_scales",
            shape=(len(self.fir_layers),),
            initializer="zeros",
            trainable=False,
            **weight,
        )
        self.output_gain = self.add_weight(
            name="output_gain",
            shape=(),
            initializer="ones",
            trainable=self._trains,
            **weight,
        )

    def compensate(self, x, training=False):
        if self.input_quantizer is not None:
            x = self.input_quantizer(x, training=training)
        x = self.fir_layers[0](x, training=training)
        for index, kerr in enumerate(self.kerr_layers):
            after = self.fir_layers[index + 1 : index + 2]

            def step(x, kerr=kerr, after=after):
                x = kerr(x, training=training)
                for fir in after:
                    x = fir(x, training=training)
                return x

            # From the output of one filter to that of the next.
            keep_less = self.recompute and training
            x = recomputed(step, x) if keep_less else step(x)
        return x * ops.cast(self.output_gain, x.dtype)

    def choose_scales(self, max_drift=0.5):
        """Scales the taps of each step for the least rounding error.

        The filters stay as they were, up to that rounding: the Kerr
        coefficients and the gain take the scales up. Taps that are held are
        rounded anew.

        Args:
            max_drift: Positive float, bound on the sum of `log2_scales` over
                the first k steps, for every k: what the signal inside gains
                or loses in range, in factors of two. Defaults to `0.5`.

        Returns:
            NumPy array, the new `log2_scales`.

        Raises:
            ValueError: The model is not built, its taps are not rounded, or
                `max_drift` is not positive.
        """
        owner = f"{type(self).__name__}.choose_scales"
        _checks.check_positive("max_drift", max_drift, owner=owner)
        if not self.built or self.formats.taps is None:
            raise ValueError(
                f"{owner} expects a built model with `formats.taps`. "
                f"Received: built={self.built}, taps={self.formats.taps}"
            )
        before = ops.convert_to_numpy(self.log2_scales)
        taps = [
            ops.convert_to_numpy(layer.taps) * 2.0**scale
            for layer, scale in zip(self.fir_layers, before, strict=True)
        ]
        after = choose_log2_scales(taps, self.formats.taps, max_drift)
        for layer, tap, scale in zip(self.fir_layers, taps, after, strict=True):
            layer.taps.assign(tap * 2.0**-scale)
        change = np.cumsum(after - before)
        for layer, drift in zip(self.kerr_layers, change, strict=False):
            layer.set_coefficients(layer.coefficients * 4.0**drift)
        self.output_gain.assign(self.output_gain * 2.0 ** change[-1])
        self.log2_scales.assign(after)
        return after

    def get_config(self):
        names = (
            "num_taps steps_per_span split filters bandwidth max_gain method "
            "power_taps lut_bits tap_gradient error_feedback recompute"
        )
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names.split()},
            "formats": keras.saving.serialize_keras_object(self.formats),
        }

    def _make_layers(self):
        self.input_quantizer = None
        if self.formats.input is not None:
            self.input_quantizer = FixedPointQuantizer(
                self.formats.input, name="input", dtype=self.dtype_policy
            )
        self.fir_layers = [
            self._make_fir(index, taps)
            for index, taps in enumerate(designed_taps(self))
        ]
        self.kerr_layers = [
            KerrRotation(
                coefficient,
                method=self.method,
                power_taps=self.power_taps,
                lut_bits=self.lut_bits,
                signal_format=self.formats.fir,
                formats=self.formats.kerr,
                trainable=False,
                name=f"kerr_{index}",
                dtype=self.dtype_policy,
            )
            for index, coefficient in enumerate(self.kerr_coefficients)
        ]

    def _make_fir(self, index, taps):
        wide = needs_float64(self.formats, len(taps))
        return QuantizedFIR(
            filters=None,
            num_taps=len(taps),
            tap_format=self.formats.taps,
            signal_format=None,
            output_format=self.formats.fir,
            symmetric=True,
            padding="circular",
            tap_initializer=keras.initializers.Constant(
                stored_taps(taps).tolist()
            ),
            tap_gradient=self.tap_gradient,
            accumulator="float64" if wide else "float32",
            trainable=self._trains,
            name=f"fir_{index}",
            dtype=self.dtype_policy,
        )


def _as_formats(formats, owner):
    if isinstance(formats, dict):
        formats = keras.saving.deserialize_keras_object(formats)
    if formats is None:
        return DBPFormats()
    if not isinstance(formats, DBPFormats):
        raise TypeError(
            f"{owner} expects `formats` to be a keras_bp.optics.DBPFormats or "
            f"None. Received: formats={formats!r}"
        )
    return formats
