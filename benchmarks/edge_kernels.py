"""Compiled kernels: the exported one, one by hand, and the machine's limit."""

import atexit
import ctypes
import functools
import tempfile

import numpy as np

from tflite_export import c
from tflite_export.tools import host_cc

_NATIVE = ("-O3", "-march=native")
# How often one call filters the signal, so that calling takes no time.
_REPEATS = 8

_EXPORTED = """
#include "edge.h"
static edge_state state;
void run(const edge_in_t *in, edge_out_t *out, size_t n, int repeats);
void run(const edge_in_t *in, edge_out_t *out, size_t n, int repeats)
{
    while (repeats-- > 0) {
        edge_init(&state);
        (void)edge_process(&state, in, out, n);
    }
}
"""

# I and Q lie in turn, as they come: each product of pairs makes I or Q of a
# sample. Samples ahead of the first one are there, as zeros.
_HAND = """
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#if WIDE
typedef __m512i vector;
#define V(name) _mm512_##name
#define BITS(name) _mm512_##name##_si512
#else
typedef __m256i vector;
#define V(name) _mm256_##name
#define BITS(name) _mm256_##name##_si256
#endif
#define LOAD(t) BITS(loadu)((const vector *)(const void *)(in + 2 * (t)))
#define SAMPLES ((ptrdiff_t)sizeof(vector) / 4)

static const int32_t to_i[] = {@TO_I@};
static const int32_t to_q[] = {@TO_Q@};

static vector rounded(vector i, vector q)
{
    vector y;

    i = V(srai_epi32)(i, SHIFT);
    q = V(srai_epi32)(q, SHIFT);
    y = V(packs_epi32)(V(unpacklo_epi32)(i, q), V(unpackhi_epi32)(i, q));
    y = V(max_epi16)(y, V(set1_epi16)(LOW));
    return V(min_epi16)(y, V(set1_epi16)(HIGH));
}

static void filter(const int16_t *in, int16_t *out, ptrdiff_t n)
{
    for (ptrdiff_t t = 0; t + SAMPLES <= n; t += SAMPLES) {
        vector i = V(set1_epi32)(1 << SHIFT >> 1), q = i;
#pragma GCC unroll 16
        for (int k = 0; k <= MIDDLE; ++k) {
            vector x = LOAD(t - k);
            if (k < MIDDLE)
                x = V(add_epi16)(x, LOAD(t - 2 * MIDDLE + k));
            i = V(add_epi32)(i, V(madd_epi16)(x, V(set1_epi32)(to_i[k])));
            q = V(add_epi32)(q, V(madd_epi16)(x, V(set1_epi32)(to_q[k])));
        }
        BITS(storeu)((vector *)(void *)(out + 2 * t), rounded(i, q));
    }
}

void run(const int16_t *in, int16_t *out, size_t n, int repeats);
void run(const int16_t *in, int16_t *out, size_t n, int repeats)
{
    while (repeats-- > 0)
        filter(in, out, (ptrdiff_t)n);
}
"""

# Nothing but multiply-adds of registers, none of which waits for another one:
# five clocks for each, and two of them begin in a clock. Names instead of an
# array, which the compiler would keep in memory.
_LIMIT = """
#include <immintrin.h>
#include <stddef.h>

#if WIDE
typedef __m512i vector;
#define MADD _mm512_madd_epi16
#define ALL _mm512_set1_epi16
#else
typedef __m256i vector;
#define MADD _mm256_madd_epi16
#define ALL _mm256_set1_epi16
#endif
#define EACH(DO) DO(a) DO(b) DO(c) DO(d) DO(e) DO(f) \\
    DO(g) DO(h) DO(i) DO(j) DO(k) DO(l)
#define DECLARE(x) vector x = ALL(3);
#define MULTIPLY(x) x = MADD(x, x); __asm__ volatile("" : "+v"(x));

void run(const void *in, void *out, size_t turns, int repeats);
void run(const void *in, void *out, size_t turns, int repeats)
{
    EACH(DECLARE)
    (void)in;
    (void)out;
    (void)repeats;
    while (turns-- > 0) {
        EACH(MULTIPLY)
    }
}
"""
_CHAINS, _TURNS = 12, 20_000


