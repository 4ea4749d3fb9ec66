"""The layer that rounds a signal to a fixed-point format."""

import math

import keras
import numpy as np
from keras import ops

from keras_bp import _checks, _random
from keras_bp._registration import serializable
from keras_bp.layers._seeded import SeededLayer
from keras_bp.ops import _wide
from keras_bp.ops.fixed_point import FixedPoint
from keras_bp.ops.quantize_fixed_point import (
    SATURATION_GRADIENTS,
    check_word_length,
    fixed_point_step,
    overflow_rate,
    quantize_fixed_point,
    saturate,
)

GRADIENTS = ("straight_through", "lsq", "noise")


@serializable
class FixedPointQuantizer(SeededLayer, keras.layers.Layer):
    r"""Rounds its input to `fixed_point`, and trains straight through.

    Use it wherever a number of the hardware ends: after an ADC, a filter, a
    product. Where the format has a trained scale, :math:`\log_2` of the step
    is a trainable weight. The layer computes in float32 or float64 whatever
    the dtype policy, since half precision cannot hold its numbers. The metric
    `overflow` holds the share of samples that overflowed (`overflow.total` is
    their number), and shows in the logs of `fit` as `<name>_overflow`; give
    layers of nested models names of their own. `fit` and `evaluate` reset it;
    other calls go on counting.

    Args:
        fixed_point: `FixedPoint`, the format.
        saturation_gradient: String. `"zero"`: no gradient where the input
            saturates. `"inward"`: it passes where it leads back to the range;
            for weights. Defaults to `"zero"`.
        gradient: String. `"straight_through"`. `"lsq"`: the same, with the
            gradient of a trained step divided by
            :math:`\sqrt{N q_{max}}`, N entries in `x`. `"noise"`: in
            training, uniform noise of one step takes the place of the
            rounding. Defaults to `"straight_through"`.
        count_overflow: Boolean, whether `overflow` is kept. On JAX it never
            is: the trainer there cannot update a metric inside of a layer.
            Defaults to `True`.
        seed: Integer or None, of the noise. Defaults to `None`.

    Call arguments:
        x: Float tensor of any shape.
        training: Boolean, whether the layer is in training mode.

    Input shape:
        Any.

    Output shape:
        That of the input. The dtype is float64 under the dtype policy
        `float64`, else float32.

    Raises:
        TypeError: `fixed_point` is not a `FixedPoint`.
        ValueError: A name is unknown, the format has more than 24 bits and
            the dtype policy is not `float64`, `"lsq"` comes without a trained
            scale, or `"noise"` with a rounding that is not to the nearest.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import FixedPointQuantizer
    >>> from keras_bp.ops import FixedPoint
    >>> quantizer = FixedPointQuantizer(FixedPoint(4, 2))
    >>> np.asarray(quantizer(np.array([0.3, -0.6, 5.0]))).tolist()
    [0.25, -0.5, 1.75]

    Reference:
        Esser et al., 2020, "Learned Step Size Quantization",
        https://arxiv.org/abs/1902.08153 (`"lsq"`).
    """

    def __init__(
        self,
        fixed_point,
        saturation_gradient="zero",
        gradient="straight_through",
        count_overflow=True,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        owner = type(self).__name__
        self.fixed_point = as_fixed_point("fixed_point", fixed_point, owner)
        if self.fixed_point is None:
            raise TypeError(
                f"{owner} expects `fixed_point` to be a "
                "keras_bp.ops.FixedPoint. Received: fixed_point=None"
            )
        _checks.check_one_of(
            "saturation_gradient",
            saturation_gradient,
            SATURATION_GRADIENTS,
            owner=owner,
        )
        check_word_length(self.fixed_point, wide_dtype(self), owner=owner)
        _check_gradient(gradient, self.fixed_point, owner)
        self.saturation_gradient = saturation_gradient
        self.gradient = gradient
        self.seed = seed
        if gradient == "noise":
            self.seed_generator = _random.seed_generator(seed, self)
        self.count_overflow = bool(count_overflow)
        self.supports_masking = True
        # Inputs keep their dtype: a cast to half precision would lose bits.
        self.autocast = False
        self.log2_step = None
        self.counting = True
        self.overflow = None
        if self.count_overflow and keras.backend.backend() != "jax":
            self.overflow = keras.metrics.Mean(name=f"{self.name}_overflow")

    def build(self, input_shape):
        if self.fixed_point.scale != "fixed":
            self.log2_step = self.add_weight(
                name="log2_step",
                shape=(),
                initializer=keras.initializers.Constant(
                    math.log2(self.fixed_point.step)
                ),
                dtype="float32",
                autocast=False,
            )

    def call(self, x, training=False):
        # A float64 sum is rounded as it is, before it is narrowed.
        x = ops.convert_to_tensor(x)
        if wide_dtype(self) == "float64":
            x = ops.cast(x, "float64")
        if self.overflow is not None and self.counting:
            rate = overflow_rate(x, self.fixed_point, self.log2_step)
            self.overflow.update_state(rate, sample_weight=ops.size(x))
        if training and self.gradient == "noise":
            return ops.cast(self._with_noise(x), wide_dtype(self))
        log2_step = self.log2_step
        if self.gradient == "lsq":
            # In floats: the product does not fit into an int32.
            levels = ops.cast(ops.maximum(ops.size(x), 1), "float32")
            levels = levels * float(self.fixed_point.maximum_integer)
            log2_step = _scale_gradient(log2_step, ops.rsqrt(levels))
        y = quantize_fixed_point(
            x, self.fixed_point, log2_step, self.saturation_gradient
        )
        return ops.cast(y, wide_dtype(self))

    def _with_noise(self, x):
        dtype = _wide.wide_dtype(x)
        form = self.fixed_point
        step = fixed_point_step(form, self.log2_step, dtype)
        noise = _random.uniform(ops.shape(x), self.seed_generator, dtype)
        value = ops.cast(x, dtype) / step + (noise - 0.5)
        return step * saturate(value, form, self.saturation_gradient)

    @property
    def step(self):
        """The step of the format, a float; before `build`, the initial one."""
        if self.log2_step is None:
            return self.fixed_point.step
        step = fixed_point_step(self.fixed_point, self.log2_step, "float64")
        return float(ops.convert_to_numpy(step))

    def to_integers(self, x):
        """Rounds `x` and returns the integers, a NumPy array of int64."""
        wide = wide_dtype(self) == "float64"
        x = ops.convert_to_tensor(x, "float64" if wide else None)
        if not self.built:
            self.build(x.shape)
        rounded = quantize_fixed_point(x, self.fixed_point, self.log2_step)
        rounded = ops.convert_to_numpy(rounded).astype("float64")
        return np.rint(rounded / self.step).astype("int64")

    def compute_output_spec(self, x, training=False):
        return keras.KerasTensor(x.shape, dtype=wide_dtype(self))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "fixed_point": keras.saving.serialize_keras_object(
                self.fixed_point
            ),
            "saturation_gradient": self.saturation_gradient,
            "gradient": self.gradient,
            "count_overflow": self.count_overflow,
            "seed": self.seed,
        }


