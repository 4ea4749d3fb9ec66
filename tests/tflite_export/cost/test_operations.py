"""Counts of operations."""

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import FIRSpec, RoundSpec
from tflite_export.cost import operations

FORM = FixedPoint(6, 4)


def fir(taps, **options):
    options = {"complex": False, "padding": "causal", **options}
    return FIRSpec(np.array(taps), FixedPoint(5, 2), FORM, FORM, **options)


def test_a_real_filter(make_chain):
    taps = np.reshape([3, -6, 0, 8, 5], (5, 1, 1))
    (found,) = operations(make_chain(fir(taps), channels=1)).stages
    assert found.kind == "fir" and found.rate == 1.0
    assert found.multiplications == found.pre_added == 5
    # 3 and 5; 6 is twice 3, and 8 a shift.
    assert found.shared == 2 and found.additions == 4
    assert (found.tap_bits, found.state_bits) == (25, 24)
    # 3x, 5x', and the sum of 3x - 6y + 8z + 5u: 3(x - 2y) + ...
    assert found.adders >= 4 and found.adder_bits > 4 * 6
    assert 2 <= found.adder_depth <= found.adders


def test_equal_taps_are_stored_once_and_their_samples_added(make_chain):
    half = np.array([[1, 2], [3, -5], [7, 0]]).reshape(3, 1, 1, 2)
    taps = np.concatenate([half, half[-2::-1]])
    chain = make_chain(fir(taps, complex=True), channels=4)
    (found,) = operations(chain).stages
    # Two complex signals; four real multiplications a tap.
    assert found.multiplications == 2 * 20 and found.pre_added == 2 * 12
    # Of I and of Q: 3, 5, 7.
    assert found.shared == 2 * 6
    # Two pairs of I and Q; six products to a sum, two sums.
    assert found.additions == 2 * (4 + 10)
    assert found.tap_bits == 6 * 5 and found.state_bits == 4 * 4 * 6


def test_shifts_and_zeros_need_no_adders(make_chain):
    taps = np.reshape([0, 4, 0], (3, 1, 1))
    (found,) = operations(make_chain(fir(taps), channels=1)).stages
    # The samples of the two zeros may be added, for nothing.
    assert found.shared == 0 and found.adder_bits <= 7


def test_strides_count_once_an_output(make_chain):
    taps = np.reshape([3, 5, 1], (3, 1, 1))
    chain = make_chain(
        fir(taps, strides=2), RoundSpec(FORM, FORM), fir(taps), channels=1
    )
    found = operations(chain)
    assert [each.rate for each in found.stages] == [0.5] * 3
    assert found.total["multiplications"] == 3.0
    assert found.total["tap_bits"] == 30
    first = found.stages[0]
    assert found.total["adders"] == 2 * first.adders
    assert found.total["adder_depth"] == first.adder_depth


@pytest.mark.parametrize(
    "method, products, sums, tables",
    [("taylor2", 6 + 1, 3 + 1, 0), ("taylor3", 6 + 3, 3 + 2, 0),
     ("lut", 6, 3, 2 * 16 * 6)],
)  # fmt: skip
def test_a_rotation(make_chain, make_kerr, method, products, sums, tables):
    (found,) = operations(make_chain(make_kerr(method))).stages
    # I and Q squared, four products to turn, the polynomial, one weight.
    assert found.multiplications == found.shared == products + 1
    assert found.additions == sums and found.table_bits == tables
    assert found.state_bits == 0 and found.tap_bits == 5


def test_a_filter_on_the_power(make_chain, make_kerr):
    (found,) = operations(make_chain(make_kerr(taps=5), channels=4)).stages
    # Two signals wait two samples, the power four.
    assert found.state_bits == 2 * 4 * 6 + 4 * 6
    assert found.tap_bits == 3 * 5
    assert found.multiplications - found.pre_added == 2
