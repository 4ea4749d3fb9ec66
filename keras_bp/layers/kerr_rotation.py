"""The layer that turns a signal by a phase that follows its power."""

import keras
import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp._backend import summing_dtype
from keras_bp._registration import serializable
from keras_bp.layers._kerr_numbers import (
    check_formats,
    exact_in_float32,
    lookup_tables,
)
from keras_bp.layers.fixed_point_quantizer import (
    FixedPointQuantizer,
    as_fixed_point,
    as_fixed_points,
    wide_dtype,
)
from keras_bp.ops.fir import fir, symmetric_taps
from keras_bp.ops.kerr_rotation import (
    SIXTH,
    lookup_phasor,
    phasor,
    rotate,
)

METHODS = ("exact", "taylor2", "taylor3", "lut")


@serializable
class KerrRotation(keras.layers.Layer):
    r"""Undoes the Kerr effect of a piece of fiber, sample by sample.

    .. math::
        p_t = \sum_n |u_{n,t}|^2, \quad \theta_t = \sum_m c_m p_{t-m}, \quad
        z_{n,t} = u_{n,t} (\cos\theta_t - j \sin\theta_t)

    the sum over n taking in all polarizations. Each number can be rounded:
    :math:`p` to `formats["power"]`, :math:`c` to `"coefficient"`,
    :math:`\theta` to `"phase"`, cosine and sine to `"rotation"`, and
    :math:`z` to `"output"`; docs/fixed_point.md defines each step. The
    roundings pass the gradient straight through.

    The layer computes in float32 or float64 whatever the dtype policy, and
    in inference in float64 where float32 cannot hold the products exactly.

    Args:
        coefficient: Float, first value of :math:`c_0`, in radians per unit of
            power; negative to apply the Kerr effect. Defaults to `0.0`.
        method: String. `"exact"`, `"taylor2"` or `"taylor3"`, see
            `keras_bp.ops.kerr_rotation`, or `"lut"`, tables of cosine and
            sine, which needs `formats["phase"]`. Defaults to `"exact"`.
        power_taps: Positive odd integer, length of the symmetric circular
            filter :math:`c`. Defaults to `1`.
        lut_bits: Positive integer, or None for all bits of the phase: leading
            bits that address the table. Defaults to `None`.
        signal_format: `FixedPoint` to which the input has been rounded
            before, or None. It is not rounded again; with it the layer knows
            how wide its products are. Defaults to `None`.
        formats: Dictionary from `"power"`, `"coefficient"`, `"phase"`,
            `"rotation"` or `"output"` to a `FixedPoint` with a fixed scale.
            What it leaves out is not rounded. Defaults to `None`.
        gradient: String, `"straight_through"`, or `"noise"` in place of the
            roundings while training, see `FixedPointQuantizer`. An address
            of a table takes no noise. Defaults to `"straight_through"`.

    Call arguments:
        u: Float tensor.
        training: Boolean, whether the layer is in training mode.

    Input shape:
        `(batch, time, 2 * n)`, I and Q of n polarizations.

    Output shape:
        That of the input. The dtype is float64 under the dtype policy
        `float64`, else float32.

    Raises:
        TypeError: A format is not a `FixedPoint`, or a count no integer.
        ValueError: A name is unknown, a count out of range, a scale trained,
            `max_digits` given for another role than `"coefficient"`, or
            `method="lut"` lacks its phase; or the channels of the input are
            odd, or its time is shorter than half of the filter.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import KerrRotation
    >>> kerr = KerrRotation(coefficient=np.pi / 2)
    >>> np.asarray(kerr(np.array([[[1.0, 0.0]]]))).round(6).tolist()
    [[[-0.0, -1.0]]]

    Reference:
        Ip and Kahn, 2008, "Compensation of Dispersion and Nonlinear
        Impairments Using Digital Backpropagation". Secondini et al., 2014,
        "Enhanced split-step Fourier method for digital backpropagation"
        (`power_taps`).
    """

    def __init__(
        self,
        coefficient=0.0,
        method="exact",
        power_taps=1,
        lut_bits=None,
        signal_format=None,
        formats=None,
        gradient="straight_through",
        **kwargs,
    ):
        super().__init__(**kwargs)
        owner = type(self).__name__
        _checks.check_number("coefficient", coefficient, owner=owner)
        _checks.check_one_of("method", method, METHODS, owner=owner)
        _checks.check_integer("power_taps", power_taps, minimum=1, owner=owner)
        if power_taps % 2 == 0:
            raise ValueError(
                f"{owner} expects an odd `power_taps`. "
                f"Received: power_taps={power_taps}"
            )
        self.coefficient = float(coefficient)
        self.method = method
        self.power_taps = int(power_taps)
        self.lut_bits = lut_bits
        self.gradient = gradient
        self.signal_format = as_fixed_point(
            "signal_format", signal_format, owner
        )
        self.formats = as_fixed_points("formats", formats, owner)
        check_formats(self, owner)
        # A filter on the power mixes samples.
        self.supports_masking = self.power_taps == 1
        # Inputs keep their dtype: a cast to half precision would lose bits.
        self.autocast = False
        self._make_quantizers()

    def build(self, input_shape):
        _checks.check_rank(
            input_shape,
            3,
            3,
            owner=type(self).__name__,
            expects="(batch, time, channels)",
        )
        if input_shape[-1] is None or input_shape[-1] % 2:
            raise ValueError(
                f"{type(self).__name__} expects an even number of channels, I "
                "and Q of each polarization. "
                f"Received: shape={tuple(input_shape)}"
            )
        self.input_spec = keras.layers.InputSpec(
            ndim=3, axes={-1: input_shape[-1]}
        )
        stored = (self.power_taps + 1) // 2
        # In units of the first value: an optimizer's steps are as large for
        # it as for the taps of a filter.
        self.unit = abs(self.coefficient) or 1.0
        first = self.coefficient / self.unit
        self.relative_coefficients = self.add_weight(
            name="relative_coefficients",
            shape=(stored,),
            initializer=lambda shape, dtype: ops.cast(
                first * (np.arange(stored) == stored - 1), dtype
            ),
            dtype=wide_dtype(self),
            autocast=False,
        )
        built_for = {
            "coefficient": (stored,),
            "output": input_shape,
        }
        for role in self.formats:
            shape = built_for.get(role, (*input_shape[:-1], 1))
            self._quantizer(role).build(shape)

    def call(self, u, training=False):
        u = ops.convert_to_tensor(u)
        self._check_time(u.shape[1])
        dtype = self._accumulator_dtype(training)
        wide = ops.cast(u, dtype)

        def to(role, value):
            if role not in self.formats:
                return value
            rounded = self._quantizer(role)(value, training=training)
            return ops.cast(rounded, dtype)

        power = ops.sum(ops.square(wide), axis=-1, keepdims=True)
        power = to("power", power)
        coefficients = to("coefficient", self.coefficients)
        theta = to("phase", self._phase(power, ops.cast(coefficients, dtype)))
        z = to("output", rotate(wide, *self._phasor(theta, to)))
        return ops.cast(z, wide_dtype(self))

    @property
    def coefficients(self):
        """Coefficients before they are rounded, the center last.

        Tensor of shape `((power_taps + 1) / 2,)`, radians per unit of power.
        """
        return ops.copy(self.relative_coefficients) * self.unit

    def set_coefficients(self, values):
        """Replaces them.

        Args:
            values: Float array of the shape of `coefficients`.
        """
        values = ops.convert_to_tensor(values, wide_dtype(self))
        self.relative_coefficients.assign(values / self.unit)

    def _phase(self, power, coefficients):
        if self.power_taps == 1:
            return power * coefficients[0]
        taps = symmetric_taps(coefficients)
        return fir(power, ops.reshape(taps, (-1, 1, 1)), padding="circular")

    def _phasor(self, theta, to):
        """Cosine and sine, and the roundings on the way to them."""
        if self.method == "lut":
            tables = lookup_tables(
                self.formats["phase"],
                self.lut_bits,
                self.formats.get("rotation"),
            )
            cosines, sines, smallest, step = tables
            return lookup_phasor(
                theta,
                ops.cast(cosines, theta.dtype),
                ops.cast(sines, theta.dtype),
                smallest,
                step,
            )
        if self.method == "taylor3" and "rotation" in self.formats:
            square = ops.square(theta)
            cubic = to("rotation", to("rotation", square) * SIXTH)
            cosine, sine = 1.0 - 0.5 * square, theta - theta * cubic
        else:
            cosine, sine = phasor(theta, self.method)
        return to("rotation", cosine), to("rotation", sine)

    def compute_output_spec(self, u, training=False):
        return keras.KerasTensor(u.shape, wide_dtype(self))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "coefficient": self.coefficient,
            "method": self.method,
            "power_taps": self.power_taps,
            "lut_bits": self.lut_bits,
            "gradient": self.gradient,
            "signal_format": serialize(self.signal_format),
            "formats": {
                role: serialize(form) for role, form in self.formats.items()
            },
        }

    def _check_time(self, time):
        least = max(1, self.power_taps // 2)
        if time is not None and time < least:
            raise ValueError(
                f"{type(self).__name__} expects at least {least} samples for "
                f"{self.power_taps} power_taps. Received: time={time}"
            )

    def _make_quantizers(self):
        for role, form in self.formats.items():
            of_weights = role == "coefficient"
            # Of a number that was not rounded, an address would be too low.
            address = role == "phase" and self.method == "lut"
            quantizer = FixedPointQuantizer(
                form,
                saturation_gradient="inward" if of_weights else "zero",
                gradient="straight_through" if address else self.gradient,
                name=f"{self.name}_{role}",
                dtype=self.dtype_policy,
            )
            setattr(self, f"{role}_quantizer", quantizer)

    @property
    def quantizers(self):
        """List of `FixedPointQuantizer`, one for each format."""
        return [self._quantizer(role) for role in self.formats]

    def _quantizer(self, role):
        return getattr(self, f"{role}_quantizer")

    def _accumulator_dtype(self, training):
        wide = wide_dtype(self)
        if wide == "float64" or training or not self.formats:
            return wide
        return summing_dtype(exact_in_float32(self), type(self).__name__)
