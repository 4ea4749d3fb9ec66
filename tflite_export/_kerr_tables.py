"""The tables of cosine and sine of a Kerr rotation."""

import numpy as np

from keras_bp import _checks
from keras_bp.layers._kerr_numbers import lookup_tables
from tflite_export._signals import check_range


def check_tables(spec):
    """Raises `ValueError` unless the tables of a `KerrSpec` fit its phase."""
    owner = "KerrSpec"
    tables = {"cosines": spec.cosines, "sines": spec.sines}
    if spec.method != "lut":
        given = [name for name, table in tables.items() if table is not None]
        if given or spec.lut_bits is not None:
            raise ValueError(
                f"{owner} expects tables and `lut_bits` with method='lut' "
                f"alone. Received: method={spec.method!r}"
            )
        return
    bits = spec.phase_format.word_length
    if spec.lut_bits is not None:
        _checks.check_integer(
            "lut_bits", spec.lut_bits, minimum=1, maximum=bits, owner=owner
        )
    entries = 1 << (spec.lut_bits or bits)
    if spec.phase_format.overflow == "saturate_symmetric":
        last = spec.phase_format.maximum_integer >> spec.dropped_bits
        entries = last - spec.smallest_address + 1
    for name, table in tables.items():
        if table is None or table.shape != (entries,):
            received = None if table is None else table.shape
            raise ValueError(
                f"{owner} expects `{name}` of {entries} entries. "
                f"Received: shape={received}"
            )
        check_range(name, table, spec.rotation_format, owner=owner)


def tables_of(layer):
    """Arguments of a `KerrSpec` for the tables of a layer."""
    rotation = layer.formats["rotation"]
    cosines, sines, _, _ = lookup_tables(
        layer.formats["phase"], layer.lut_bits, rotation
    )
    return {
        "lut_bits": layer.lut_bits,
        "cosines": np.rint(cosines / rotation.step).astype("int64"),
        "sines": np.rint(sines / rotation.step).astype("int64"),
    }
