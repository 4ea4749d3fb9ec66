"""Macros of C for the multiply-add instructions of x86."""

# Vectors of the longest kind that the compiler may use. Every operation is
# there in each of the lengths, under a name that differs in its beginning.
MACROS = """\
/*
 * Sums of products of pairs, by multiply-add instructions. Define
 * NAME_PORTABLE to do without them, and with plain C alone.
 */
#ifndef NAME_PORTABLE
#if defined(__AVX512BW__)
#include <immintrin.h>
typedef __m512i name_vector;
#define NAME_LANES 32
#define NAME_V(operation) _mm512_##operation
#define NAME_BITS(operation) _mm512_##operation##_si512
#elif defined(__AVX2__)
#include <immintrin.h>
typedef __m256i name_vector;
#define NAME_LANES 16
#define NAME_V(operation) _mm256_##operation
#define NAME_BITS(operation) _mm256_##operation##_si256
#elif defined(__SSE2__)
#include <emmintrin.h>
typedef __m128i name_vector;
#define NAME_LANES 8
#define NAME_V(operation) _mm_##operation
#define NAME_BITS(operation) _mm_##operation##_si128
#endif
#endif
#ifdef NAME_LANES
#define NAME_ALL(value) NAME_V(set1_epi32)(value)
#define NAME_LOAD(from) \\
    NAME_BITS(loadu)((const name_vector *)(const void *)(from))
#define NAME_STORE(to, value) \\
    NAME_BITS(storeu)((name_vector *)(void *)(to), value)
#define NAME_SUM(from, other) \\
    NAME_V(add_epi16)(NAME_LOAD(from), NAME_LOAD(other))
#define NAME_DIFFERENCE(from, other) \\
    NAME_V(sub_epi16)(NAME_LOAD(from), NAME_LOAD(other))
/* The lower and upper halves of a vector of pairs. */
#define NAME_PAIRS(first, second) \\
    const name_vector p = first; \\
    const name_vector q = second; \\
    const name_vector lower = NAME_V(unpacklo_epi16)(p, q); \\
    const name_vector upper = NAME_V(unpackhi_epi16)(p, q)
#if NAME_LANES == 32 && defined(__AVX512VNNI__)
#define NAME_DOT(sum, pairs, taps) \\
    sum = _mm512_dpwssd_epi32(sum, pairs, taps)
#else
#define NAME_DOT(sum, pairs, taps) \\
    sum = NAME_V(add_epi32)(sum, NAME_V(madd_epi16)(pairs, taps))
#endif
/* Adds both products of each pair to the sums of an output. */
#define NAME_ADD(output, taps) \\
    NAME_DOT(low##output, lower, NAME_ALL(taps)); \\
    NAME_DOT(high##output, upper, NAME_ALL(taps))
#endif
"""
