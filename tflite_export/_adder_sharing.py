"""Finds two-term sums that several sums of a constant matrix share."""

import heapq


def digit_terms(integer):
    """The canonical signed digits of an integer.

    Args:
        integer: Integer.

    Returns:
        List of `(shift, sign)`, from the lowest digit to the highest.
    """
    found, shift = [], 0
    while integer:
        if integer & 1:
            # 3 in the lowest two bits is 4 - 1: the next digit is then 0.
            digit = 2 - (integer & 3)
            found.append((shift, digit))
            integer -= digit
        integer >>= 1
        shift += 1
    return found


class SharedTerms:
    """Sums as terms, in which the pairs that occur most are replaced.

    A sum is a dictionary from `(node, shift)` to the sign 1 or -1. A pair is
    `(first, second, shift, sign)`: node `first` plus `sign` times node
    `second` shifted to the left by `shift`, which may be negative.

    Args:
        sums: List of such dictionaries; they are changed.
        make_node: Function that takes a pair and returns its number.
        depth_of: Function that takes a node and returns the adders on the
            longest way to it.
    """

    def __init__(self, sums, make_node, depth_of):
        self.sums = sums
        self._make_node = make_node
        self._depth_of = depth_of
        self._counts = {}
        self._heap = []
        for terms in sums:
            known = []
            for term in terms.items():
                self._count(term, known, 1)
                known.append(term)

    def share(self):
        """Replaces pairs as long as one occurs twice."""
        while self._heap:
            count, _, pair = heapq.heappop(self._heap)
            if self._counts.get(pair, 0) != -count:
                continue
            places = self._disjoint(pair)
            if len(places) == -count:
                self._replace(pair, places)
            elif len(places) > 1:
                # Some of those counted overlap; it has to wait for its turn.
                self._counts[pair] = len(places)
                self._push(pair)

    def _push(self, pair):
        first, second, shift, _ = pair
        depth = max(self._depth_of(first), self._depth_of(second))
        order = (depth, abs(shift))
        heapq.heappush(self._heap, (-self._counts[pair], order, pair))

    def _count(self, term, others, change):
        for other in others:
            pair = _pair_of(term, other)
            count = self._counts.get(pair, 0) + change
            self._counts[pair] = count
            if count > 1:
                self._push(pair)

    def _disjoint(self, pair):
        """Where the pair occurs: the sums, and the keys of both terms."""
        first, second, shift, sign = pair
        found = []
        for index, terms in enumerate(self.sums):
            used = set()
            for key in sorted(terms):
                other = (second, key[1] + shift)
                if key[0] != first or key in used or other in used:
                    continue
                if terms.get(other) == sign * terms[key]:
                    used |= {key, other}
                    found.append((index, key, other))
        return found

    def _replace(self, pair, places):
        node = self._make_node(pair)
        for index, key, other in places:
            terms = self.sums[index]
            # The node counts from the lower of the two shifts.
            new = (node, min(key[1], other[1])), terms[key]
            for gone in (key, other):
                sign = terms.pop(gone)
                self._count((gone, sign), terms.items(), -1)
            self._count(new, terms.items(), 1)
            terms[new[0]] = new[1]


def _pair_of(term, other):
    """The pair that two terms of a sum make, whatever their common sign."""
    (key, sign), (other_key, other_sign) = sorted((term, other))
    return key[0], other_key[0], other_key[1] - key[1], sign * other_sign
