"""Integers beyond 32 bits, of LiteRT's int32 operators.

Every number carries the ends of what it can be, so that no operator is added
whose result could leave int32: where one could, the number is held in two
limbs, `upper * 2^base + lower`.
"""

import dataclasses
import math

import numpy as np

from tflite_export.litert._numbers import (
    BASE,
    Whole,
    Wide,
    base_for,
    base_of,
    fits,
    product_ends,
    sum_ends,
)

_LARGEST_SHIFT = 31


class Arithmetic:
    """Adds operators on `Whole` and `Wide` numbers to a graph.

    Args:
        graph: `Graph` of int32.
    """

    def __init__(self, graph):
        self.graph = graph
        # What is being computed, for messages.
        self.place = ""
        # By shape, a tensor of zeros.
        self.zeros = {}
        self._known = {}

    def shape(self, value):
        """The shape of a number, a tuple."""
        value = value.upper if isinstance(value, Wide) else value
        return self.graph.shape(value.tensor)

    def apply(self, name, inputs, low, high, shape=None, **options):
        """Adds an operator, unless the same one is there already.

        Args:
            name: String.
            inputs: List of the indices of tensors.
            low: Integer, the least that an entry of the result can be.
            high: Integer, the largest.
            shape: Tuple, that of the result, or None for what the inputs
                broadcast to.
            **options: Of the operator.

        Returns:
            `Whole`.

        Raises:
            ValueError: The result may leave int32, or is too large a tensor.
        """
        if shape is None:
            shape = np.broadcast_shapes(*map(self.graph.shape, inputs))
        self.check(low, high, shape)
        key = (name, *inputs, repr(options))
        if key not in self._known:
            output = self.graph.tensor(f"x{len(self._known)}", shape)
            self.graph.add(name, list(inputs), output, **options)
            self._known[key] = output
        return Whole(self._known[key], low, high)

    def array(self, values):
        """A constant tensor of int32; equal ones are held once."""
        values = np.asarray(values)
        key = (values.shape, values.tobytes())
        if key not in self._known:
            low, high = int(values.min()), int(values.max())
            self.check(low, high, values.shape)
            name = f"c{len(self._known)}"
            self._known[key] = self.graph.constant(name, values.astype("int32"))
        return self._known[key]

    def number(self, value):
        """A constant, `Whole` where it fits into 32 bits."""
        if fits(value, value):
            return Whole(self.array(np.int64([value])), value, value)
        base = base_for(value, value)
        upper, lower = self.number(value >> base), self.number(value % 2**base)
        return Wide(upper, lower, base, value, value)

    def add(self, a, b, sign=1):
        """`a + sign * b`, of two numbers."""
        ends = sorted([sign * b.low, sign * b.high])
        low, high = a.low + ends[0], a.high + ends[1]
        if isinstance(a, Whole) and isinstance(b, Whole) and fits(low, high):
            name = "ADD" if sign == 1 else "SUB"
            return self.apply(name, [a.tensor, b.tensor], low, high)
        base = max(base_for(low, high), base_of(a), base_of(b))
        a, b = self.split(a, base), self.split(b, base)
        upper = self.add(a.upper, b.upper, sign)
        lower = self.add(a.lower, b.lower, sign)
        return self.join_limbs(upper, lower, base, low, high)

    def multiply(self, a, b):
        """The product of two `Whole` numbers, the second one split if need be.

        Its limbs are the products with the two limbs of `b`.
        """
        low, high = product_ends(a, b)
        if fits(low, high):
            return self.apply("MUL", [a.tensor, b.tensor], low, high)
        b = self.split(b, BASE)
        limbs = b.upper, b.lower
        if not all(fits(*product_ends(a, limb)) for limb in limbs):
            self.refuse(low, high)
        upper, lower = (self.multiply(a, limb) for limb in limbs)
        return self.join_limbs(upper, lower, BASE, low, high)

    def total(self, value, axes):
        """The sum over some axes, which stay with a length of 1."""
        shape = self.shape(value)
        count = math.prod(shape[axis] for axis in axes)
        low, high = count * value.low, count * value.high
        if isinstance(value, Whole) and not fits(low, high):
            value = self.split(value, BASE)
        if isinstance(value, Wide):
            upper = self.total(value.upper, axes)
            lower = self.total(value.lower, axes)
            return self.join_limbs(upper, lower, value.base, low, high)
        shape = [1 if axis in axes else n for axis, n in enumerate(shape)]
        inputs = [value.tensor, self.array(np.int64(axes))]
        return self.apply("SUM", inputs, low, high, shape, keepDims=True)

    def weigh(self, frames, kernel):
        """Sums of a number's rows, each times a weight.

        Args:
            frames: `Whole` of shape `(rows, ...)`.
            kernel: Int64 array `(rows, outputs)`.

        Returns:
            `Whole` or `Wide` of shape `(outputs, ...)`.
        """
        low, high = sum_ends(frames, kernel)
        if fits(low, high):
            return self._weigh(frames, kernel)
        for base in range(BASE, 2 * BASE + 1):
            half = 2 ** (base - 1)
            lower = (kernel + half) % 2**base - half
            limbs = np.concatenate([(kernel - lower) >> base, lower], axis=1)
            if fits(*sum_ends(frames, limbs)):
                both = self._weigh(frames, limbs)
                outputs = kernel.shape[1]
                upper = self.slice(both, 0, 0, outputs)
                lower = self.slice(both, 0, outputs, outputs)
                return Wide(upper, lower, base, low, high)
        self.refuse(low, high)

    def slice(self, value, axis, begin, length, strides=1):
        """Entries of a `Whole` along one axis."""
        shape = list(self.shape(value))
        begins, sizes = [0] * len(shape), list(shape)
        begins[axis] = begin
        shape[axis] = sizes[axis] = length
        inputs = [value.tensor, self.array(np.int64(begins))]
        ends = value.low, value.high
        if strides == 1:
            inputs.append(self.array(np.int64(sizes)))
            return self.apply("SLICE", inputs, *ends, shape)
        sizes[axis] = begin + (length - 1) * strides + 1
        steps = np.where(np.arange(len(shape)) == axis, strides, 1)
        inputs += [self.array(np.int64(sizes)), self.array(steps)]
        return self.apply("STRIDED_SLICE", inputs, *ends, shape)

    def join(self, values, axis):
        """`Whole` numbers one after the other along an axis."""
        if len(values) == 1:
            return values[0]
        shape = list(self.shape(values[0]))
        shape[axis] = sum(self.shape(value)[axis] for value in values)
        low = min(value.low for value in values)
        high = max(value.high for value in values)
        inputs = [value.tensor for value in values]
        return self.apply("CONCATENATION", inputs, low, high, shape, axis=axis)

    def shift(self, value, bits):
        """`value` over 2^bits, rounded down."""
        low, high = value.low >> bits, value.high >> bits
        if bits == 0:
            return value
        if isinstance(value, Whole):
            by = self.number(min(bits, _LARGEST_SHIFT))
            inputs = [value.tensor, by.tensor]
            return self.apply("RIGHT_SHIFT", inputs, low, high)
        value = self.carry(value)
        if bits >= value.base:
            return self.shift(value.upper, bits - value.base)
        lower = self.shift(value.lower, bits)
        return Wide(value.upper, lower, value.base - bits, low, high)

    def carry(self, value):
        """A `Wide` whose lower limb is from 0 to 2^base - 1."""
        upper, lower, base = value.upper, value.lower, value.base
        if lower.low >= 0 and lower.high < 2**base:
            return value
        over = self.shift(lower, base)
        rest = self._rest(lower, over, base)
        # The sum may be narrower than its parts let expect.
        upper = self.apply(
            "ADD",
            [upper.tensor, over.tensor],
            value.low >> base,
            value.high >> base,
        )
        return dataclasses.replace(value, upper=upper, lower=rest)

    def split(self, value, base):
        """A number in limbs, the lower one of at least `base` bits."""
        low, high = value.low, value.high
        if isinstance(value, Wide):
            if value.base >= base:
                return value
            value = self.carry(value)
            upper = self.split(value.upper, base - value.base)
            lower = self.multiply(upper.lower, self.number(2**value.base))
            lower = self.add(lower, value.lower)
            return self.join_limbs(upper.upper, lower, base, low, high)
        upper = self.shift(value, base)
        lower = self._rest(value, upper, base)
        return Wide(upper, lower, base, low, high)

    def join_limbs(self, upper, lower, base, low, high):
        """A `Wide`, if its limbs are `Whole`."""
        if isinstance(upper, Wide) or isinstance(lower, Wide):
            self.refuse(low, high)
        return Wide(upper, lower, base, low, high)

    def check(self, low, high, shape):
        """Raises `ValueError` where no int32 tensor holds a number."""
        if not fits(low, high):
            self.refuse(low, high)
        if math.prod(shape) >= 2**31:
            raise ValueError(
                "The target litert expects fewer than 2^31 entries in a "
                "tensor; use a smaller `batch` or `time`, and several runs. "
                f"Received: {self.place}: a tensor of shape {tuple(shape)}"
            )

    def refuse(self, low, high):
        """Raises `ValueError`: a number from `low` to `high` is too long."""
        raise ValueError(
            "The target litert expects numbers that two limbs of int32 hold; "
            "use shorter formats, or fewer taps. Received: "
            f"{self.place}: from {low} to {high}"
        )

    def _rest(self, value, upper, base):
        """What `upper * 2^base` leaves of a `Whole`."""
        step = self.number(2**base)
        floor = self.apply(
            "MUL",
            [upper.tensor, step.tensor],
            upper.low * 2**base,
            upper.high * 2**base,
        )
        tensors = [value.tensor, floor.tensor]
        return self.apply("SUB", tensors, 0, 2**base - 1)

    def _weigh(self, frames, kernel):
        shape = self.shape(frames)
        weights = kernel.T.reshape(*kernel.T.shape, *(1,) * (len(shape) - 1))
        weights = Whole(
            self.array(weights), int(kernel.min()), int(kernel.max())
        )
        parts = self.apply(
            "MUL",
            [frames.tensor, weights.tensor],
            *product_ends(frames, weights),
        )
        inputs = [parts.tensor, self.array(np.int64([1]))]
        shape = (kernel.shape[1], *shape[1:])
        return self.apply("SUM", inputs, *sum_ends(frames, kernel), shape)
