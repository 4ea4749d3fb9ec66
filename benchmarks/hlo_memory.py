"""How much memory a compiled program keeps alive at once."""

import math
import re

_BYTES = {"pred": 1, "s8": 1, "u8": 1, "f16": 2, "bf16": 2, "s32": 4, "u32": 4}
_BYTES |= {"f32": 4, "s64": 8, "u64": 8, "f64": 8, "c64": 8, "c128": 16}
_LINE = re.compile(r"^\s*(?:ROOT )?%?([\w.-]+) = (.*?) ([\w-]+)\((.*)$")
_SHAPE = re.compile(r"\b([a-z]+\d*)\[([\d,]*)\]")
# They name memory of others.
_VIEWS = ("bitcast", "get-tuple-element", "tuple", "opt-barrier")


def peak_bytes(hlo):
    """Largest sum of the arrays that are alive at one point of the schedule.

    An estimate: what a compiler saves by writing into the memory of an
    operand is not seen, nor are temporaries within a kernel. Parameters do
    not count.

    Args:
        hlo: String, the text of an optimized, scheduled HLO module.

    Returns:
        Integer.
    """
    lines = hlo.split("ENTRY", 1)[1].splitlines()[1:]
    sizes, roots, last = {}, {}, {}
    for index, line in enumerate(lines):
        found = _LINE.match(line)
        if not found:
            continue
        name, shape, kind, rest = found.groups()
        operands = [
            operand
            for operand in re.findall(r"%([\w.-]+)", rest.split("), ")[0])
            if operand in roots
        ]
        owned = {root for operand in operands for root in roots[operand]}
        for root in owned:
            last[root] = index
        if kind in _VIEWS:
            roots[name] = owned
        else:
            roots[name] = {name}
            fixed = kind in ("parameter", "constant")
            sizes[name] = 0 if fixed else _size(shape)
            last[name] = index
        if line.lstrip().startswith("ROOT"):
            for root in roots[name]:
                last[root] = len(lines)
    return _peak(lines, sizes, last)


def _peak(lines, sizes, last):
    ends = {}
    for name, index in last.items():
        ends.setdefault(index, []).append(name)
    alive = peak = 0
    for index, line in enumerate(lines):
        found = _LINE.match(line)
        if found:
            alive += sizes.get(found[1], 0)
            peak = max(peak, alive)
        alive -= sum(sizes[name] for name in ends.get(index, ()))
    return peak


def _size(shape):
    total = 0
    for kind, extents in _SHAPE.findall(shape):
        numbers = [int(extent) for extent in extents.split(",") if extent]
        total += _BYTES.get(kind, 4) * math.prod(numbers)
    return total
