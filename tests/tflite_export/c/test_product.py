"""C against the streaming reference, over the settings of a filter."""

import itertools

import numpy as np
import pytest

from keras_bp.ops.fixed_point import OVERFLOWS, ROUNDINGS
from tflite_export import c

pytestmark = pytest.mark.hardware

# Of no block is the size that of a vector; the last one holds several.
BLOCKS = (1, 7, 16, 33, 61)
LENGTHS, WIDTHS = (3, 4, 9, 31), (4, 8, 16)


@pytest.mark.slow
@pytest.mark.parametrize("complex", [True, False])
def test_every_setting_equals_the_stream(need, fir_chain, differing, complex):
    need("gcc")
    settings = itertools.product(
        LENGTHS, [True, False], WIDTHS, ROUNDINGS, OVERFLOWS
    )
    chains = [
        fir_chain(
            num_taps,
            complex,
            symmetric,
            bits,
            min(16, bits + 4),
            rounding,
            overflow,
            seed=seed,
        )
        for seed, (num_taps, symmetric, bits, rounding, overflow) in enumerate(
            settings
        )
    ]
    assert len(chains) == 288
    # Many, so that nothing is gained by having them optimized.
    assert differing(chains, blocks=BLOCKS, flags=("-O0",)) == 0


def covering(fir_chain):
    """Some 30 filters in which every two values of two settings meet."""
    rng = np.random.default_rng(0)
    settings = [
        LENGTHS,
        (True, False),
        (True, False),
        (4, 6, 8, 12, 16),
        (5, 8, 15, 16),
        ROUNDINGS,
        OVERFLOWS,
    ]
    chosen = [
        [values[k] for values, k in zip(settings, picked, strict=True)]
        for picked in _pairwise([len(values) for values in settings], rng)
    ]
    return [
        fir_chain(*each, signals=1 + seed % 3, seed=seed)
        for seed, each in enumerate(chosen)
    ]


def _pairwise(sizes, rng):
    """Rows of indices; greedily the best of some random ones."""
    left = {
        (i, a, j, b)
        for i, j in itertools.combinations(range(len(sizes)), 2)
        for a in range(sizes[i])
        for b in range(sizes[j])
    }

    def met(row):
        return {
            (i, row[i], j, row[j])
            for i, j in itertools.combinations(range(len(sizes)), 2)
        }

    while left:
        rows = [tuple(map(int, rng.integers(sizes))) for _ in range(50)]
        best = max(rows, key=lambda row: len(met(row) & left))
        left -= met(best)
        yield best


@pytest.mark.parametrize(
    ("compiler", "flags"),
    [
        ("gcc", ("-O3", "-march=native", "-Wconversion", "-Wsign-conversion")),
        ("gcc", ("-O1", "-fsanitize=undefined,address,float-cast-overflow")),
        ("clang", ("-O3", "-march=native", "-Wconversion")),
        ("arm", ("-O2", "-Wconversion")),
    ],
)
def test_a_covering_set_equals_the_stream(
    need, fir_chain, differing, compiler, flags
):
    need(compiler)
    chains = covering(fir_chain)
    assert 20 <= len(chains) <= 40
    if "-fsanitize" in " ".join(flags):
        flags = (*flags, "-fno-sanitize-recover=all")
    assert differing(chains, compiler, blocks=BLOCKS, flags=flags) == 0


@pytest.mark.parametrize("march", ["x86-64", "x86-64-v3", "x86-64-v4", None])
def test_every_length_of_vectors_equals_the_stream(
    need, fir_chain, differing, march
):
    need("gcc")
    chains = covering(fir_chain)
    flags = [f"-DFILTER{k}_PORTABLE" for k in range(len(chains))]
    if march:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            told = file.read()
        if march == "x86-64-v3" and " avx2 " not in told:
            pytest.skip("needs a processor with AVX2")
        if march == "x86-64-v4" and " avx512bw " not in told:
            pytest.skip("needs a processor with AVX-512")
        flags = [f"-march={march}"]
    assert differing(chains, blocks=BLOCKS, flags=("-O1", *flags)) == 0


@pytest.mark.parametrize("block", [8, 32])
def test_calls_of_more_samples_than_a_block_equal_the_stream(
    need, fir_chain, differing, block
):
    need("gcc")
    # One signal alone is then filtered where it is, without a copy; the past
    # of the longest filter is 30 samples, and so of no block or of several.
    chains = [
        fir_chain(num_taps, complex, signal_bits=15, seed=num_taps)
        for num_taps in LENGTHS
        for complex in (True, False)
    ]
    for k, chain in enumerate(chains):
        header = c.to_header(chain, f"filter{k}")
        assert "name_fir0(in - " in header.replace(f"filter{k}_", "name_")
    flags = [f"-DFILTER{k}_BLOCK={block}" for k in range(len(chains))]
    checked = ("-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover")
    sizes = (1, 61, 100, 29)
    assert differing(chains, blocks=sizes, flags=(*checked, *flags)) == 0
