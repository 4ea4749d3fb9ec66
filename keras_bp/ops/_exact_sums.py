"""Whether sums of integer products are exact in float32."""

import math

# Every integer up to here.
LARGEST_SUM = 2**24
# TF32, in which a GPU may multiply matrices, keeps 11 bits of a factor.
LARGEST_FACTOR = 2**11


def exact_in_float32(terms, *factors):
    """Whether float32 holds sums of products of matrices exactly.

    Args:
        terms: Integer, number of products in a sum.
        *factors: Integers, largest magnitudes of what is multiplied.
    """
    fits = max(factors) <= LARGEST_FACTOR
    return fits and terms * math.prod(factors) <= LARGEST_SUM