def _check_gradient(gradient, fixed_point, owner):
    _checks.check_one_of("gradient", gradient, GRADIENTS, owner=owner)
    scale, rounding = fixed_point.scale, fixed_point.rounding
    if gradient == "lsq" and scale == "fixed":
        raise ValueError(
            f"{owner} expects a format whose scale is trained with "
            f"gradient='lsq'. Received: scale={scale!r}"
        )
    nearest = rounding in ("nearest", "nearest_even")
    if gradient == "noise" and (
        not nearest
        or scale == "power_of_two"
        or fixed_point.overflow == "wrap"
        or fixed_point.max_digits
    ):
        raise ValueError(
            f"{owner} expects, with gradient='noise', a rounding to the "
            "nearest, an overflow that saturates, a scale that is fixed or "
            f"real, and no `max_digits`. Received: fixed_point={fixed_point}"
        )


def _scale_gradient(x, factor):
    scaled = x * factor
    # Not x * factor + x * (1 - factor), which is x up to rounding alone.
    return ops.stop_gradient(x) + (scaled - ops.stop_gradient(scaled))


def wide_dtype(layer):
    """Float64 where the dtype policy of `layer` asks for it, else float32."""
    return "float64" if layer.compute_dtype == "float64" else "float32"


def as_fixed_point(name, value, owner):
    """Returns the `FixedPoint` in `value`, or None for None.

    Args:
        name: String, name of the argument, for the message.
        value: `FixedPoint`, its serialized form, or None.
        owner: String, who expects it, for the message.
    """
    if isinstance(value, dict):
        value = keras.saving.deserialize_keras_object(value)
    if value is not None and not isinstance(value, FixedPoint):
        raise TypeError(
            f"{owner} expects `{name}` to be a keras_bp.ops.FixedPoint or "
            f"None. Received: {name}={value!r} (of type "
            f"{type(value).__module__}.{type(value).__name__})"
        )
    return value


def as_fixed_points(name, values, owner):
    """Returns the formats of a dictionary that are not None, none for None.

    Args:
        name: String, name of the argument, for the message.
        values: Dictionary from strings to what `as_fixed_point` takes, or
            None.
        owner: String, who expects it, for the message.
    """
    if not isinstance(values, (dict, type(None))):
        raise TypeError(
            f"{owner} expects `{name}` to be a dictionary of formats, or "
            f"None. Received: {name}={values!r}"
        )
    found = {
        role: as_fixed_point(f"{name}[{role!r}]", form, owner)
        for role, form in (values or {}).items()
    }
    return {role: form for role, form in found.items() if form is not None}
