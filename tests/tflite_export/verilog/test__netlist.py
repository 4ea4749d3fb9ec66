import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bp.ops import FixedPoint
from tflite_export import reference
from tflite_export.adder_graph import bit_width
from tflite_export.verilog._netlist import Netlist, _rounded, _within
from tflite_export.verilog._schedule import needed

integers = st.integers(-(2**9), 2**9)
forms = st.builds(
    FixedPoint,
    st.integers(2, 12),
    st.integers(-4, 8),
    rounding=st.sampled_from(
        ["nearest", "nearest_even", "truncate", "toward_zero"]
    ),
    overflow=st.sampled_from(["saturate", "saturate_symmetric", "wrap"]),
)


@settings(max_examples=100, deadline=None)
@given(integers, st.integers(-4, 20), forms)
def test_constants_are_rounded_as_the_reference_does(value, fraction, form):
    bits = fraction - form.fraction_bits
    found = _within(_rounded(value, bits, form.rounding), form)
    assert found == reference.round_to(np.array(value), fraction, form)


@settings(max_examples=100, deadline=None)
@given(integers, integers, st.integers(-4, 20), forms)
def test_the_range_of_a_rounded_number_holds_all_of_its_values(
    one, other, fraction, form
):
    net, low, high = Netlist(), min(one, other), max(one, other)
    signal = net.round_to(net.input(0, low, high), fraction, form)
    every = np.arange(low, high + 1)
    values = reference.round_to(every, fraction, form)
    assert signal.low <= values.min() and values.max() <= signal.high
    if form.overflow != "wrap":
        # It is no wider than either of the two that could hold them.
        width = bit_width(int(values.min()), int(values.max()))
        assert signal.width == width


def test_what_cannot_change_is_computed_here():
    net = Netlist()
    x = net.input(0, -8, 7)
    three = net.constant(3)
    assert net.multiply(three, net.constant(-5)).low == -15
    assert net.add(x, net.constant(0)) is x
    assert net.linear([[0, 0]], [x, x])[0].op == "constant"
    assert net.round_to(x, 9, FixedPoint(4, 0)).op == "constant"
    assert net.delay(three, 5) is three
    net.outputs = [net.multiply(three, three)]
    assert needed(net) == []


def test_a_constant_factor_becomes_adders():
    net = Netlist()
    x = net.input(0, -8, 7)
    product = net.multiply(x, net.constant(6))
    assert (product.low, product.high) == (-48, 42)
    assert "multiply" not in [signal.op for signal in net.signals]


@pytest.mark.parametrize(
    ("ends", "expected"), [((-8, 7), (0, 64)), ((3, 7), (9, 49))]
)
def test_a_square_is_not_negative(ends, expected):
    net = Netlist()
    x = net.input(0, *ends)
    square = net.multiply(x, x)
    assert (square.low, square.high) == expected


def test_delays_add_up():
    net = Netlist()
    x = net.input(0, 3, 7)
    late = net.delay(net.delay(x, 2), 3)
    assert (late.args, late.data, late.low) == ((x,), (5,), 0)
