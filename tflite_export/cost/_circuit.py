"""Puts the cells of a netlist in an order in which they can be computed."""

import collections
import dataclasses

import numpy as np

from tflite_export.cost._nodes import make_nodes
from tflite_export.cost.netlist import ONE, ZERO


@dataclasses.dataclass(frozen=True)
class Batch:
    """Nodes of one function on one level, as arrays.

    Args:
        function: `Boolean`.
        pins: Dictionary from its names to int64 arrays of nets.
        outputs: Int64 array of nets.
        register: Boolean, see `Node`.
        inverted: Boolean, see `Node`.
        initial: Uint64 array `(outputs, 1)`, the first state of registers.
    """

    function: object
    pins: dict
    outputs: np.ndarray
    register: bool
    inverted: bool
    initial: np.ndarray


class Circuit:
    """A netlist without feedback, in levels.

    A flip-flop shifts its input in time. As long as no path leads from a
    register back to itself, all cycles of it can be computed at once, after
    all cycles of what is ahead of it. A register that holds what the reset
    gave it, since nobody writes it, is a constant.

    Args:
        netlist: `Netlist`.
        liberty: `Liberty`.
        clock: String, the name of the clock port.
        reset: String, the name of a reset that is 1 ahead of the first cycle
            and 0 from then on. It need not exist.
        tie: Dictionary from ports to constant integers.

    Raises:
        ValueError: A port is unknown, two cells drive a net, a cell has a
            state of another kind, or there is feedback.
    """

    def __init__(self, netlist, liberty, clock, reset, tie):
        self.netlist = netlist
        self._reset = reset if reset in netlist.inputs else None
        tied = {ZERO: 0, ONE: 1, **_tied(netlist, tie)}
        running = {**tied, **self._reset_nets(0)}
        nodes = make_nodes(netlist, liberty, clock, running)
        self.initial = self._states_after_reset(nodes, tied)
        self.constants = _settle(nodes, running)
        looping = _looping(nodes, self.constants)
        if looping:
            held = _held(nodes, self.constants, self.initial, looping)
            self.constants = _settle(nodes, {**running, **held})
            looping = _looping(nodes, self.constants)
        if looping:
            raise ValueError(
                "cost expects no feedback: no path from a register or gate "
                "back to itself, once `tie` holds enables. Received: feedback "
                f"at {netlist.net_names[min(looping)]!r}"
            )
        nodes = [n for n in nodes if n.output not in self.constants]
        levels = _levels(nodes, self.constants)
        self.batches = self._batches(nodes, levels)
        gates = [node for node in nodes if not node.register]
        self.depth = _depth(gates, self.constants, levels)
        # The same without levels: all gates of a function.
        self.gates = self._batches(gates, dict.fromkeys(levels, 0))

    def _reset_nets(self, value):
        nets = self.netlist.inputs.get(self._reset, ())
        return dict.fromkeys(nets, value)

    def _states_after_reset(self, nodes, tied):
        """From the nets of registers to the states that a reset gives."""
        if self._reset is None:
            return {}
        constants = _settle(nodes, {**tied, **self._reset_nets(1)})
        found = {}
        for node in nodes:
            if node.register:
                free, table = _reduced(node, constants)
                if not free:
                    found[node.output] = table
        return found

    def _batches(self, nodes, levels):
        alike = collections.defaultdict(list)
        for node in nodes:
            # Cells of several strengths share a function.
            key = (
                levels[node.output],
                node.register,
                node.inverted,
                node.function.text,
                tuple(node.pins),
            )
            alike[key].append(node)
        return [
            self._batch(group)
            for _, group in sorted(alike.items(), key=lambda pair: pair[0][0])
        ]

    def _batch(self, group):
        first = group[0]
        initial = [self.initial.get(node.output, 0) for node in group]
        return Batch(
            first.function,
            {
                name: np.array([node.pins[name] for node in group])
                for name in first.pins
            },
            np.array([node.output for node in group]),
            first.register,
            first.inverted,
            np.array(initial, "uint64")[:, None],
        )


