"""Checks of the arguments of a digital backpropagation."""

import keras
import numpy as np

from keras_bp import _checks
from keras_bp.layers.fixed_point_quantizer import GRADIENTS
from keras_bp.layers.kerr_rotation import METHODS
from keras_bp.optics._split_step_parts import check_steps
from keras_bp.optics.dbp_formats import DBPFormats
from keras_bp.optics.dispersion_filter import DESIGNS

# Its square scales the power, in float32.
_LEAST_GAIN = 1e-9
SPLITS = ("asymmetric", "symmetric")


def check_arguments(model):
    """Raises for what a `TimeDomainDBP` cannot be, before it has layers."""
    owner = type(model).__name__
    check_steps("steps_per_span", model.steps_per_span, owner)
    # The steps of all formats are fixed.
    gradients = [name for name in GRADIENTS if name != "lsq"]
    known = {
        "split": SPLITS,
        "filters": DESIGNS,
        "method": METHODS,
        "tap_gradient": gradients,
        "signal_gradient": gradients,
    }
    for name, names in known.items():
        _checks.check_one_of(name, getattr(model, name), names, owner=owner)
    _checks.check_positive("input_gain", model.input_gain, owner=owner)
    if not _LEAST_GAIN <= model.input_gain <= 1 / _LEAST_GAIN:
        raise ValueError(
            f"{owner} expects `input_gain` from {_LEAST_GAIN} to "
            f"{1 / _LEAST_GAIN}. Received: input_gain={model.input_gain!r}"
        )
    if model.lut_bits is not None and model.method != "lut":
        raise ValueError(
            f"{owner} expects `lut_bits` with method='lut' alone. "
            f"Received: lut_bits={model.lut_bits}, method={model.method!r}"
        )


def as_formats(formats, owner):
    """`DBPFormats` from itself, its serialized form, or None."""
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


def check_coefficients(model):
    """Raises `ValueError` where a first Kerr coefficient would saturate."""
    form = model.formats.coefficient
    if form is None:
        return
    # Half a step more is rounded to the last number.
    low, high = (
        end + sign * form.step / 2
        for end, sign in ((form.minimum, -1), (form.maximum, 1))
    )
    values = np.asarray(model.kerr_coefficients)
    if values.min() < low or values.max() > high:
        raise ValueError(
            f"{type(model).__name__} expects `formats.coefficient` to reach "
            f"from {values.min():.4g} to {values.max():.4g}, the Kerr "
            "coefficients of its link; see `DBPFormats.of` and its "
            "`max_coefficient`. Received: a format from "
            f"{form.minimum:.4g} to {form.maximum:.4g}"
        )


def check_boolean(name, value, owner):
    """Raises `TypeError` unless `value` is true or false."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(
            f"{owner} expects `{name}` to be a boolean. "
            f"Received: {name}={value!r}"
        )