class Compiled:
    """A filter in a shared library, with its input and output.

    Args:
        path: Path of the library.
        signal: Integer array `(1, time, channels)`.
        ahead: Integer, samples of zeros ahead of it.
    """

    repeats = _REPEATS

    def __init__(self, path, signal, ahead=0):
        self._run = ctypes.CDLL(str(path)).run
        time = signal.shape[1]
        past = np.zeros((ahead, signal.shape[2]), "int16")
        self._in = np.concatenate([past, signal[0].astype("int16")])
        self._out = np.zeros(signal.shape[1:], "int16")
        self._arguments = (
            ctypes.c_void_p(self._in[ahead:].ctypes.data),
            ctypes.c_void_p(self._out.ctypes.data),
            ctypes.c_size_t(time),
            ctypes.c_int(self.repeats),
        )

    def call(self):
        """Filters the signal `repeats` times."""
        self._run(*self._arguments)

    def output(self):
        """What one call puts out, an integer array `(time, channels)`."""
        self.call()
        return self._out


def exported(chain, signal, flags, compiler="gcc"):
    """The exported header of a chain, as a `Compiled`."""
    sources = {"edge.h": c.to_header(chain, "edge"), "run.c": _EXPORTED}
    return Compiled(_library(sources, flags, compiler), signal)


def build(chain, signal):
    """The kernels by hand that this machine can run.

    Args:
        chain: `tflite_export.ChainSpec` of one complex symmetric filter that
            rounds to the nearest and saturates.
        signal: Integer array `(1, time, 2)`.

    Returns:
        Dictionary from a name to a `Compiled`.
    """
    (stage,) = chain.stages
    middle = stage.memory // 2
    taps = stage.taps[: middle + 1, 0, 0].tolist()
    text = _HAND.replace("@TO_I@", _pairs((a, -b) for a, b in taps))
    text = text.replace("@TO_Q@", _pairs((b, a) for a, b in taps))
    form = stage.output_format
    flags = (
        f"-DMIDDLE={middle}",
        f"-DSHIFT={stage.shift}",
        f"-DLOW={form.minimum_integer}",
        f"-DHIGH={form.maximum_integer}",
    )
    return {
        f"hand-written vpmaddwd, {bits} bits": Compiled(
            _library(
                {"run.c": text}, (*_NATIVE, *flags, f"-DWIDE={int(bits > 256)}")
            ),
            signal,
            stage.memory,
        )
        for bits in _lengths()
    }


def limits():
    """Loops of multiply-adds alone, the most that this machine does.

    Returns:
        Dictionary from a name to a function, and to how many products of 16
        bits one call of it adds up.
    """
    found = {}
    for bits in _lengths():
        flags = (*_NATIVE, "-D_GNU_SOURCE", f"-DWIDE={int(bits > 256)}")
        run = ctypes.CDLL(str(_library({"run.c": _LIMIT}, flags))).run
        arguments = (None, None, ctypes.c_size_t(_TURNS), 0)
        found[f"limit of vpmaddwd, {bits} bits"] = (
            functools.partial(run, *arguments),
            _CHAINS * _TURNS * bits // 16,
        )
    return found


def _lengths():
    """Bits of the vectors that multiply and add here."""
    with open("/proc/cpuinfo", encoding="ascii") as file:
        told = file.read()
    known = {"avx2": 256, "avx512bw": 512}
    return [bits for name, bits in known.items() if f" {name} " in told]


def _pairs(taps):
    """Two taps in one integer of 32 bits, each."""
    joined = [(a & 0xFFFF) | (b & 0xFFFF) << 16 for a, b in taps]
    return ", ".join(str(one - (one >> 31 << 32)) for one in joined)


def _library(sources, flags, compiler="gcc"):
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    flags = (*flags, "-shared", "-fPIC")
    return host_cc.build(
        sources, folder.name, compiler=compiler, flags=flags, output="edge.so"
    )
