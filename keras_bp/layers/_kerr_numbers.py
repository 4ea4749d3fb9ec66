"""The formats of a Kerr rotation, how wide its numbers get, its tables."""

import functools
import math

import numpy as np

from keras_bp import _checks
from keras_bp.ops import _exact_sums

# "lsq" trains scales, and formats here have fixed ones.
GRADIENTS = ("straight_through", "noise")
ROLES = ("power", "coefficient", "phase", "rotation", "output")

_BITS_OF_SIXTH = 8


def check_formats(layer, owner):
    """Raises `TypeError` or `ValueError` for what cannot be rounded so."""
    _checks.check_one_of("gradient", layer.gradient, GRADIENTS, owner=owner)
    for role, form in layer.formats.items():
        _checks.check_one_of("formats", role, ROLES, owner=owner)
        if form.scale != "fixed":
            raise ValueError(
                f"{owner} expects formats with scale='fixed'. "
                f"Received: formats[{role!r}]={form}"
            )
        if form.max_digits is not None and role != "coefficient":
            raise ValueError(
                f"{owner} expects `max_digits` in the format of its "
                f"coefficients alone. Received: formats[{role!r}]={form}"
            )
    phase = layer.formats.get("phase")
    if layer.method == "lut" and phase is None:
        raise ValueError(
            f"{owner} expects formats['phase'] with method='lut': its "
            "bits address the table. Received: "
            f"formats={sorted(layer.formats)}"
        )
    if layer.lut_bits is not None:
        most = phase.word_length if phase else None
        _checks.check_integer(
            "lut_bits", layer.lut_bits, minimum=1, maximum=most, owner=owner
        )


def exact_in_float32(layer):
    """Whether float32 holds each product of `layer` exactly.

    Args:
        layer: `KerrRotation`. A format that is missing makes it true: what
            is not rounded need not be exact.
    """
    largest = {
        role: form.largest_magnitude for role, form in layer.formats.items()
    }
    signal = layer.signal_format
    channels = layer.input_spec.axes[-1]
    products = []
    if signal is not None:
        products.append(channels * signal.largest_magnitude**2)
        if "rotation" in largest:
            products.append(2 * signal.largest_magnitude * largest["rotation"])
    if "power" in largest and "coefficient" in largest:
        factors = largest["power"], largest["coefficient"]
        products.append(layer.power_taps * math.prod(factors))
        # A filter is a product of matrices.
        if layer.power_taps > 1 and max(factors) > _exact_sums.LARGEST_FACTOR:
            return False
    if "phase" in largest and layer.method.startswith("taylor"):
        one = 2 ** max(0, 2 * layer.formats["phase"].fraction_bits + 1)
        products.append(one + largest["phase"] ** 2)
        if layer.method == "taylor3" and "rotation" in largest:
            products.append(largest["rotation"] << _BITS_OF_SIXTH)
            # theta - theta * cubic, in steps of the product.
            fraction = layer.formats["rotation"].fraction_bits
            products.append(
                largest["phase"] * (largest["rotation"] + 2 ** max(0, fraction))
            )
    return all(product <= _exact_sums.LARGEST_SUM for product in products)


@functools.cache
def lookup_tables(phase_format, lut_bits, rotation_format):
    """Cosine and sine of the phases that share an address.

    Args:
        phase_format: `FixedPoint` of the phase.
        lut_bits: Integer, leading bits that are the address, or None for all.
        rotation_format: `FixedPoint` of the entries, or None.

    Returns:
        Two float64 arrays, the address of their first entry, and the float
        radians per entry.
    """
    dropped = phase_format.word_length - (lut_bits or phase_format.word_length)
    smallest = phase_format.minimum_integer >> dropped
    address = np.arange(smallest, (phase_format.maximum_integer >> dropped) + 1)
    # The mean of the phases that share an address.
    mean = address * 2.0**dropped + (2.0**dropped - 1) / 2
    theta = mean * phase_format.step
    tables = [np.cos(theta), np.sin(theta)]
    if rotation_format is not None:
        tables = [_rounded(table, rotation_format) for table in tables]
    return (*tables, int(smallest), phase_format.step * 2.0**dropped)


def _rounded(table, form):
    """`table` in `form`, by NumPy: tables are made while a graph is traced."""
    value = table / form.step
    # Saturated, whatever `form.overflow` is: 1 would wrap to -1.
    rounded = {
        "nearest": lambda v: np.ceil(np.floor(2 * v) / 2),
        "nearest_even": np.rint,
        "truncate": np.floor,
        "toward_zero": np.trunc,
    }[form.rounding](value)
    return np.clip(rounded, form.minimum_integer, form.maximum_integer) * (
        form.step
    )
