"""Simulates a netlist of gates, all clock cycles at once."""

import numpy as np

from keras_bp import _checks
from tflite_export._signals import as_int64
from tflite_export.cost import _bits
from tflite_export.cost._circuit import Circuit

DELAYS = ("zero", "unit")


def simulate(netlist, liberty, inputs, *, clock="clk", reset="rst", tie=None):
    """Runs a netlist over many clock cycles.

    In cycle t the inputs have their t-th values, and registers what was at
    their inputs in cycle t - 1; in cycle 0 what the reset gave them, or 0. It
    computes 64 cycles with one operation, which needs a netlist without
    feedback: delay lines, pipelines and registers that nobody writes, but no
    counters.

    Args:
        netlist: `Netlist`.
        liberty: `Liberty`.
        inputs: Dictionary from the names of input ports to integer arrays
            `(cycles,)`, signed or not; or `(cycles, n)`, n numbers side by
            side, the first in the least bits.
        clock: String, the name of the clock port. Defaults to `"clk"`.
        reset: String, the name of a port, if there is one, that is 1 ahead
            of the first cycle, and 0 from then on. Defaults to `"rst"`.
        tie: Dictionary from the other input ports to constant integers, such
            as an enable to 1. Defaults to `None`.

    Returns:
        `Waves`.

    Raises:
        TypeError: An input does not hold integers.
        ValueError: A port is missing or unknown, an input has another shape,
            a cell is of another kind, or the netlist has feedback.

    Example:

    ```python
    netlist = Netlist.from_json("netlist.json")
    waves = simulate(netlist, Liberty("osu018_stdcells.lib"), {"x": signal})
    waves.port("y"), waves.toggles("unit")
    ```
    """
    tie = dict(tie or {})
    _check_ports(netlist, inputs, tie, (clock, reset))
    circuit = Circuit(netlist, liberty, clock, reset, tie)
    arrays = {
        port: _port_bits(port, value, len(netlist.inputs[port]))
        for port, value in inputs.items()
    }
    counts = {bits.shape[1] for bits in arrays.values()}
    if len(counts) != 1 or not min(counts):
        raise ValueError(
            "simulate expects inputs of as many cycles, 1 or more. Received: "
            f"{sorted(counts)}"
        )
    (cycles,) = counts
    words = -(-cycles // _bits.WORD)
    values = np.zeros((netlist.num_nets, words), "uint64")
    for net, constant in circuit.constants.items():
        values[net] = ~np.uint64(0) if constant else 0
    for port, bits in arrays.items():
        values[netlist.inputs[port]] = _bits.pack(bits)
    for batch in circuit.batches:
        pins = {name: values[nets] for name, nets in batch.pins.items()}
        found = batch.function(pins)
        if batch.register:
            found = _bits.delay(found, batch.initial)
        values[batch.outputs] = ~found if batch.inverted else found
    return Waves(circuit, values, cycles)


class Waves:
    """The values of all nets of a netlist in all cycles.

    Made by `simulate`.

    Args:
        circuit: `Circuit`.
        values: Uint64 array `(nets, words)`, one bit a cycle.
        cycles: Positive integer.
    """

    def __init__(self, circuit, values, cycles):
        self.netlist = circuit.netlist
        self.cycles = cycles
        self._circuit = circuit
        self._values = values

    @property
    def depth(self):
        """The largest number of gates in a row."""
        return self._circuit.depth

    def port(self, name, width=None, signed=True):
        """What a port has in each cycle.

        Args:
            name: String, an input or output port.
            width: Positive integer, bits of each number where there are
                several side by side, or None for one. Defaults to `None`.
            signed: Boolean. Defaults to `True`.

        Returns:
            Int64 array `(cycles,)`, or `(cycles, n)` with a `width`.

        Raises:
            ValueError: There is no such port, or `width` does not divide it.
        """
        ports = {**self.netlist.inputs, **self.netlist.outputs}
        _checks.check_one_of("name", name, ports, owner="Waves.port")
        nets = ports[name]
        each = len(nets) if width is None else width
        if len(nets) % each or each > 63:
            raise ValueError(
                "Waves.port expects a `width` of at most 63 that divides the "
                f"{len(nets)} bits of {name!r}. Received: width={width}"
            )
        bits = _bits.unpack(self._values[nets], self.cycles).astype("int64")
        weights = 1 << np.arange(each)
        if signed:
            weights[-1] *= -1
        found = np.einsum(
            "nwt,w->tn", bits.reshape(-1, each, self.cycles), weights
        )
        return found[:, 0] if width is None else found

    def toggles(self, delay="zero", start=1):
        """How often each net changes.

        Args:
            delay: String. `"zero"`: from the last value of a cycle to that of
                the next. `"unit"`: every gate follows its inputs one unit of
                time later, registers and inputs change at the beginning of a
                cycle, and every change until all is quiet counts: glitches,
                too. Defaults to `"zero"`.
            start: Positive integer, the first cycle whose changes count.
                Defaults to `1`.

        Returns:
            Int64 array, one number a net; 0 for the clock.

        Raises:
            ValueError: `delay` is unknown, or `start` out of range.
        """
        owner = "Waves.toggles"
        _checks.check_one_of("delay", delay, DELAYS, owner=owner)
        _checks.check_integer(
            "start", start, minimum=1, maximum=self.cycles - 1, owner=owner
        )
        mask = _bits.mask(start, self.cycles, self._values.shape[1])
        before = _bits.delay(self._values)
        if delay == "zero":
            return _bits.count((before ^ self._values) & mask)
        return self._unit_toggles(before, mask)

    def _unit_toggles(self, now, mask):
        gates = self._circuit.gates
        sources = np.ones(len(now), bool)
        for gate in gates:
            sources[gate.outputs] = False
        found = np.zeros(len(now), "int64")
        changed = np.flatnonzero(sources)
        changed, fresh = _changes(now, changed, self._values[changed])
        while len(changed):
            found[changed] += _bits.count((now[changed] ^ fresh) & mask)
            now[changed] = fresh
            moved = np.zeros(len(now), bool)
            moved[changed] = True
            pairs = [_step(gate, now, moved) for gate in gates]
            changed = np.concatenate([outputs for outputs, _ in pairs])
            fresh = np.concatenate([values for _, values in pairs])
        return found


def _step(gate, now, moved):
    """The outputs that change after some of the inputs of gates did."""
    active = np.zeros(len(gate.outputs), bool)
    for nets in gate.pins.values():
        active |= moved[nets]
    outputs = gate.outputs[active]
    if not len(outputs):
        return outputs, now[outputs]
    pins = {name: now[nets[active]] for name, nets in gate.pins.items()}
    return _changes(now, outputs, gate.function(pins))


def _changes(now, nets, fresh):
    differ = (now[nets] != fresh).any(axis=1)
    return nets[differ], fresh[differ]


def _check_ports(netlist, inputs, tie, others):
    given = [*inputs, *tie, *(set(others) & set(netlist.inputs))]
    if sorted(given) != sorted(netlist.inputs):
        raise ValueError(
            "simulate expects each input port once: with values, tied, or as "
            f"the clock or reset. Received: {sorted(given)}, ports "
            f"{sorted(netlist.inputs)}"
        )


def _port_bits(port, value, width):
    """Array `(width, cycles)` of 0 and 1."""
    value = as_int64(port, value, owner="simulate")
    if value.ndim == 1:
        value = value[:, None]
    if value.ndim != 2 or not value.shape[1] or width % value.shape[1]:
        raise ValueError(
            "simulate expects arrays (cycles,) or (cycles, n), where n divides "
            f"the {width} bits of {port!r}. Received: shape={value.shape}"
        )
    each = width // value.shape[1]
    low, high = -(1 << each - 1), (1 << each) - 1
    if value.size and (value.min() < low or value.max() > high):
        raise ValueError(
            f"simulate expects {each} bits for {port!r}. Received: values "
            f"from {value.min()} to {value.max()}"
        )
    places = np.minimum(np.arange(each), 63)
    bits = value.T[:, None, :] >> places[None, :, None] & 1
    return bits.reshape(width, -1)
