"""A netlist repeated for every lane, with the registers that it needs."""

import dataclasses

from tflite_export.adder_graph import full_adders
from tflite_export.verilog._expressions import Names, number, operation
from tflite_export.verilog._schedule import needed, schedule


@dataclasses.dataclass(frozen=True)
class Register:
    """A register.

    Args:
        ahead: String, the name of what it takes.
        level: Integer, the stage whose samples move it and which a reset
            clears; None if it follows the clock alone.
    """

    ahead: str
    level: int | None


class Lanes:
    """Names, wires and registers of a module.

    Lane p takes the samples p, p + lanes, p + 2 lanes, ... A delay of d
    samples on lane p is lane (p - d) mod lanes, some clocks ago.

    Args:
        net: `Netlist` with `outputs`.
        options: `Options`.
        in_width: Integer, bits of a sample with all its channels.
        out_widths: List of integers, bits of each output.
    """

    def __init__(self, net, options, in_width, out_widths):
        self.net, self.options = net, options
        self.in_width, self.out_widths = in_width, out_widths
        self.signals = needed(net)
        self.stages = schedule(net, options)
        kept = [self.stages[s] for s in self.signals if not s.static]
        self.last = max(kept, default=0)
        self.names = Names()
        self.registers = {}
        self.wires = []
        self.results = []
        self._known = {}

    @property
    def taps(self):
        """Dictionary from names to the signals of taps."""
        return {
            self._known[signal, 0]: signal
            for signal in self.signals
            if signal.op == "tap"
        }

    @property
    def input_bits(self):
        """Bits of the samples of all lanes."""
        return self.options.lanes * self.in_width

    @property
    def output_bits(self):
        """Bits of the results of all lanes."""
        return self.options.lanes * sum(self.out_widths)

    def fill(self):
        """Makes the wires, registers and results."""
        self._name_signals()
        self.names.declare("in_data", self.input_bits)
        for signal in self.signals:
            for lane in range(self.options.lanes):
                self._add_wire(signal, lane)
        pairs = list(zip(self.net.outputs, self.out_widths, strict=True))
        for lane in range(self.options.lanes):
            for signal, width in pairs:
                name = self._reference(signal, lane, self.last)
                self.results.append(
                    number(signal.low, width)
                    if name is None
                    else self.names.extended(name, width)
                )

    def counts(self):
        """Dictionary: adders, adder bits, multipliers, register bits."""
        lanes = self.options.lanes
        adders = [s for s in self.signals if s.op == "add"]
        multipliers = [s for s in self.signals if s.op == "multiply"]
        bits = sum(
            full_adders(s.width, *s.data, s.args[0].op == "constant")
            for s in adders
        )
        registers = sum(self.names.widths[name] for name in self.registers)
        registers += sum(signal.width for signal in self.taps.values())
        return {
            "adders": lanes * len(adders),
            "adder_bits": lanes * bits,
            "multipliers": lanes * len(multipliers),
            "register_bits": registers + self.output_bits,
        }

    def _name_signals(self):
        numbers = {}
        for signal in self.signals:
            if signal.op == "delay":
                continue
            count = numbers.get(signal.hint, 0)
            numbers[signal.hint] = count + 1
            for lane in range(self.options.lanes):
                alone = signal.static or self.options.lanes == 1
                end = "" if alone else f"_l{lane}"
                self._known[signal, lane] = f"{signal.hint}{count}{end}"

    def _add_wire(self, signal, lane):
        if signal.op == "delay" or (signal.static and lane):
            return
        name = self._known[signal, lane]
        kind = self.names.declare(name, signal.width, signal.signed)
        if signal.op == "tap":
            return
        if signal.op == "input":
            low = lane * self.in_width + signal.data[0]
            text = self.names.bits("in_data", low + signal.width - 1, low)
        else:
            stage = self.stages[signal]
            operands = [self._reference(a, lane, stage) for a in signal.args]
            text = operation(signal, self.names, operands)
        told = f"// {signal.low} to {signal.high}"
        self.wires.append(f"  wire{kind} {name} = {text};  {told}")

    def _reference(self, signal, lane, stage):
        """The name of a signal's value in a later stage; None: a constant."""
        if signal.op == "constant":
            return None
        if signal.static:
            return self._known[signal, 0]
        late = stage - self.stages[signal]
        source, clocks = signal, 0
        if signal.op == "delay":
            source, (samples,) = signal.args[0], signal.data
            origin = (lane - samples) % self.options.lanes
            clocks = (samples - lane + origin) // self.options.lanes
            lane = origin
        name = self._known[source, lane]
        level = self.stages[source]
        name = self._chain(name, clocks, level, "d")
        if not self.options.handshake:
            # Without gaps, clocks of a delay and of a pipeline are the same.
            return self._chain(name, late, None, "d", clocks)
        return self._chain(name, late, None, "p")

    def _chain(self, name, clocks, level, letter, before=0):
        """The name of what comes out of registers one after the other."""
        base = name.rsplit("_d", 1)[0] if before else name
        for count in range(before + 1, before + clocks + 1):
            ahead, name = name, f"{base}_{letter}{count}"
            if name not in self.registers:
                width = self.names.widths[ahead]
                self.names.declare(name, width, self.names.is_signed(ahead))
                self.registers[name] = Register(ahead, level)
        return name
