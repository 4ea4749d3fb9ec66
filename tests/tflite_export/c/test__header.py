import dataclasses

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, KerrSpec, RoundSpec, c
from tflite_export.tools import _process, host_cc

Q15 = FixedPoint(16, 15)


def real_chain(taps, signal=Q15, output=Q15, tap=Q15, channels=1):
    taps = np.array(taps)[:, None, None]
    return ChainSpec(
        [FIRSpec(taps, tap, signal, output, "causal", complex=False)], channels
    )


def test_it_includes_nothing_but_the_standard_headers(fir_chain):
    header = c.to_header(fir_chain(tap_bits=16, signal_bits=16))
    plain = header.split("#ifndef FILTER_PORTABLE")[0]
    assert header.startswith("/*") and "#ifndef FILTER_H" in plain
    assert [line for line in plain.splitlines() if "#include" in line] == [
        "#include <stddef.h>",
        "#include <stdint.h>",
        "#include <string.h>",
    ]
    assert "malloc" not in header and "NAME" not in header
    assert "@" not in header


def test_names_and_macros_are_those_of_the_filter(fir_chain):
    chain = fir_chain(9, padding="circular", signals=2)
    header = c.to_header(chain, "my_2nd", block=48)
    for line in (
        "#define MY_2ND_INPUT_CHANNELS 4",
        "#define MY_2ND_OUTPUT_CHANNELS 4",
        "#define MY_2ND_DELAY 4",
        "#define MY_2ND_MEMORY 8",
        "#define MY_2ND_STRIDES 1",
        "#define MY_2ND_BLOCK 48",
        "#define MY_2ND_INPUT_MIN (-512)",
        "typedef int16_t my_2nd_in_t;",
        "typedef int8_t my_2nd_out_t;",
    ):
        assert line in header.splitlines()
    assert "filter_" not in header.lower()


def test_symmetric_taps_share_a_product_and_zeros_have_none():
    def products(taps):
        header = c.to_header(real_chain(taps))
        statements = header.split("made = 0;")[1].split("return made")[0]
        return statements.split("#endif")[-1].count(" * ")

    assert products([2, 3, 4, 5, 6]) == 5
    assert products([2, 3, 4, 3, 2]) == 3
    assert products([2, 3, 0, 3, 2]) == 2
    # The middle one is no negative of itself.
    assert products([-2, 3, 4, -3, 2]) == 3
    assert products([0, 0, 7, 0]) == 1
    assert products([0, 0, 1, 0]) == 0


@pytest.mark.parametrize(
    ("taps", "rounding", "bits"),
    [
        # From -2^31 to 2^31 - 1.
        ([-32768, 32767, 2], "truncate", 32),
        ([-32768, 32767, 2], "nearest", 64),
        ([-32768, 32767, 1], "nearest", 32),
        ([-32768, -32768], "truncate", 64),
    ],
)
def test_sums_take_64_bits_where_32_might_overflow(taps, rounding, bits):
    output = dataclasses.replace(Q15, rounding=rounding)
    told = c.describe(real_chain(taps, output=output))
    assert told["accumulator_bits"] == [bits]


def test_long_sums_are_made_of_parts_of_32_bits():
    header = c.to_header(real_chain([-32768, 32767, 32767, -32768, 5]))
    statements = header.split("made = 0;")[1]
    # Of the symmetric taps, each sum of two samples takes 17 bits.
    assert statements.count("const int32_t part") >= 1
    assert statements.count("const int64_t sum") == 1
    assert "part" not in c.to_header(real_chain([3, -2, 5]))


def test_sizes_and_types_follow_from_the_formats():
    short = FixedPoint(8, 7)
    told = c.describe(real_chain([3, 1, 2], short, short, short), block=10)
    assert told == {
        "block": 10,
        # Rows hold 16 bits at least: two samples of the past, ten of a block.
        "state_bytes": 4,
        "table_bytes": 0,
        "scratch_bytes": 2 * (2 + 10) + 2 * 10,
        "input_bits": 8,
        "output_bits": 8,
        "accumulator_bits": [32],
    }
    unsigned = FixedPoint(16, 15, signed=False)
    assert c.describe(real_chain([3], unsigned))["input_bits"] == 32


@pytest.mark.parametrize("name", ["Filter", "2nd", "", "a-b", None, "ä"])
def test_other_names_are_refused(fir_chain, name):
    with pytest.raises(ValueError, match="`name` to be an identifier"):
        c.to_header(fir_chain(), name)


