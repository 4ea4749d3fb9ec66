import itertools

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_bp.ops import FixedPoint
from keras_bp.ops.fixed_point import OVERFLOWS, ROUNDINGS
from tflite_export import ChainSpec, FIRSpec, RoundSpec, litert

PADDINGS = ["valid", "same", "causal", "circular"]
MODES = list(itertools.product(ROUNDINGS, OVERFLOWS))


def draw_taps(shape, form, symmetric=False):
    """Random taps, the ends of their range among them."""
    rng = np.random.default_rng(shape[0] + form.word_length)
    low, high = form.minimum_integer, form.maximum_integer
    taps = rng.integers(low, high + 1, shape)
    taps[0] = low
    taps[-1].flat[0] = high
    if symmetric:
        half = shape[0] // 2
        taps[-half:] = taps[:half][::-1]
    return taps


def make_filter(taps, form, signal, output, **settings):
    spec = FIRSpec(taps, form, signal, output, **settings)
    return ChainSpec([spec], spec.kernel.shape[1])


@pytest.mark.parametrize("tap_bits", [4, 8, 11, 16])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("num_taps", [3, 8, 31])
def test_a_filter_equals_the_reference_in_every_mode(
    num_taps, complex, symmetric, tap_bits, assert_equal_on_all
):
    form = FixedPoint(tap_bits, tap_bits - 2)
    shape = (num_taps, 1, 1, 2) if complex else (num_taps, 1, 1)
    taps = draw_taps(shape, form, symmetric)
    for index, (rounding, overflow) in enumerate(MODES):
        # Each overflow meets each width, and each rounding too.
        width = (index + index // 3) % 3
        signal = FixedPoint((8, 12, 16)[width], 7)
        output = FixedPoint(
            (10, 16, 13)[width],
            (5, 7, 3)[width],
            rounding=rounding,
            overflow=overflow,
        )
        chain = make_filter(
            taps,
            form,
            signal,
            output,
            padding=PADDINGS[index % 4],
            complex=complex,
        )
        assert_equal_on_all(chain)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("num_taps", [1, 2, 5])
def test_every_padding_and_stride_of_several_inputs_and_outputs(
    num_taps, strides, padding, assert_equal_on_all
):
    form = FixedPoint(7, 5)
    for complex, shape in ((True, (2, 3, 2)), (False, (3, 2))):
        taps = draw_taps((num_taps, *shape), form)
        chain = make_filter(
            taps,
            form,
            FixedPoint(9, 7),
            FixedPoint(9, 5),
            padding=padding,
            strides=strides,
            complex=complex,
        )
        assert_equal_on_all(chain)


def test_a_period_may_be_as_short_as_half_the_filter(
    assert_equal_on_all, stimuli
):
    form = FixedPoint(7, 5)
    chain = make_filter(
        draw_taps((9, 1, 1, 2), form),
        form,
        form,
        form,
        padding="circular",
    )
    assert_equal_on_all(chain, stimuli(chain, 4))


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("overflow", OVERFLOWS)
def test_the_largest_sums_of_16_bits_are_exact(
    signed, overflow, assert_equal_on_all
):
    form = FixedPoint(16, 14, signed=signed)
    end = form.maximum_integer if not signed else form.minimum_integer
    taps = np.full((31, 2, 1, 2), end)
    for bits in (-20, -8, 0, 7, 8, 9, 16, 28):
        output = FixedPoint(16, 28 - bits, overflow=overflow)
        assert_equal_on_all(make_filter(taps, form, form, output))


def test_one_filter_takes_several_signals_and_channels_are_arranged_anew(
    assert_equal_on_all,
):
    form, signal = FixedPoint(6, 4), FixedPoint(9, 7)
    stages = [
        FIRSpec(draw_taps(shape, form), form, signal, signal, complex=complex)
        for shape, complex in (
            ((3, 1, 1, 2), True),
            ((2, 4, 2), False),
            ((2, 1, 3), False),
            ((2, 3, 1), False),
            ((2, 1, 1, 2), True),
        )
    ]
    assert_equal_on_all(ChainSpec(stages, 8))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("overflow", OVERFLOWS)
def test_every_sample_is_rounded_to_another_format(
    rounding, overflow, assert_equal_on_all
):
    x = np.arange(-(2**15), 2**15).reshape(1, -1, 1)
    signal = FixedPoint(16, 8)
    for word_length, fraction_bits, signed in (
        (6, 3, True),
        (16, -12, True),
        (16, 26, True),
        (9, 7, False),
        (16, 8, False),
    ):
        output = FixedPoint(
            word_length,
            fraction_bits,
            signed=signed,
            rounding=rounding,
            overflow=overflow,
        )
        assert_equal_on_all(ChainSpec([RoundSpec(signal, output)], 1), x)


def test_the_model_holds_int32_and_builtin_operators_alone(dbp_chain):
    for method in ("taylor3", "lut"):
        chain = dbp_chain(2, method, (16, 16), 3)
        model = litert.to_flatbuffer(chain, time=64, streaming=True)
        model = schema.ModelT.InitFromPackedBuf(model)
        (graph,) = model.subgraphs
        types = {tensor.type for tensor in graph.tensors}
        assert types == {schema.TensorType.INT32}
        assert all(code.customCode is None for code in model.operatorCodes)
        assert {code.version for code in model.operatorCodes} == {1}
        assert all(tensor.quantization is None for tensor in graph.tensors)


def test_a_chain_of_25_steps_has_few_operators(dbp_chain):
    first, rotation, filter = dbp_chain().stages[:3]
    chain = ChainSpec([first, rotation, *[filter, rotation] * 24], 2)
    model = litert.to_flatbuffer(chain, time=64)
    (graph,) = schema.ModelT.InitFromPackedBuf(model).subgraphs
    assert len(graph.operators) < 1200
    assert len(model) < 200_000


@pytest.mark.parametrize("at", [0, 3, -1])
def test_the_comparison_sees_one_flipped_bit_of_a_tap(at, stimuli):
    form = FixedPoint(8, 6)
    taps = draw_taps((9, 2, 2), form)
    chain = make_filter(taps, form, form, form, complex=False)
    x = stimuli(chain)
    model = litert.to_flatbuffer(chain, batch=len(x), time=x.shape[1])
    weights = taps[::-1].reshape(18, 2).T.astype("<i4").tobytes()
    assert model.count(weights) == 1
    changed = bytearray(model)
    changed[model.index(weights) + 4 * at % len(weights)] ^= 1
    np.testing.assert_array_equal(litert.run(model, x), chain.run(x))
    assert np.any(litert.run(bytes(changed), x) != chain.run(x))


def test_what_is_too_long_for_two_limbs_is_refused_by_its_stage():
    short, long = FixedPoint(16, 8), FixedPoint(26, 8)
    spec = FIRSpec(
        np.full((5, 1, 1), 2**25 - 1), long, long, short, complex=False
    )
    chain = ChainSpec([RoundSpec(long, long), spec], 1)
    match = r"two limbs.*fewer taps. Received: stage 1 \(FIRSpec\): from -"
    with pytest.raises(ValueError, match=match):
        litert.to_flatbuffer(chain, time=9)
    wide = FixedPoint(32, 8, signed=False)
    with pytest.raises(ValueError, match="Received: the input: from 0 to 42"):
        litert.to_flatbuffer(ChainSpec([RoundSpec(wide, short)], 1), time=9)


def test_tensors_that_int32_cannot_index_are_refused():
    form = FixedPoint(8, 6)
    chain = make_filter(
        np.ones((31, 2, 2), int), form, form, form, complex=False
    )
    with pytest.raises(ValueError, match=r"2\^31 entries.*shape \(2, 32, 1, "):
        litert.to_flatbuffer(chain, batch=2**11, time=2**15)
