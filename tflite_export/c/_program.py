"""C programs that run filters on samples from their standard input."""

# For users, to check a target of their own: samples in the format of the test
# vectors, one a line, its channels in decimal.
TEST = """\
/*
 * Reads samples from stdin, one a line, its channels in decimal, and writes
 * what the filter makes of them in the same way. It takes NAME_TEST_BLOCK
 * samples at a time, which makes no difference.
 */
#include <stdio.h>

#include "name_.h"

#ifndef NAME_TEST_BLOCK
#define NAME_TEST_BLOCK 64
#endif

static name_state state;
static name_in_t in[NAME_TEST_BLOCK * NAME_INPUT_CHANNELS];
static name_out_t out[NAME_TEST_BLOCK * NAME_OUTPUT_CHANNELS];

static size_t read_block(void)
{
    size_t k;
    long long value;

    for (k = 0; k < NAME_TEST_BLOCK * NAME_INPUT_CHANNELS; ++k) {
        if (scanf("%lld", &value) != 1)
            break;
        in[k] = (name_in_t)value;
    }
    return k / NAME_INPUT_CHANNELS;
}

int main(void)
{
    size_t n;
    size_t k;

    name_init(&state);
    while ((n = read_block()) > 0) {
        n = name_process(&state, in, out, n);
        for (k = 0; k < n * NAME_OUTPUT_CHANNELS; ++k)
            printf("%lld%c", (long long)out[k],
                (k + 1) % NAME_OUTPUT_CHANNELS ? ' ' : '\\n');
    }
    return 0;
}
"""

# The same for one of many filters, with several signals, whose number comes
# first, and ahead of each how many samples it has.
_RUN = """\
static void run_name_(void)
{
    static name_state state;
    static name_in_t in[LARGEST * NAME_INPUT_CHANNELS];
    static name_out_t out[LARGEST * NAME_OUTPUT_CHANNELS];
    long batch = (long)next();

    while (batch-- > 0) {
        size_t left = (size_t)next();
        size_t turn = 0;

        name_init(&state);
        while (left > 0) {
            size_t n = blocks[turn++ % (sizeof blocks / sizeof *blocks)];
            size_t k;

            n = n < left ? n : left;
            left -= n;
            for (k = 0; k < n * NAME_INPUT_CHANNELS; ++k)
                in[k] = (name_in_t)next();
            n = name_process(&state, in, out, n);
            for (k = 0; k < n * NAME_OUTPUT_CHANNELS; ++k)
                printf("%lld\\n", (long long)out[k]);
        }
        printf("end\\n");
    }
}
"""

_MANY = """\
#include <stdio.h>
@INCLUDES@

#define LARGEST @LARGEST@

static const size_t blocks[] = {@BLOCKS@};

static long long next(void)
{
    long long value = 0;

    return scanf("%lld", &value) == 1 ? value : 0;
}

@FUNCTIONS@
int main(void)
{
@CALLS@
    return 0;
}
"""


def test_program(name):
    """The text of `NAME_test.c`, which checks a target of a user's own."""
    return _named(TEST.replace('"name_.h"', f'"{name}.h"'), name)


def many_program(names, blocks):
    """The text of a program that runs several filters one after the other.

    Args:
        names: List of strings, of headers.
        blocks: Sequence of positive integers, sizes of blocks in turn.
    """
    parts = {
        "@INCLUDES@": "\n".join(f'#include "{name}.h"' for name in names),
        "@LARGEST@": str(max(blocks)),
        "@BLOCKS@": ", ".join(map(str, blocks)),
        "@FUNCTIONS@": "\n".join(_named(_RUN, name) for name in names),
        "@CALLS@": "\n".join(f"    run_{name}_();" for name in names),
    }
    text = _MANY
    for key, part in parts.items():
        text = text.replace(key, part)
    return text


def _named(text, name):
    text = text.replace("NAME_", f"{name.upper()}_")
    return text.replace("name_", f"{name}_")
