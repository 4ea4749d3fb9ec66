"""Digital backpropagation by short filters in the time domain."""

import keras
from keras import ops

from keras_bp import _checks
from keras_bp._registration import serializable
from keras_bp.layers.fixed_point_quantizer import wide_dtype
from keras_bp.optics._dbp_arguments import (
    as_formats,
    check_arguments,
    check_coefficients,
)
from keras_bp.optics._dbp_layers import make_layers
from keras_bp.optics._dbp_state import (
    check_built,
    copied,
    formats_for,
    rescale,
)
from keras_bp.optics._dbp_steps import dbp_steps
from keras_bp.optics._dbp_taps import as_lengths
from keras_bp.optics._largest_overflow import (
    LargestOverflow,
    counting_quantizers,
)
from keras_bp.optics._recompute import recomputed
from keras_bp.optics.equalizer import Equalizer


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
        signal_gradient: The same, of all other formats.
            Defaults to `"straight_through"`.
        error_feedback: Boolean. If true the taps are rounded so that their
            errors do not add up over the steps, see
            `keras_bp.optics.error_feedback`. Defaults to `False`.
        input_gain: Positive float, by which the signal is amplified ahead of
            the first rounding; the Kerr coefficients and the gain at the end
            take it up. Below 1 fewer samples saturate, and rounding costs
            more. Defaults to `1.0`.
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
        signal_gradient="straight_through",
        error_feedback=False,
        input_gain=1.0,
        recompute=False,
        **kwargs,
    ):
        super().__init__(link, **kwargs)
        self.steps_per_span = steps_per_span
        self.split = split
        self.filters = filters
        self.bandwidth = bandwidth
        self.max_gain = max_gain
        self.method = method
        self.power_taps = power_taps
        self.lut_bits = lut_bits
        self.formats = as_formats(formats, type(self).__name__)
        self.tap_gradient = tap_gradient
        self.signal_gradient = signal_gradient
        self.error_feedback = bool(error_feedback)
        self.input_gain = input_gain
        self.recompute = bool(recompute)
        check_arguments(self)
        self.step_lengths, coefficients = dbp_steps(
            self.link, steps_per_span, split
        )
        self.kerr_coefficients = [x / input_gain**2 for x in coefficients]
        check_coefficients(self)
        self.num_taps = as_lengths(
            num_taps, len(self.step_lengths), type(self).__name__
        )
        make_layers(self, self._trains)
        self._overflow = None
        if counting_quantizers(self):
            self._overflow = LargestOverflow(counting_quantizers(self))

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
            initializer=keras.initializers.Constant(1.0 / self.input_gain),
            trainable=self._trains,
            **weight,
        )

    def compensate(self, x, training=False):
        if self.input_gain != 1.0:
            x = x * self.input_gain
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
            if keep_less:
                quantizers = kerr.quantizers
                for fir in after:
                    quantizers = quantizers + fir.quantizers
                x = recomputed(step, x, quantizers)
            else:
                x = step(x)
        return x * ops.cast(self.output_gain, x.dtype)

    def choose_scales(self, max_drift=0.5):
        """Scales the taps of each step for the least rounding error.

        The filters stay as they were, up to that rounding: the Kerr
        coefficients and the gain take the scales up. Taps that are held are
        rounded anew.

        Args:
            max_drift: Positive float, bound on what the signal inside gains
                or loses up to any step, in factors of two: the gains of the
                filters at zero frequency, scales included.
                Defaults to `0.5`.

        Returns:
            NumPy array, the new `log2_scales`.

        Raises:
            ValueError: The model is not built, its taps are not rounded, or
                `max_drift` is not positive, or too small for the taps to
                stay in their range.
        """
        owner = f"{type(self).__name__}.choose_scales"
        _checks.check_positive("max_drift", max_drift, owner=owner)
        if not self.built or self.formats.taps is None:
            raise ValueError(
                f"{owner} expects a built model with `formats.taps`. "
                f"Received: built={self.built}, taps={self.formats.taps}"
            )
        return rescale(self, max_drift, owner)

    def copied(self, **changes):
        """A model of the same filters and coefficients, not compiled.

        Args:
            **changes: Arguments that differ, for instance `formats` and
                `method` for the fixed-point model of a real one. Those that
                the steps and filters follow from (`link`, `num_taps`,
                `steps_per_span`, `split`, `power_taps`, `filters`,
                `bandwidth`, `max_gain`, a true `error_feedback`) cannot.

        Returns:
            Model of the same class. Taps that are held stay so, rounded to
            the new format.

        Raises:
            ValueError: The model is not built, or one of `changes` is among
                those.
        """
        check_built(self, "copied")
        return copied(self, [0] * len(self.fir_layers), changes)

    def formats_for(self, tap_bits=None, signal_bits=None, **changes):
        """Formats that hold twice the largest of the Kerr coefficients.

        Args:
            tap_bits: Integer or None, see `DBPFormats.of`.
            signal_bits: Integer or None, see `DBPFormats.of`.
            **changes: Fields of `DBPFormats` that differ.

        Returns:
            `DBPFormats`, whose coefficients and phases have a sign where the
            model has a filter on the power. Without a Kerr effect the
            coefficients have the range that `DBPFormats.of` gives them.
        """
        return formats_for(self, tap_bits, signal_bits, changes)

    @property
    def metrics(self):
        """Those of a model, and one for the overflows of all its formats.

        `layer.output_quantizer.overflow` and its like tell them apart.
        """
        if self._overflow is None:
            return super().metrics
        single = {id(each.overflow) for each in counting_quantizers(self)}
        found = super().metrics
        return [each for each in found if id(each) not in single]

    def get_config(self):
        names = (
            "num_taps steps_per_span split filters bandwidth max_gain method "
            "power_taps lut_bits tap_gradient signal_gradient "
            "error_feedback input_gain recompute"
        )
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names.split()},
            "formats": keras.saving.serialize_keras_object(self.formats),
        }
