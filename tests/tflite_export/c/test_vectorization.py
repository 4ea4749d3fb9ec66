"""That compilers make vectors of the loops, and which instructions of them."""

import re

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, KerrSpec, c
from tflite_export.tools import _process

pytestmark = pytest.mark.hardware

UNIT = """
#include "filter.h"
size_t run(filter_state *, const filter_in_t *, filter_out_t *, size_t);
size_t run(filter_state *state, const filter_in_t *in, filter_out_t *out,
    size_t n)
{
    return filter_process(state, in, out, n);
}
"""
REPORTS = {
    "gcc": ("-fopt-info-vec-optimized", r"filter.h:(\d+):\d+: optimized: loop"),
    "clang": (
        "-Rpass=loop-vectorize",
        r"filter.h:(\d+):\d+: remark: vectorized loop",
    ),
}


def compiled(folder, chain, compiler, *flags):
    (folder / "filter.h").write_text(c.to_header(chain))
    (folder / "unit.c").write_text(UNIT)
    path = _process.find(compiler, compiler)
    flags = ["-std=c99", "-O3", *flags, "-S", "-o", "unit.s", "unit.c"]
    told = _process.run([path, *flags], cwd=folder)
    return told, (folder / "unit.s").read_text()


def rotated(chain):
    """A chain with a rotation, and so with a row for each of I and Q."""
    form, other = chain.output_format, FixedPoint(10, 9, signed=False)
    kerr = KerrSpec(np.array([99]), form, *[other] * 3, FixedPoint(10, 8), form)
    return ChainSpec([*chain.stages, kerr], 2)


@pytest.mark.parametrize("kind", ["complex", "real", "rotated"])
@pytest.mark.parametrize("compiler", list(REPORTS))
def test_plain_c_becomes_vectors(need, fir_chain, tmp_path, compiler, kind):
    need(compiler)
    chain = fir_chain(9, kind != "real", signal_bits=15)
    if kind == "rotated":
        chain = rotated(chain)
    flag, pattern = REPORTS[compiler]
    told, _ = compiled(
        tmp_path, chain, compiler, "-mavx2", "-DFILTER_PORTABLE", flag
    )
    lines = c.to_header(chain).splitlines()
    # The line after the pragma.
    loops = [
        str(number + 1)
        for number, line in enumerate(lines, 1)
        if line.strip() == "FILTER_LOOP"
    ]
    assert len(loops) == len(chain.stages)
    assert set(loops) <= set(re.findall(pattern, told)), told


@pytest.mark.parametrize(
    ("flag", "instruction"),
    [
        ("-msse2", r"\bpmaddwd\b.*xmm"),
        ("-mavx2", r"\bvpmaddwd\b.*ymm"),
        ("-mavx512bw", r"\bvpmaddwd\b.*zmm"),
        ("-mavx512bw -mavx512vnni", r"\bvpdpwssd\b.*zmm"),
    ],
)
@pytest.mark.parametrize("compiler", list(REPORTS))
def test_pairs_become_multiply_add_instructions(
    need, fir_chain, tmp_path, compiler, flag, instruction
):
    need(compiler)
    chain = fir_chain(9, signal_bits=15)
    _, assembly = compiled(tmp_path, chain, compiler, *flag.split())
    # Four pairs of samples and the middle one, for I and for Q.
    assert len(re.findall(instruction, assembly)) == 10
