"""Energy that a netlist takes to switch."""

import collections
import dataclasses

import numpy as np

from keras_bp import _checks

PARTS = ("logic", "registers", "inputs", "clock")


@dataclasses.dataclass(frozen=True)
class Energy:
    """The energy of a netlist, in pJ for each sample.

    The parts are `"logic"`, the gates and the nets that they drive;
    `"registers"`, the flip-flops but for their clock; `"inputs"`, the nets of
    the input ports; and `"clock"`, the clock pins of the flip-flops.

    Args:
        switching: Dictionary from each part to what charges its nets.
        internal: Dictionary from each part to what its cells take inside.
        leakage_power: Float, of all cells, in nW.
        toggles: Float, changes of all nets for each sample, but the clock.
    """

    switching: dict
    internal: dict
    leakage_power: float
    toggles: float

    @property
    def parts(self):
        """Dictionary from each part to its energy, in pJ."""
        return {p: self.switching[p] + self.internal[p] for p in PARTS}

    @property
    def total(self):
        """All parts together, without leakage, in pJ."""
        return sum(self.parts.values())

    def leakage(self, period):
        """What leaks in a time.

        Args:
            period: Float, of a sample, in ns.

        Returns:
            Float, in pJ.
        """
        return self.leakage_power * period * 1e-6


def energy(
    netlist,
    liberty,
    toggles,
    cycles,
    *,
    lanes=1,
    clock="clk",
    transition=0.1,
    wire_capacitance=None,
):
    r"""Sums up the energy of the changes of a netlist.

    Of each net :math:`\frac{1}{2} C V^2` for each change, where C is the
    capacitance of the pins that it leads to, and that of a wire. Of each
    cell what the tables of `internal_power` say for each change of a pin, at
    one transition time and the load of the pin. A table holds for a rise or a
    fall, and for a cause: their mean is taken, since there are as many rises
    as falls, and since which input caused a change is not recorded. (Where a
    library adds a part of the load's energy to the rise and takes it from the
    fall, as sky130 does, the mean is free of it.) The clock pins rise and
    fall in each cycle; there is no clock tree, and no gate on the clock.

    Args:
        netlist: `Netlist`.
        liberty: `Liberty`.
        toggles: Integer array, the changes of each net, of `Waves.toggles`.
        cycles: Positive integer, the clock cycles in which they happened.
        lanes: Positive integer, samples in a cycle. Defaults to `1`.
        clock: String, the name of the clock port. Defaults to `"clk"`.
        transition: Positive float, duration of all changes, in ns.
            Defaults to `0.1`.
        wire_capacitance: Float, of a wire, for each pin that it leads to, in
            pF; or None for the default wire load of the library, which is 0
            where it names none. Defaults to `None`.

    Returns:
        `Energy`.

    Raises:
        ValueError: `toggles` has another shape, or a number is out of range.

    Example:

    ```python
    waves = simulate(netlist, liberty, {"x": signal})
    energy(netlist, liberty, waves.toggles("unit"), waves.cycles - 1).total
    ```
    """
    owner = "energy"
    toggles = np.asarray(toggles)
    if toggles.shape != (netlist.num_nets,):
        raise ValueError(
            f"{owner} expects `toggles` of {netlist.num_nets} nets. "
            f"Received: shape={toggles.shape}"
        )
    _checks.check_integer("cycles", cycles, minimum=1, owner=owner)
    _checks.check_integer("lanes", lanes, minimum=1, owner=owner)
    _checks.check_positive("transition", transition, owner=owner)
    clock_nets = netlist.inputs.get(clock, [])
    # The clock rises and falls.
    toggles = toggles.astype("float64")
    toggles[clock_nets] = 2 * cycles
    pins = _PinArrays(netlist, liberty)
    loads = pins.loads(wire_capacitance)
    parts = pins.net_parts(clock_nets)
    scale = 1 / (cycles * lanes)
    charge = 0.5 * liberty.voltage**2 * loads * toggles * scale
    switching = {
        part: float(charge[parts == index].sum())
        for index, part in enumerate(PARTS)
    }
    internal = pins.internal(toggles * scale, loads, transition, clock_nets)
    data = np.delete(toggles, clock_nets)
    return Energy(switching, internal, pins.leakage, float(data.sum() * scale))


class _PinArrays:
    """The pins of all cells of each type, as arrays of nets."""

    def __init__(self, netlist, liberty):
        self.netlist, self.liberty = netlist, liberty
        alike = collections.defaultdict(list)
        for instance in netlist.instances:
            alike[instance.type].append(instance)
        # (cell, pin, nets), where pins may be left open.
        self.entries = []
        self.leakage = 0.0
        for kind, instances in alike.items():
            cell = liberty.cell(kind)
            self.leakage += cell.leakage * len(instances)
            for pin in cell.pins.values():
                nets = [
                    i.pins[pin.name] for i in instances if pin.name in i.pins
                ]
                if nets:
                    self.entries.append((cell, pin, np.array(nets)))

    def loads(self, wire_capacitance):
        """Capacitance of each net, in pF."""
        size = self.netlist.num_nets
        found, fanout = np.zeros(size), np.zeros(size, "int64")
        for _, pin, nets in self.entries:
            if pin.direction == "input":
                np.add.at(found, nets, pin.capacitance)
                np.add.at(fanout, nets, 1)
        if wire_capacitance is None:
            return found + self.liberty.wire_capacitance(fanout)
        return found + wire_capacitance * fanout

    def net_parts(self, clock_nets):
        """The part that each net belongs to, an index of `PARTS`."""
        found = np.full(self.netlist.num_nets, PARTS.index("inputs"))
        for cell, pin, nets in self.entries:
            if pin.direction == "output":
                found[nets] = PARTS.index(_part(cell))
        found[clock_nets] = PARTS.index("clock")
        return found

    def internal(self, toggles, loads, transition, clock_nets):
        """Energy inside the cells of each part, in pJ."""
        found = dict.fromkeys(PARTS, 0.0)
        for cell, pin, nets in self.entries:
            if not pin.tables:
                continue
            each = pin.energy(transition, loads[nets]) * toggles[nets]
            on_clock = np.isin(nets, clock_nets)
            found["clock"] += float(each[on_clock].sum())
            found[_part(cell)] += float(each[~on_clock].sum())
        return found


def _part(cell):
    return "registers" if cell.flip_flop is not None else "logic"