def _tied(netlist, tie):
    found = {}
    for port, value in tie.items():
        if port not in netlist.inputs:
            raise ValueError(
                f"tie expects input ports of {netlist.top!r}, "
                f"{sorted(netlist.inputs)}. Received: {port!r}"
            )
        for place, net in enumerate(netlist.inputs[port]):
            found[net] = int(value) >> place & 1
    return found


def _reduced(node, constants):
    """The pins that count, given the constants, and the table over them."""
    known = {
        name: constants[net]
        for name, net in node.pins.items()
        if net in constants
    }
    return node.function.table(known)


def _live_nets(node, constants):
    """The nets that a node depends on, given the constants."""
    nets = node.pins.values()
    if any(net in constants for net in nets):
        return {node.pins[name] for name in _reduced(node, constants)[0]}
    return set(nets)


def _settle(nodes, constants):
    """Adds the gates that follow from constants; registers are left out."""
    constants = dict(constants)
    readers = collections.defaultdict(list)
    for node in nodes:
        if not node.register:
            for net in node.pins.values():
                readers[net].append(node)
    waiting = [n for n in nodes if not n.pins and not n.register]
    for net in list(constants):
        waiting += readers[net]
    while waiting:
        node = waiting.pop()
        if node.output not in constants:
            free, table = _reduced(node, constants)
            if not free:
                constants[node.output] = table
                waiting += readers[node.output]
    return constants


def _edges(nodes, constants):
    """From the output of each node to those of which it depends on."""
    outputs = {n.output for n in nodes if n.output not in constants}
    return {
        node.output: _live_nets(node, constants) & outputs
        for node in nodes
        if node.output in outputs
    }


def _looping(nodes, constants):
    """The nets on loops, and between two of them."""
    ahead = _edges(nodes, constants)
    behind = {net: set() for net in ahead}
    for net, sources in ahead.items():
        for source in sources:
            behind[source].add(net)
    return _unordered(ahead, behind) & _unordered(behind, ahead)


def _unordered(ahead, behind):
    """What never gets rid of everything ahead of it."""
    waits = {net: len(sources) for net, sources in ahead.items()}
    ready = [net for net, count in waits.items() if not count]
    for net in ready:
        for reader in behind[net]:
            waits[reader] -= 1
            if not waits[reader]:
                ready.append(reader)
    return set(ahead) - set(ready)


def _held(nodes, constants, initial, looping):
    """The registers on loops, as constants, if they keep their first state.

    That follows by induction: if all of them have it, each gets it again.
    """
    held = {
        node.output: (node, initial[node.output])
        for node in nodes
        if node.register and node.output in looping & set(initial)
    }
    values = {net: state ^ node.inverted for net, (node, state) in held.items()}
    settled = _settle(nodes, {**constants, **values})
    kept = all(
        _reduced(node, settled) == ((), state) for node, state in held.values()
    )
    return values if kept else {}


def _levels(nodes, constants):
    """From each net to its level, one above the highest that it needs."""
    ahead = _edges(nodes, constants)
    behind = {net: [] for net in ahead}
    for net, sources in ahead.items():
        for source in sources:
            behind[source].append(net)
    waits = {net: len(sources) for net, sources in ahead.items()}
    levels = dict.fromkeys(ahead, 0)
    ready = [net for net, count in waits.items() if not count]
    for net in ready:
        for reader in behind[net]:
            levels[reader] = max(levels[reader], levels[net] + 1)
            waits[reader] -= 1
            if not waits[reader]:
                ready.append(reader)
    return levels


def _depth(gates, constants, levels):
    """The largest number of gates between two registers."""
    found = collections.Counter()
    for gate in sorted(gates, key=lambda gate: levels[gate.output]):
        live = _live_nets(gate, constants)
        found[gate.output] = 1 + max((found[net] for net in live), default=0)
    return max(found.values(), default=0)
