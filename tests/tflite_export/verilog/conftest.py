"""Chains to make hardware of, without training."""

import shutil

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import FIRSpec, KerrSpec, Stream, vectors

PROGRAMS = ("iverilog", "verilator")


@pytest.fixture(autouse=True)
def tools(request):
    """Skips tests of hardware where a program is missing."""
    if request.node.get_closest_marker("hardware"):
        for program in PROGRAMS:
            if shutil.which(program) is None:
                pytest.skip(f"needs the Debian package {program}")


@pytest.fixture
def make_fir():
    """A function that makes a filter of random taps."""

    def make(
        num_taps=5,
        *,
        complex=True,
        symmetric=True,
        tap_bits=6,
        signal_bits=10,
        rounding="nearest",
        overflow="saturate",
        seed=0,
        **options,
    ):
        tap_format = FixedPoint(tap_bits, tap_bits - 1)
        low, high = tap_format.minimum_integer, tap_format.maximum_integer
        shape = (num_taps, 1, 1, 2) if complex else (num_taps, 1, 1)
        taps = np.random.default_rng(seed).integers(low, high + 1, shape)
        if symmetric:
            taps[(num_taps + 1) // 2 :] = taps[: num_taps // 2][::-1]
        signal = FixedPoint(signal_bits, signal_bits - 3)
        output = FixedPoint(
            signal_bits, signal_bits - 3, rounding=rounding, overflow=overflow
        )
        options = {"output_format": output, "padding": "causal", **options}
        return FIRSpec(taps, tap_format, signal, complex=complex, **options)

    return make


@pytest.fixture
def make_kerr():
    """A function that makes a rotation of the formats of a DBP."""

    def make(signal_format, method="taylor2", coefficients=(389,), **options):
        phase, rotation = FixedPoint(10, 9), FixedPoint(10, 8)
        if method == "lut":
            rng = np.random.default_rng(1)
            low, high = rotation.minimum_integer, rotation.maximum_integer
            options |= {"lut_bits": 6}
            for name in ("cosines", "sines"):
                options[name] = rng.integers(low, high + 1, 64)
        return KerrSpec(
            np.array(coefficients),
            signal_format,
            FixedPoint(10, 5, signed=False),
            FixedPoint(10, 12, signed=False),
            phase,
            rotation,
            FixedPoint(10, 7),
            method=method,
            **options,
        )

    return make


@pytest.fixture
def all_kinds():
    """A function that draws some of every kind of signal, with its output."""

    def draw(chain, time=24):
        signal = np.concatenate(
            [vectors.draw(chain, kind, time, seed=3) for kind in vectors.KINDS],
            axis=1,
        )
        return signal, Stream(chain).process(signal)

    return draw
