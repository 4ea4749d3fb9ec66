"""A constant matrix as adders: shifts, additions and subtractions."""

import dataclasses
import heapq

import numpy as np

from tflite_export._adder_checks import check_matrix, check_ranges, check_values
from tflite_export._adder_sharing import SharedTerms, digit_terms
from tflite_export._signals import as_int64


@dataclasses.dataclass(frozen=True)
class Adder:
    """One adder: left · 2^left_shift ± right · 2^right_shift.

    Args:
        left: Integer, the number of a node, or None for 0: a negation.
        right: Integer, the number of a node.
        left_shift: Integer, bits to the left.
        right_shift: The same.
        subtract: Boolean, whether the right one is subtracted.
        low: Integer, the smallest result.
        high: Integer, the largest result.
        depth: Integer, adders on the longest way from an input to here.
    """

    left: int | None
    right: int
    left_shift: int
    right_shift: int
    subtract: bool
    low: int
    high: int
    depth: int

    @property
    def width(self):
        """Bits of the result, with a sign if it can be negative."""
        return bit_width(self.low, self.high)

    @property
    def bits(self):
        """Full adders: the width, without low bits that pass unchanged."""
        return full_adders(
            self.width,
            self.left_shift,
            self.right_shift,
            self.subtract,
            self.left is None,
        )


@dataclasses.dataclass(frozen=True)
class Output:
    """A node times 2^shift, or 0 where `node` is None."""

    node: int | None
    shift: int = 0


