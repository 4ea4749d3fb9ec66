"""A chain as modules: one for each step, and one that joins them."""

from tflite_export.fir_spec import FIRSpec
from tflite_export.verilog._expressions import declared_range
from tflite_export.verilog._lanes import Lanes
from tflite_export.verilog._module import (
    HEAD,
    TAIL,
    Module,
    declared_ports,
    port_list,
    write_module,
)
from tflite_export.verilog._netlist import Netlist
from tflite_export.verilog._stages import (
    TapRegisters,
    build,
    describe,
    register_range,
)


def steps_of(chain):
    """Indices of the stages in groups, each of which begins with a filter."""
    groups = []
    for index, stage in enumerate(chain.stages):
        if not groups or isinstance(stage, FIRSpec):
            groups.append([])
        groups[-1].append(index)
    return groups


def write_core(chain, options):
    """Writes the steps of a chain, and what joins them.

    Args:
        chain: `ChainSpec`.
        options: `Options`.

    Returns:
        List of `Module`, that which holds the others first; list of the
        integers that tap registers are reset to.
    """
    registers = TapRegisters() if options.programmable else None
    groups = steps_of(chain)
    core = f"{options.name}_core"
    lanes = [_lanes_of(chain, group, options, registers) for group in groups]
    ports = registers and registers.ports
    resets = registers.resets if registers else []
    names = [f"{options.name}_step{index}" for index in range(len(groups))]
    if len(groups) == 1:
        names = [core]
    steps = [
        write_module(name, each, _told(chain, group), ports)
        for name, each, group in zip(names, lanes, groups, strict=True)
    ]
    if len(groups) == 1:
        return steps, resets
    if not any(step.tap_ports for step in steps):
        ports = None
    return [_join(core, steps, options, ports), *steps], resets


def _told(chain, group):
    """What the stages of a step are, in words."""
    return [f"Stage {k}: {describe(chain.stages[k])}." for k in group]


def _lanes_of(chain, group, options, registers):
    net = Netlist()
    form = chain.stages[group[0]].signal_format
    channels = chain.stage_channels[group[0]]
    signals = [
        net.input(form.word_length * channel, *register_range(form))
        for channel in range(channels)
    ]
    for index in group:
        signals = build(net, chain.stages[index], signals, registers)
    net.outputs = signals
    width = chain.stages[group[-1]].output_format.word_length
    return Lanes(
        net, options, channels * form.word_length, [width] * len(signals)
    )


def _join(name, steps, options, tap_ports):
    """A module in which the steps follow each other."""
    first, last = steps[0].input_bits, steps[-1].output_bits
    ports = port_list(options.handshake, first, last, tap_ports)
    latency = sum(step.latency for step in steps)
    text = [
        HEAD,
        f"// Clocks from a sample to its result: {latency}.",
        f"module {name} (",
        declared_ports(ports),
        ");",
    ]
    ahead = {"in_data": "in_data", "in_valid": "in_valid"}
    for index, step in enumerate(steps):
        behind = {"out_data": f"data{index}", "out_valid": f"valid{index}"}
        if step is steps[-1]:
            behind = {"out_data": "out_data", "out_valid": "out_valid"}
        else:
            text.append(
                f"  wire{declared_range(step.output_bits)} data{index};"
            )
            if options.handshake:
                text.append(f"  wire valid{index};")
        text.append(_instance(step, index, options, ahead | behind))
        ahead = {
            "in_data": behind["out_data"],
            "in_valid": behind["out_valid"],
        }
    counts = {
        key: sum(step.counts[key] for step in steps) for key in steps[0].counts
    }
    text += ["endmodule", TAIL, ""]
    return Module(
        name, "\n".join(text), latency, first, last, tap_ports, counts
    )


def _instance(step, index, options, wires):
    ports = port_list(
        options.handshake, step.input_bits, step.output_bits, step.tap_ports
    )
    joined = ", ".join(
        f".{port}({wires.get(port, port)})" for _, _, port in ports
    )
    return f"  {step.name} step{index} ({joined});"