def test_other_blocks_are_refused(fir_chain):
    with pytest.raises(ValueError, match="`block` to be 1 or greater"):
        c.to_header(fir_chain(), block=0)
    with pytest.raises(TypeError, match="`block` to be an integer"):
        c.to_header(fir_chain(), block=1.5)


def test_numbers_beyond_64_bits_are_refused():
    with pytest.raises(ValueError, match="at most 64 bits"):
        c.to_header(real_chain([-32768], output=FixedPoint(16, 64)))


def odd_chains():
    """Chains that others do not cover, each with 0 in some place."""
    wide = FixedPoint(32, 16, signed=False)
    short = FixedPoint(1, 0, signed=False)
    far = FixedPoint(12, -30, rounding="nearest_even")
    power = FixedPoint(10, 5, signed=False)
    return [
        real_chain([0, 0], channels=3),
        real_chain([5]),
        real_chain([1], wide, wide, FixedPoint(2, 0)),
        real_chain([1, 1], short, short, FixedPoint(2, 0)),
        real_chain([7, -3, 2], Q15, far),
        ChainSpec([RoundSpec(wide, Q15), RoundSpec(Q15, wide)], channels=5),
        ChainSpec(
            [
                KerrSpec(
                    np.zeros(3, "int64"),
                    Q15,
                    power,
                    power,
                    power,
                    FixedPoint(10, 8),
                    Q15,
                )
            ],
            channels=2,
        ),
    ]


@pytest.mark.hardware
@pytest.mark.parametrize("compiler", ["gcc", "clang", "arm"])
def test_odd_chains_equal_the_stream_without_a_warning(
    need, differing, compiler
):
    need(compiler)
    assert differing(odd_chains(), compiler, flags=("-O2",)) == 0


@pytest.mark.hardware
def test_sizes_are_those_of_the_compiler(need, fir_chain, tmp_path):
    need("gcc")
    chains = [*odd_chains(), fir_chain(9, signals=2), fir_chain(8, strides=3)]
    sources = {
        f"f{k}.h": c.to_header(chain, f"f{k}") for k, chain in enumerate(chains)
    }
    lines = [f'#include "{name}"' for name in sources]
    lines.append("#include <stdio.h>\nint main(void)\n{")
    lines += [
        f'printf("%d\\n", (int)sizeof(f{k}_state));' for k in range(len(chains))
    ]
    sources["main.c"] = "\n".join([*lines, "return 0;\n}\n"])
    told = host_cc.run(host_cc.build(sources, tmp_path))
    assert list(map(int, told.split())) == [
        c.describe(chain)["state_bytes"] for chain in chains
    ]


@pytest.mark.hardware
@pytest.mark.parametrize(
    ("compiler", "standard"),
    [("gcc", "c99"), ("clang", "c99"), ("g++", "c++11"), ("clang", "c++11")],
)
def test_to_include_it_is_no_warning_in_c_and_c_plus_plus(
    need, fir_chain, tmp_path, compiler, standard
):
    need(compiler)
    chains = [fir_chain(9, rounding="toward_zero"), *odd_chains()]
    for k, chain in enumerate(chains):
        (tmp_path / f"f{k}.h").write_text(c.to_header(chain, f"f{k}"))
    text = "".join(f'#include "f{k}.h"\n' for k in range(len(chains)))
    (tmp_path / "main.c").write_text(text + "int main(void) { return 0; }\n")
    language = "c++" if "++" in standard else "c"
    flags = [f"-std={standard}", "-O1", *host_cc.STRICT[1:], "-x", language]
    path = _process.find(compiler, compiler)
    _process.run([path, *flags, "main.c", "-c"], cwd=tmp_path)


@pytest.mark.hardware
def test_the_block_is_what_the_user_defines(need, fir_chain):
    need("gcc")
    # The second stage makes a copy of the samples necessary.
    chain = fir_chain(15, complex=False)
    chain = ChainSpec(
        [*chain.stages, RoundSpec(chain.output_format, Q15)], channels=1
    )
    signal = np.arange(-512, 512)[None, :, None]
    expected = c.run(chain, signal, blocks=(300,))
    for flag in ("-DFILTER0_BLOCK=1", "-DFILTER0_BLOCK=7"):
        found = c.run(chain, signal, blocks=(300,), flags=(flag,))
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(RuntimeError, match="expected to be positive"):
        c.run(chain, signal, flags=("-DFILTER0_BLOCK=0",))
