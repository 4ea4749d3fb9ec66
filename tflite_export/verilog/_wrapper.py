"""The module around a core that shakes hands with its neighbors."""

from tflite_export.verilog._module import (
    HEAD,
    TAIL,
    declared_ports,
    port_list,
    tap_inputs,
)


def wrapper_ports(core):
    """The ports of a wrapper, as those of `port_list`."""
    return [
        ("input", 1, "clk"),
        ("input", 1, "rst"),
        ("input", 1, "in_valid"),
        ("output", 1, "in_ready"),
        ("input", core.input_bits, "in_data"),
        ("output", 1, "out_valid"),
        ("input", 1, "out_ready"),
        ("output", core.output_bits, "out_data"),
        *tap_inputs(core.tap_ports),
    ]


def write_wrapper(name, core):
    """Writes a module with valid and ready on both sides of a core.

    As long as a result is not taken, the core holds, and no sample is
    accepted.

    Args:
        name: String.
        core: `Module`.

    Returns:
        String, Verilog.
    """
    inner = port_list(True, core.input_bits, core.output_bits, core.tap_ports)
    joined = ", ".join(f".{port}({port})" for _, _, port in inner)
    return f"""{HEAD}
// Samples are taken, and results given, where valid and ready are both 1.
module {name} (
{declared_ports(wrapper_ports(core))}
);
  // Everything holds while a result waits to be taken.
  wire en = out_ready | ~out_valid;
  assign in_ready = en;
  {core.name} core ({joined});
endmodule
{TAIL}
"""
