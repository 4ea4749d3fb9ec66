"""Filters to compile, and where the compilers are."""

import shutil

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, Stream, vectors

PACKAGES = {
    "gcc": "gcc",
    "g++": "g++",
    "clang": "clang",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "qemu-system-arm": "qemu-system-arm",
}
PROGRAMS = {"arm": ("arm-none-eabi-gcc", "qemu-system-arm")}


@pytest.fixture
def need():
    """A function that skips a test where a compiler is not installed."""

    def skip(compiler):
        for program in PROGRAMS.get(compiler, (compiler,)):
            if shutil.which(program) is None:
                pytest.skip(f"needs apt-get install {PACKAGES[program]}")

    return skip


@pytest.fixture
def fir_chain():
    """A function that makes a chain of one filter."""
    return make_fir_chain


@pytest.fixture
def differing():
    """A function that runs chains by C, and counts those unlike a stream."""
    return count_differing


def make_fir_chain(
    num_taps=9,
    complex=True,
    symmetric=True,
    tap_bits=6,
    signal_bits=10,
    rounding="nearest",
    overflow="saturate",
    padding="causal",
    signals=1,
    strides=1,
    seed=0,
):
    rng = np.random.default_rng(seed)
    tap = FixedPoint(tap_bits, tap_bits - 1)
    signal = FixedPoint(signal_bits, signal_bits - 1)
    # Two bits fewer than the sums need, so that they overflow.
    output = FixedPoint(
        max(2, signal_bits - 2),
        signal_bits - 3,
        rounding=rounding,
        overflow=overflow,
    )
    shape = (num_taps, 1, 1, 2) if complex else (num_taps, 1, 1)
    taps = rng.integers(tap.minimum_integer, tap.maximum_integer + 1, shape)
    if symmetric:
        taps[(num_taps + 1) // 2 :] = taps[: num_taps // 2][::-1]
    spec = FIRSpec(taps, tap, signal, output, padding, strides, complex)
    return ChainSpec([spec], signals * (2 if complex else 1))


def count_differing(chains, compiler="gcc", *, time=20, **options):
    # Where TensorFlow is imported, and no compiler is needed, this is not.
    from tflite_export import c

    signals = [
        np.concatenate(
            [vectors.draw(x, kind, time, seed=k) for kind in vectors.KINDS],
            axis=1,
        )
        for k, x in enumerate(chains)
    ]
    found = c.run_many(
        list(zip(chains, signals, strict=True)), compiler, **options
    )
    return sum(
        not np.array_equal(made, Stream(chain).process(signal))
        for made, chain, signal in zip(found, chains, signals, strict=True)
    )
