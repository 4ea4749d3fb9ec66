"""Gates over many cycles at once."""

import numpy as np
import pytest

from tflite_export.cost import Netlist, simulate
from tflite_export.cost.netlist import Instance


def build(inputs, outputs, *cells):
    """A netlist from names of nets; cells are (type, {pin: net})."""
    nets = {"0": 0, "1": 1}

    def net(name):
        return nets.setdefault(name, len(nets))

    instances = tuple(
        Instance(f"u{k}", kind, {pin: net(n) for pin, n in pins.items()})
        for k, (kind, pins) in enumerate(cells)
    )
    ports = [
        {name: [net(n) for n in bits.split()] for name, bits in each.items()}
        for each in (inputs, outputs)
    ]
    return Netlist("t", *ports, instances, tuple(nets))


def flop(d, q, r="0", **more):
    return "DFF", {"CLK": "clk", "D": d, "R": r, "Q": q, **more}


@pytest.mark.parametrize("cycles", [2, 63, 64, 65, 200])
def test_gates_and_registers_compute_every_cycle(small, cycles):
    netlist = build(
        {"clk": "clk", "x": "x0 x1"},
        {"y": "a c", "late": "q qn"},
        ("NAND2", {"A": "x0", "B": "x1", "Y": "a"}),
        ("XOR2", {"A": "a", "B": "q", "Y": "c"}),
        flop("a", "q", QN="qn"),
    )
    x = np.random.default_rng(0).integers(0, 4, cycles)
    waves = simulate(netlist, small, {"x": x})
    a = (x != 3).astype(int)
    q = np.concatenate([[0], a[:-1]])
    y = waves.port("y", signed=False)
    np.testing.assert_array_equal(y, a + 2 * (a ^ q))
    np.testing.assert_array_equal(waves.port("y"), y - 4 * (y > 1))
    np.testing.assert_array_equal(
        waves.port("late", 1, signed=False), np.stack([q, 1 - q], axis=1)
    )
    assert waves.depth == 2


def test_numbers_lie_side_by_side_the_first_in_the_low_bits(small):
    netlist = build({"x": "a b c d"}, {"y": "a b c d"})
    x = np.array([[-2, 1], [0, -1]])
    waves = simulate(netlist, small, {"x": x})
    assert waves.port("x", 2).tolist() == x.tolist()
    assert waves.port("y", signed=False).tolist() == [0b0110, 0b1100]


def glitching():
    """y = x and the inverse of x, three inverters later."""
    return build(
        {"x": "x"},
        {"y": "y"},
        ("INV", {"A": "x", "Y": "a"}),
        ("INV", {"A": "a", "Y": "b"}),
        ("INV", {"A": "b", "Y": "c"}),
        ("NAND2", {"A": "x", "B": "c", "Y": "y"}),
    )


def test_glitches_count_with_unit_delay_alone(small):
    netlist = glitching()
    waves = simulate(netlist, small, {"x": np.array([0, 0, 1, 1, 0, 1, 0])})
    at = {name: net for net, name in enumerate(netlist.net_names)}
    zero, unit = waves.toggles(), waves.toggles("unit")
    # x changes four times; y is always 1, but falls for three units of time
    # after x has risen, twice.
    assert zero[at["x"]] == unit[at["x"]] == 4
    assert zero[at["c"]] == unit[at["c"]] == 4
    assert zero[at["y"]] == 0 and unit[at["y"]] == 4
    # The changes from cycle 4 on.
    assert waves.toggles("unit", 5)[at["y"]] == 2
    assert waves.toggles(start=5)[at["x"]] == 2
    with pytest.raises(ValueError, match="expects `start`"):
        waves.toggles(start=7)
    with pytest.raises(ValueError, match="expects `delay`"):
        waves.toggles("two")


@pytest.mark.parametrize(
    "cells",
    [
        [
            ("INV", {"A": "en", "Y": "off"}),
            ("NAND2", {"A": "x", "B": "en", "Y": "new"}),
            ("NAND2", {"A": "q", "B": "off", "Y": "old"}),
            ("NAND2", {"A": "new", "B": "old", "Y": "d"}),
        ],
        [("MUX2", {"S": "en", "A": "x", "B": "q", "Y": "d"})],
    ],
)
def test_a_tied_enable_opens_the_loop_of_a_register(small, cells):
    # d = x where the enable is 1, else q.
    netlist = build(
        {"clk": "clk", "x": "x", "en": "en"},
        {"y": "q"},
        *cells,
        flop("d", "q"),
    )
    x = np.array([1, 0, 1, 1])
    waves = simulate(netlist, small, {"x": x}, tie={"en": 1})
    assert waves.port("y", signed=False).tolist() == [0, 1, 0, 1]
    with pytest.raises(ValueError, match="expects no feedback"):
        simulate(netlist, small, {"x": x, "en": x})
    # It keeps a state that no reset gave it.
    with pytest.raises(ValueError, match="expects no feedback"):
        simulate(netlist, small, {"x": x}, tie={"en": 0})


