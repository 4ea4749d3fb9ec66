"""What a filter costs on a Cortex-M4: code, and instructions."""

import re
import tempfile
from pathlib import Path

from keras_bp import _checks
from tflite_export.c._header import BLOCK, describe, to_header
from tflite_export.tools import arm_gcc, qemu

# A unit whose code is the filter's, and nothing else.
_UNIT = """\
#include "filter.h"

size_t filter_run(filter_state *, const filter_in_t *, filter_out_t *, size_t);

size_t filter_run(filter_state *state, const filter_in_t *in,
    filter_out_t *out, size_t samples)
{
    return filter_process(state, in, out, samples);
}
"""

# SysTick counts down at 25 MHz; see `qemu.run`. The samples themselves do not
# count: no branch of the code depends on them.
_MAIN = """\
#include <stdio.h>
#include "filter.h"

#define SAMPLES @SAMPLES@
#define SYSTICK ((volatile uint32_t *)0xE000E010)

static filter_state state;
static filter_in_t in[SAMPLES * FILTER_INPUT_CHANNELS];
static filter_out_t out[SAMPLES * FILTER_OUTPUT_CHANNELS];

int main(void)
{
    uint32_t k;
    uint32_t begin;
    uint32_t end;

    for (k = 0; k < SAMPLES * FILTER_INPUT_CHANNELS; ++k)
        in[k] = (filter_in_t)(k % 2 ? FILTER_INPUT_MAX : FILTER_INPUT_MIN);
    filter_init(&state);
    SYSTICK[1] = 0xFFFFFF;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5;
    begin = SYSTICK[2];
    (void)filter_process(&state, in, out, SAMPLES);
    end = SYSTICK[2];
    printf("ticks %lu state %lu\\n", (unsigned long)((begin - end) & 0xFFFFFF),
        (unsigned long)sizeof state);
    return 0;
}
"""

_INSTRUCTIONS_OF_A_TICK = 40


def measure_cortex_m4(chain, *, samples=1024, block=BLOCK, flags=("-O2",)):
    """Counts the instructions of a filter on a Cortex-M4 in QEMU.

    Args:
        chain: `tflite_export.ChainSpec`.
        samples: Positive integer, samples of one call. The counter has 24
            bits, a tick for 40 instructions: of more than some 670 million
            instructions in all it loses a multiple. Defaults to `1024`.
        block: Positive integer, see `to_header`. Defaults to `256`.
        flags: Sequence of strings, flags of the compiler.
            Defaults to `("-O2",)`.

    Returns:
        Dictionary: `instructions_per_sample`, to some 40 in `samples`;
        `code_bytes`, of the functions with their tables; `state_bytes`;
        `scratch_bytes`.

    Raises:
        MissingToolError: The compiler, or QEMU, is not installed.
        RuntimeError: The compiler refused the header, or the program failed.
    """
    _checks.check_integer(
        "samples", samples, minimum=1, owner="c.measure_cortex_m4"
    )
    header = to_header(chain, "filter", block=block)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "filter.h").write_text(header, encoding="utf-8")
        unit = arm_gcc.build_object(_UNIT, folder, flags=flags)
        code = arm_gcc.size(unit)["text"]
        main = _MAIN.replace("@SAMPLES@", str(samples))
        sources = {"filter.h": header, "main.c": main}
        program = arm_gcc.build(sources, folder, flags=flags)
        told = qemu.run(program, count_instructions=True)
    ticks, state = map(int, re.findall(r"\d+", told))
    return {
        "instructions_per_sample": ticks * _INSTRUCTIONS_OF_A_TICK / samples,
        "code_bytes": code,
        "state_bytes": state,
        "scratch_bytes": describe(chain, block=block)["scratch_bytes"],
    }
