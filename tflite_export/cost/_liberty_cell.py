"""What is taken of a cell of a liberty file."""

import dataclasses

import numpy as np

from tflite_export.cost._boolean import Boolean
from tflite_export.cost._liberty_text import numbers


@dataclasses.dataclass(frozen=True)
class Pin:
    """A pin of a cell.

    Args:
        name: String.
        direction: String, `"input"`, `"output"`, ...
        capacitance: Float, in pF.
        function: `Boolean` of an output, or None.
        tables: Tuple of `EnergyTable`, what the cell takes, load apart, when
            the pin changes.
    """

    name: str
    direction: str
    capacitance: float
    function: Boolean | None
    tables: tuple

    def energy(self, transition, load):
        """Energy of a change, inside the cell.

        The mean of rise and fall, and of the arcs that may cause it.

        Args:
            transition: Float, duration of the change at the input in ns.
            load: Float array, what the pin drives in pF.

        Returns:
            Float64 array of the shape of `load`, in pJ.
        """
        load = np.asarray(load, "float64")
        found = [table(transition, load) for table in self.tables]
        return np.mean(found, axis=0) if found else np.zeros_like(load)


@dataclasses.dataclass(frozen=True)
class FlipFlop:
    """The register of a cell.

    Args:
        state: String, the name by which functions call its state.
        inverse: String, the same, of the inverse.
        next_state: `Boolean`.
        clock: `Boolean` of the clock pin.
        clear: `Boolean`, what makes the state 0 at any time, or None.
        preset: The same, of 1.
    """

    state: str
    inverse: str
    next_state: Boolean
    clock: Boolean
    clear: Boolean | None
    preset: Boolean | None


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a library.

    Args:
        name: String.
        area: Float, in the unit of the library, um^2 as a rule.
        leakage: Float, in nW.
        pins: Dictionary from names to `Pin`.
        flip_flop: `FlipFlop`, or None.
        other_state: Boolean, whether it holds a state of another kind, or
            lets go of its output.
    """

    name: str
    area: float
    leakage: float
    pins: dict
    flip_flop: FlipFlop | None
    other_state: bool

    @property
    def inputs(self):
        """List of the input pins."""
        return [p for p in self.pins.values() if p.direction == "input"]

    @property
    def outputs(self):
        """List of the output pins that have a function."""
        return [p for p in self.pins.values() if p.function is not None]


class EnergyTable:
    """Energies by input transition and load, with linear interpolation.

    Beyond its ends the table goes on as a straight line, as the delay
    calculators of timing tools have it.

    Args:
        group: `Group`, such as `rise_power`.
        variables: Tuple of the names of its variables.
        scale: Float, what makes pJ of its values.
        units: Tuple of two floats, what makes ns of the transitions, and pF
            of the loads.
    """

    def __init__(self, group, variables, scale, units):
        values = numbers(group.attributes["values"])
        axes, shape = {}, []
        for index, name in enumerate(variables, 1):
            axis = numbers(group.attributes[f"index_{index}"])
            kind = "load" if "capacitance" in name else "transition"
            axes[kind] = np.array(axis) * units[kind == "load"]
            shape.append(len(axis))
        table = np.reshape(values, shape) * scale
        if len(shape) == 2 and next(iter(axes)) == "load":
            table = table.T
        if "transition" not in axes:
            table = table[None]
        if "load" not in axes:
            table = table[..., None]
        self._transition = axes.get("transition", np.zeros(1))
        self._load = axes.get("load", np.zeros(1))
        self._table = table

    def __call__(self, transition, load):
        low, part = _place(self._transition, np.asarray(transition, "float64"))
        row = self._table[low] * (1 - part)
        if len(self._transition) > 1:
            row = row + self._table[low + 1] * part
        low, part = _place(self._load, load)
        if len(self._load) == 1:
            return row[low]
        return row[low] * (1 - part) + row[low + 1] * part


def read_cell(group, templates, scales, default_capacitance):
    """Reads a cell.

    Args:
        group: `Group` of it.
        templates: Dictionary from the name of a table template to the names
            of its variables.
        scales: Dictionary of what makes `"ns"`, `"pF"`, `"pJ"` and `"nW"` of
            the units of the library.
        default_capacitance: Float, of input pins, in pF.

    Returns:
        `Cell`.
    """
    pins = {}
    for pin in [*group.all("pin"), *_bus_pins(group)]:
        direction = pin.attributes.get("direction", "")
        default = default_capacitance * (direction == "input")
        function = pin.attributes.get("function")
        held = "three_state" in pin.attributes
        for name in pin.arguments:
            pins[name] = Pin(
                name,
                direction,
                pin.number("capacitance", default) * scales["pF"],
                Boolean(function) if function and not held else None,
                _tables(pin, templates, scales),
            )
    registers = group.all("ff")
    others = [*group.all("latch"), *group.all("statetable")]
    open_ends = [p for p in group.all("pin") if "three_state" in p.attributes]
    return Cell(
        group.arguments[0],
        group.number("area"),
        _leakage(group) * scales["nW"],
        pins,
        _flip_flop(registers[0]) if registers else None,
        bool(others or open_ends or len(registers) > 1),
    )


def _bus_pins(group):
    return [pin for bus in group.all("bus") for pin in bus.all("pin")]


def _leakage(group):
    if "cell_leakage_power" in group.attributes:
        return group.number("cell_leakage_power")
    found = [each.number("value") for each in group.all("leakage_power")]
    return float(np.mean(found)) if found else 0.0


def _flip_flop(group):
    attributes = group.attributes
    names = [*group.arguments, "", ""]
    return FlipFlop(
        names[0],
        names[1],
        Boolean(attributes["next_state"]),
        Boolean(attributes["clocked_on"]),
        *(
            Boolean(attributes[name]) if name in attributes else None
            for name in ("clear", "preset")
        ),
    )


def _tables(pin, templates, scales):
    found = []
    for power in pin.all("internal_power"):
        for table in power.groups:
            if "values" not in table.attributes:
                continue
            template = table.arguments[0] if table.arguments else "scalar"
            variables, indices = templates.get(template, ((), {}))
            table.attributes = {**indices, **table.attributes}
            units = scales["ns"], scales["pF"]
            found.append(EnergyTable(table, variables, scales["pJ"], units))
    return tuple(found)


def _place(axis, value):
    """The interval of an axis that holds a value, or is next; and where."""
    if len(axis) == 1:
        return np.zeros(np.shape(value), "int64"), np.zeros(np.shape(value))
    low = np.clip(np.searchsorted(axis, value) - 1, 0, len(axis) - 2)
    return low, (value - axis[low]) / (axis[low + 1] - axis[low])
