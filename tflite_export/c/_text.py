"""The parts of a header that are the same for all chains, and its comments."""

from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec

HEAD = """\
/*
 * A fixed-point filter of a stream, with integers alone.
 *
 * In:  {input_channels} channels of {input}.
 * Out: {output_channels} channels of {output}.
 *
 * Call name_init once, then name_process with the next samples, as many
 * as there are, channels in turn. Before the first sample there are zeros.
 * Samples must lie within NAME_INPUT_MIN and NAME_INPUT_MAX.
 * An output depends on the last NAME_MEMORY samples before the present
 * one, and lags NAME_DELAY samples behind the filtering of a whole signal:
 * to filter a periodic one, feed it its last samples first. The first of
 * each NAME_STRIDES samples gives an output; where the lag is no multiple
 * of them, those are other outputs than the whole signal keeps.
 */
#ifndef NAME_H
#define NAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

@VECTORS@#ifdef __cplusplus
extern "C" {{
#endif

#define NAME_INPUT_CHANNELS {input_channels}
#define NAME_OUTPUT_CHANNELS {output_channels}
#define NAME_INPUT_MIN ({minimum})
#define NAME_INPUT_MAX ({maximum})
#define NAME_DELAY {delay}
#define NAME_MEMORY {memory}
/* Samples in for one sample out. */
#define NAME_STRIDES {strides}

/* Samples filtered at a time, for which there is memory on the stack. */
#ifndef NAME_BLOCK
#define NAME_BLOCK {block}
#endif
#if NAME_BLOCK < 1
#error "NAME_BLOCK is expected to be positive."
#endif

/*
 * What makes vectors of the loops over time: each in a function by itself,
 * and rows that do not overlap.
 */
#if defined(__GNUC__)
#define NAME_APART __attribute__((noinline, unused))
#define NAME_RESTRICT __restrict__
#else
#define NAME_APART
#define NAME_RESTRICT
#endif
#if defined(__GNUC__) && !defined(__clang__)
#define NAME_LOOP _Pragma("GCC ivdep")
#else
#define NAME_LOOP
#endif

/* An error here: the code expects 32-bit int, and shifts that keep the sign. */
typedef char name_check_int[sizeof(int) >= 4 ? 1 : -1];
typedef char name_check_shift[(-5 >> 1) == -3 ? 1 : -1];

typedef int{input_bits}_t name_in_t;
typedef int{output_bits}_t name_out_t;
"""

INIT = """\
/* Makes all samples before the next one zeros. */
static inline void name_init(name_state *state)
{
    memset(state, 0, sizeof *state);
}
"""

PROCESS = """\
/*
 * Filters the next samples; returns how many samples it put out. Neither
 * array overlaps with the other one.
 */
static inline size_t name_process(name_state *state, const name_in_t *in,
    name_out_t *out, size_t samples)
{
    size_t made = 0;

    while (samples > 0) {
        const size_t n = samples < NAME_BLOCK ? samples : NAME_BLOCK;
@DIRECT@
        made += name_block(state, in, out + made * NAME_OUTPUT_CHANNELS, n);
        in += n * NAME_INPUT_CHANNELS;
        samples -= n;
    }
    return made;
}
"""

# For one filter of one row: where the past is in the samples themselves, they
# need no copy.
DIRECT = """
        if (made >= {history}) {{
            (void)name_fir0(in - {numbers}, out + {group} * made, 0, samples);
            memcpy(state->x0[0], in + {group} * samples - {numbers},
                sizeof state->x0[0]);
            return made + samples;
        }}"""

FOOT = """\
#ifdef __cplusplus
}
#endif

#endif
"""


def describe_format(form):
    """A format in words, such as `"10 bits, 7 of them fraction"`."""
    sign = "" if form.signed else ", unsigned"
    return (
        f"{form.word_length} bits{sign}, {form.fraction_bits} after the point"
    )


def describe_stage(index, stage, bits):
    """A comment ahead of the function of a stage."""
    form = stage.output_format
    told = f"{form.rounding}, {form.overflow}"
    if isinstance(stage, FIRSpec):
        kind = "complex" if stage.complex else "real"
        what = f"{len(stage.taps)} {kind} taps"
    elif isinstance(stage, KerrSpec):
        what = f"Kerr rotation, {stage.method}"
    else:
        what = "change of format"
    return (
        f"/*\n * Stage {index}: {what}; {told};\n"
        f" * sums of {bits} bits at most.\n */"
    )