@pytest.mark.parametrize("state", [0, 1])
@pytest.mark.parametrize("read", ["q", "not_qn"])
def test_what_a_reset_wrote_and_nobody_changes_is_a_constant(
    small, state, read
):
    # d0 = q and not rst, d1 = q or rst.
    netlist = build(
        {"clk": "clk", "rst": "rst", "x": "x"},
        {"y": "y", "z": "z"},
        ("INV", {"A": "rst", "Y": "run"}),
        ("INV", {"A": "qn", "Y": "not_qn"}),
        ("NAND2", {"A": read, "B": "run", "Y": "kept"}),
        ("INV", {"A": "kept", "Y": "d0"}),
        ("NAND2", {"A": "kept", "B": "run", "Y": "d1"}),
        flop(f"d{state}", "q", QN="qn"),
        ("XOR2", {"A": "x", "B": "q", "Y": "y"}),
        ("XOR2", {"A": "x", "B": "qn", "Y": "z"}),
    )
    waves = simulate(netlist, small, {"x": np.array([0, 1, 0])})
    expected = np.array([0, 1, 0]) ^ state
    assert waves.port("y", signed=False).tolist() == expected.tolist()
    expected = 1 - expected
    assert waves.port("z", signed=False).tolist() == expected.tolist()


def test_a_register_that_changes_by_itself_is_feedback(small):
    # It toggles after the reset.
    netlist = build(
        {"clk": "clk", "rst": "rst", "x": "x"},
        {"y": "q"},
        ("INV", {"A": "rst", "Y": "run"}),
        ("NAND2", {"A": "q", "B": "run", "Y": "d"}),
        flop("d", "q"),
    )
    with pytest.raises(ValueError, match="expects no feedback"):
        simulate(netlist, small, {"x": np.array([0, 1])})


def test_registers_begin_with_what_the_reset_gives(small):
    netlist = build(
        {"clk": "clk", "rst": "rst", "x": "x"},
        {"y": "q"},
        ("INV", {"A": "rst", "Y": "run"}),
        ("NAND2", {"A": "x", "B": "run", "Y": "d"}),
        flop("d", "q"),
    )
    waves = simulate(netlist, small, {"x": np.array([1, 1, 0, 1])})
    assert waves.port("y", signed=False).tolist() == [1, 0, 0, 1]


def test_cells_without_inputs_are_constants(small):
    netlist = build(
        {"x": "x"},
        {"y": "y"},
        ("ONE", {"Y": "one"}),
        ("NAND2", {"A": "x", "B": "one", "Y": "y"}),
    )
    waves = simulate(netlist, small, {"x": np.array([0, 1])})
    assert waves.port("y", signed=False).tolist() == [1, 0]
    assert waves.toggles("unit").sum() == 2


@pytest.mark.parametrize(
    "cell, match",
    [
        (("LATCH", {"G": "x", "D": "x", "Q": "y"}), "a function or a flip"),
        (("NAND2", {"A": "x", "Y": "y"}), "inputs are all connected"),
        (("INV", {"A": "y", "Y": "y"}), "no feedback"),
        (flop("x", "y", "x"), "not forced while they run"),
        (("DFF", {"CLK": "x", "D": "x", "R": "0", "Q": "y"}), "rising edge"),
    ],
)
def test_a_netlist_that_cannot_be_computed_is_refused(small, cell, match):
    netlist = build({"clk": "clk", "x": "x"}, {"y": "y"}, cell)
    with pytest.raises(ValueError, match=match):
        simulate(netlist, small, {"x": np.array([0, 1])})


def test_two_drivers_of_a_net_are_refused(small):
    inverter = ("INV", {"A": "x", "Y": "y"})
    netlist = build({"x": "x"}, {"y": "y"}, inverter, inverter)
    with pytest.raises(ValueError, match="one driver of the net 'y'"):
        simulate(netlist, small, {"x": np.array([0, 1])})


@pytest.mark.parametrize(
    "inputs, options, match",
    [
        ({}, {}, "each input port once"),
        ({"x": [0], "z": [0]}, {}, "each input port once"),
        ({"x": [0]}, {"tie": {"x": 1}}, "each input port once"),
        ({"x": [[0, 0, 0]]}, {}, "n divides the 4 bits"),
        ({"x": [16]}, {}, "expects 4 bits"),
        ({"x": [[2, 4]]}, {}, "expects 2 bits"),
        ({"x": np.zeros(0, int)}, {}, "1 or more"),
    ],
)
def test_wrong_inputs_are_refused(small, inputs, options, match):
    netlist = build({"x": "a b c d"}, {"y": "a b c d"})
    with pytest.raises(ValueError, match=match):
        simulate(netlist, small, inputs, **options)
    with pytest.raises(ValueError, match="a `width` of at most 63"):
        simulate(netlist, small, {"x": [0]}).port("y", 3)


def test_floats_are_refused(small):
    netlist = build({"x": "a"}, {"y": "a"})
    with pytest.raises(TypeError, match="hold integers"):
        simulate(netlist, small, {"x": [0.5]})