class AdderGraph:
    r"""Multiplies by a constant integer matrix with adders alone.

    The coefficients become canonical signed digits. As long as a sum of two
    digits, with the same inputs, distance and signs, occurs twice, the one
    that occurs most often becomes an adder of its own. What is left of each
    output is added as a tree, the shallowest nodes first.

    Inputs are the nodes from 0 on; adder n is the node `inputs + n`, and
    takes nodes before it.

    Args:
        matrix: Integer array `(outputs, inputs)`, magnitudes below 2^61.
        input_ranges: The smallest and largest value of the inputs as a pair
            of integers, or a list of a pair for each.
        input_depths: List of integers, how many adders are ahead of each
            input, or None for none. Defaults to `None`.

    Raises:
        TypeError: `matrix` or `input_ranges` does not hold integers.
        ValueError: A shape or range is out of bounds.

    Example:

    >>> import numpy as np
    >>> from tflite_export.adder_graph import AdderGraph
    >>> graph = AdderGraph([[5, 3], [10, -3]], (-8, 7))
    >>> graph(np.array([2, 1])).tolist(), len(graph.adders), graph.depth
    ([13, 17], 4, 2)
    """

    def __init__(self, matrix, input_ranges, input_depths=None):
        self.matrix = check_matrix(matrix)
        self.inputs = self.matrix.shape[1]
        self.input_ranges = check_ranges(input_ranges, self.inputs)
        self.input_depths = list(input_depths or [0] * self.inputs)
        if len(self.input_depths) != self.inputs:
            raise ValueError(
                "AdderGraph expects one of `input_depths` for each of "
                f"{self.inputs} inputs. Received: {len(self.input_depths)}"
            )
        self.adders = []
        self._weights = np.eye(self.inputs, dtype="object").tolist()
        self._known = {}
        sums = [self._digits(row) for row in self.matrix.tolist()]
        SharedTerms(sums, self._make_node, self.node_depth).share()
        self.outputs = [self._tree(terms) for terms in sums]

    @property
    def adder_bits(self):
        """Full adders, the sum of `Adder.bits`."""
        return sum(adder.bits for adder in self.adders)

    @property
    def depth(self):
        """Adders on the longest way to an output, those ahead included."""
        nodes = [out.node for out in self.outputs if out.node is not None]
        return max((self.node_depth(node) for node in nodes), default=0)

    def node_depth(self, node):
        """Adders on the longest way to a node."""
        if node < self.inputs:
            return self.input_depths[node]
        return self.adders[node - self.inputs].depth

    def node_range(self, node):
        """The smallest and the largest value of a node, both exact."""
        return self._range(self._weights[node])

    def __call__(self, inputs):
        """Computes the adders one after the other.

        Args:
            inputs: Integer array `(..., inputs)`.

        Returns:
            NumPy array of int64 of shape `(..., outputs)`.

        Raises:
            TypeError: `inputs` does not hold integers.
            ValueError: It has another shape, or a value is out of
                `input_ranges`.
        """
        inputs = as_int64("inputs", inputs, owner="AdderGraph")
        if inputs.ndim == 0 or inputs.shape[-1] != self.inputs:
            raise ValueError(
                f"AdderGraph expects `inputs` of shape (..., {self.inputs}). "
                f"Received: shape={inputs.shape}"
            )
        values = list(np.moveaxis(inputs, -1, 0))
        check_values(values, self.input_ranges)
        zero = np.zeros(inputs.shape[:-1], "int64")
        for adder in self.adders:
            left = zero if adder.left is None else values[adder.left]
            right = values[adder.right] << adder.right_shift
            values.append(
                (left << adder.left_shift)
                + (-right if adder.subtract else right)
            )
        found = [
            zero if out.node is None else values[out.node] << out.shift
            for out in self.outputs
        ]
        return np.stack(found, axis=-1)

    def _digits(self, row):
        return {
            (node, shift): sign
            for node, coefficient in enumerate(row)
            for shift, sign in digit_terms(coefficient)
        }

    def _range(self, weights):
        pairs = list(zip(weights, self.input_ranges, strict=True))
        low = sum(min(w * ends[0], w * ends[1]) for w, ends in pairs)
        high = sum(max(w * ends[0], w * ends[1]) for w, ends in pairs)
        return low, high

    def _make_node(self, pair):
        """The node of a pair, see `SharedTerms`; its sign that of the first."""
        first, second, shift, sign = pair
        return self._add(first, max(0, -shift), second, max(0, shift), sign)

    def _add(self, left, left_shift, right, right_shift, sign):
        key = (left, left_shift, right, right_shift, sign)
        if key in self._known:
            return self._known[key]
        ahead = [0] * self.inputs if left is None else self._weights[left]
        weights = [
            (a << left_shift) + sign * (b << right_shift)
            for a, b in zip(ahead, self._weights[right], strict=True)
        ]
        nodes = [node for node in (left, right) if node is not None]
        depth = 1 + max(self.node_depth(node) for node in nodes)
        self.adders.append(
            Adder(
                *key[:1],
                right,
                left_shift,
                right_shift,
                sign < 0,
                *self._range(weights),
                depth,
            )
        )
        self._weights.append(weights)
        self._known[key] = self.inputs + len(self.adders) - 1
        return self._known[key]

    def _tree(self, terms):
        """Adds terms, the shallowest first; the `Output` that is left."""
        heap = [
            (self.node_depth(node), shift, node, sign)
            for (node, shift), sign in terms.items()
        ]
        heapq.heapify(heap)
        if not heap:
            return Output(None)
        while len(heap) > 1:
            (_, s, a, sign), (_, t, b, other) = (
                heapq.heappop(heap) for _ in range(2)
            )
            # A sum that is negative as a whole is added below, and its sign
            # is left to whoever takes it.
            if sign < other:
                (s, a, sign), (t, b, other) = (t, b, other), (s, a, sign)
            low = min(s, t)
            node = self._add(a, s - low, b, t - low, sign * other)
            heapq.heappush(heap, (self.node_depth(node), low, node, sign))
        _, shift, node, sign = heap[0]
        if sign < 0:
            node = self._add(None, 0, node, 0, -1)
        return Output(node, shift)


def full_adders(width, left_shift, right_shift, subtract, alone=False):
    """Bits of a sum that take a full adder.

    Args:
        width: Integer, bits of the sum.
        left_shift: Integer, bits to the left of the first number.
        right_shift: The same of the second.
        subtract: Boolean, whether the second is subtracted.
        alone: Boolean, whether there is no first one. Defaults to `False`.
    """
    # Where one number has zeros, the other passes, unless it is negated.
    free = max(0, right_shift - left_shift)
    if not subtract:
        free = max(free, left_shift - right_shift)
    return width if alone else max(1, width - free)


def bit_width(low, high):
    """Bits of a whole number from `low` to `high`, at least 1.

    With a sign bit, in two's complement, where `low` is negative.
    """
    if low >= 0:
        return max(1, high.bit_length())
    return 1 + max(
        (-1 - low).bit_length(), high.bit_length() if high > 0 else 0
    )
