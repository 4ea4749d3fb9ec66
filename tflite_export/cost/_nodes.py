"""What computes each net of a netlist."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Node:
    """What computes one net.

    Args:
        output: Integer, the net.
        function: `Boolean` of its pins.
        pins: Dictionary from the names that the function uses to nets.
        register: Boolean, whether the net has the value in the next cycle.
        inverted: Boolean, whether it is the inverse of that.
    """

    output: int
    function: object
    pins: dict
    register: bool = False
    inverted: bool = False


def make_nodes(netlist, liberty, clock, constants):
    """Lists what computes the nets.

    Args:
        netlist: `Netlist`.
        liberty: `Liberty`.
        clock: String, the name of the clock port.
        constants: Dictionary from nets to 0 or 1, while the clock runs.

    Returns:
        List of `Node`.

    Raises:
        ValueError: A cell is of a kind that cannot be computed so, an input
            is not connected, or two cells drive a net.
    """
    clocks = set(netlist.inputs.get(clock, ()))
    found = {}
    for instance in netlist.instances:
        cell = liberty.cell(instance.type)
        if cell.other_state:
            _fail("cells with a function or a flip-flop", instance)
        if cell.flip_flop is not None:
            _check_flip_flop(instance, cell.flip_flop, clocks, constants)
        for pin in cell.outputs:
            if pin.name in instance.pins:
                node = _node(instance, pin, cell.flip_flop)
                if found.setdefault(node.output, node) is not node:
                    name = netlist.net_names[node.output]
                    _fail(f"one driver of the net {name!r}", instance)
    return list(found.values())


def _node(instance, pin, flop):
    function, register, inverted = pin.function, flop is not None, False
    if register:
        if function.names not in ((flop.state,), (flop.inverse,)):
            _fail("flip-flops that give out their state", instance)
        inverted = function.table()[1] == 0b01
        inverted ^= function.names == (flop.inverse,)
        function = flop.next_state
    pins = {
        name: instance.pins[name]
        for name in function.names
        if name in instance.pins
    }
    if len(pins) < len(function.names):
        _fail("cells whose inputs are all connected", instance)
    return Node(instance.pins[pin.name], function, pins, register, inverted)


def _check_flip_flop(instance, flop, clocks, constants):
    """Raises `ValueError` unless the clock's rising edge alone moves it."""
    nets = {instance.pins.get(name) for name in flop.clock.names}
    if flop.clock.table()[1] != 0b10 or not nets <= clocks:
        _fail("flip-flops on the rising edge of the clock port", instance)
    for force in filter(None, (flop.clear, flop.preset)):
        known = {
            name: constants[instance.pins[name]]
            for name in force.names
            if instance.pins.get(name) in constants
        }
        if force.table(known) != ((), 0):
            _fail("flip-flops that are not forced while they run", instance)


def _fail(expected, instance):
    raise ValueError(
        f"cost expects {expected}. Received: {instance.name!r} of type "
        f"{instance.type!r}"
    )
