import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from keras_bp.ops.fixed_point import OVERFLOWS, ROUNDINGS
from tflite_export import ChainSpec, KerrSpec, litert
from tflite_export.kerr_spec import METHODS


def make_chain(method, coefficients, formats, channels=2):
    phase, rotation = formats[3:5]
    tables = {}
    if method == "lut":
        bits = min(phase.word_length, 8)
        dropped = phase.word_length - bits
        entries = (phase.maximum_integer >> dropped) + 1
        entries -= phase.minimum_integer >> dropped
        ends = rotation.minimum_integer, rotation.maximum_integer + 1
        rng = np.random.default_rng(0)
        tables = {
            "lut_bits": bits,
            "cosines": rng.integers(*ends, entries),
            "sines": rng.integers(*ends, entries),
        }
    spec = KerrSpec(np.array(coefficients), *formats, method, **tables)
    return ChainSpec([spec], channels)


@pytest.mark.parametrize("power_taps", [1, 3])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("polarizations", [1, 2])
def test_three_steps_of_backpropagation_equal_the_reference(
    polarizations, method, power_taps, dbp_chain, assert_equal_on_all
):
    for bits in ((6, 10), (12, 16)):
        chain = dbp_chain(polarizations, method, bits, power_taps)
        assert_equal_on_all(chain)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("method", METHODS)
def test_every_mode_of_every_format(
    method, rounding, overflow, assert_equal_on_all
):
    modes = {"rounding": rounding, "overflow": overflow}
    # Signal, power, coefficient, phase, rotation, output.
    for steps in (
        ((9, 7), (9, 6), (8, 8), (10, 9), (9, 7), (9, 6)),
        ((16, 14), (16, 13), (16, 15), (16, 14), (16, 14), (16, 13)),
    ):
        formats = [FixedPoint(*step, **modes) for step in steps]
        top = formats[2].maximum_integer
        taps = [-top // 3, top, -top // 3]
        assert_equal_on_all(make_chain(method, taps, formats, channels=4))


@pytest.mark.parametrize("method", METHODS)
def test_formats_without_a_sign_and_of_uncommon_steps(
    method, assert_equal_on_all
):
    unsigned = FixedPoint(16, 16, signed=False)
    finest = FixedPoint(16, 20, signed=False)
    coarse = FixedPoint(8, -1)
    for phase, rotation in (
        (unsigned, FixedPoint(16, 14)),
        (finest, FixedPoint(12, 10, rounding="toward_zero")),
        (finest, FixedPoint(12, 10, rounding="nearest_even")),
        (FixedPoint(8, 0, signed=False), coarse),
        (unsigned, FixedPoint(4, 12)),
    ):
        formats = (unsigned, unsigned, unsigned, phase, rotation, coarse)
        assert_equal_on_all(make_chain(method, [2**15 + 1], formats))


def test_a_table_is_held_once_for_all_steps(dbp_chain):
    chain = dbp_chain(1, "lut")
    table = chain.stages[1].cosines.astype("<i4").tobytes()
    assert litert.to_flatbuffer(chain, time=9).count(table) == 1


def test_a_product_too_long_is_refused_by_its_stage():
    form = FixedPoint(26, 20)
    chain = make_chain("taylor2", [1], [form] * 6)
    with pytest.raises(ValueError, match=r"two limbs.*stage 0 \(KerrSpec\)"):
        litert.to_flatbuffer(chain, time=9)
