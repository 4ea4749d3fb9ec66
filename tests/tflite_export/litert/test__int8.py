import dataclasses

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, RoundSpec, litert, vectors
from tflite_export.litert._int8_checks import check_sums
from tflite_export.litert._int8_plan import filter_of, make_plan
from tflite_export.real_model import filtered

PADDINGS = ["valid", "same", "causal", "circular"]
TIME = 64


def make_chain(
    num_taps=9, complex=True, tap_bits=8, signal_bits=12, **settings
):
    """A random filter whose output fills its range, and seldom leaves it."""
    rng = np.random.default_rng(num_taps + tap_bits)
    form, signal = FixedPoint(tap_bits, tap_bits - 1), FixedPoint(signal_bits)
    shape = (num_taps, 1, 1, 2) if complex else (num_taps, 2, 2)
    gain = 2.0 ** (tap_bits - 1) / np.sqrt(2 * num_taps)
    taps = np.rint(gain * rng.uniform(-1.5, 1.5, shape)).astype("int64")
    taps = np.clip(taps, form.minimum_integer, form.maximum_integer)
    settings = {"output_format": signal, "padding": "causal", **settings}
    spec = FIRSpec(taps, form, signal, complex=complex, **settings)
    return ChainSpec([spec], 2)


def to_int8(chain, time=TIME, **settings):
    return litert.to_flatbuffer(chain, profile="int8", time=time, **settings)


def read(model):
    (graph,) = schema.ModelT.InitFromPackedBuf(model).subgraphs
    return graph


def rescaled(sums, ratio):
    """A rescaling of LiteRT's reference kernels: two roundings.

    The ratio is an integer of 31 bits and a shift. The product of 62 bits is
    rounded to 31, half up; the shift rounds half away from zero.
    """
    fraction, exponent = np.frexp(ratio)
    multiplier = np.int64(np.rint(fraction * 2.0**31))
    high = (sums * multiplier + 2**30) >> 31
    half = np.int64(1) << np.maximum(0, -exponent - 1)
    half = np.where(exponent < 0, half, 0)
    return np.sign(high) * ((np.abs(high) + half) >> -exponent)


@pytest.mark.parametrize("signal_bits", [6, 8, 15])
@pytest.mark.parametrize("tap_bits", [4, 8, 16])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("complex", [False, True])
def test_the_reference_kernel_computes_the_plan(
    complex, padding, tap_bits, signal_bits
):
    chain = make_chain(9, complex, tap_bits, signal_bits, padding=padding)
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (1, TIME, 2))
    calibration = vectors.draw(chain, "random", 500)
    y = litert.run(
        to_int8(chain, calibration=calibration), x, resolver="reference"
    )
    plan = make_plan(chain, calibration)
    before, after = plan.signals
    taps = filter_of(chain.stages[0])
    sums = filtered(taps.weights, x, padding).astype("int64")
    ratios = before.step * np.float64(taps.steps) / after.step
    expected = np.clip(rescaled(sums, ratios), -128, 127)
    for end, act in zip(plan.ends[0], (np.maximum, np.minimum), strict=True):
        expected = expected if end is None else act(expected, end)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("kind", ["random", "full_scale"])
@pytest.mark.parametrize("num_taps", [3, 31])
@pytest.mark.parametrize("complex", [False, True])
def test_all_that_is_lost_is_what_two_roundings_to_8_bits_lose(
    complex, num_taps, kind
):
    chain = make_chain(num_taps, complex, signal_bits=15)
    x = vectors.draw(chain, kind, 4000)
    model = to_int8(chain, 4000, calibration=kind)
    # A full-scale sine has 6.02 * 8 + 1.76 dB, a uniform signal 1.76 dB less;
    # a Gaussian one with the best step 40.6 dB. Twice that noise: 3 dB less.
    one = {"random": 40.6, "full_scale": 48.2}[kind]
    # The sum of many uniform samples is a Gaussian one.
    last = 10 * np.log10(10 ** (-one / 10) + 10 ** (-40.6 / 10))
    for resolver in litert.RESOLVERS:
        found = litert.snr(chain, model, x, resolver=resolver)
        assert -last - 1 < found < one + 1, resolver


def test_a_zeroed_tap_is_seen_in_the_ratio():
    chain = make_chain(9, signal_bits=15)
    x = vectors.draw(chain, "random", TIME)
    model = to_int8(chain)
    graph = read(model)
    (taps,) = [each for each in graph.tensors if each.name == b"taps"]
    largest = np.abs(chain.stages[0].taps).argmax()
    weights = filter_of(chain.stages[0]).weights
    assert np.abs(weights).max() == np.abs(chain.stages[0].taps).max()
    data = weights[::-1].transpose(2, 0, 1).astype("int8").tobytes()
    assert model.count(data) == 1 and taps.shape.tolist() == [2, 9, 1, 2]
    value = np.int8(chain.stages[0].taps.flat[largest]).tobytes()
    changed = data.replace(value, b"\0")
    assert changed != data
    spoiled = litert.snr(chain, model.replace(data, changed), x)
    assert litert.snr(chain, model, x) > 36 and spoiled < 15


def test_the_model_holds_int8_signals_and_int32_sums_alone(dbp_chain):
    kinds = schema.TensorType
    for chain in (make_chain(), make_chain(tap_bits=16), dbp_chain(2)):
        graph = read(to_int8(chain))
        found = {each.type for each in graph.tensors if each.quantization}
        assert found == {kinds.INT8, kinds.INT32}
        # Those without a step are shapes and indices.
        assert {each.type for each in graph.tensors} == found
        for each in graph.tensors:
            if each.name.startswith(b"bias"):
                assert each.type == kinds.INT32
        for index in (*graph.inputs, *graph.outputs):
            assert graph.tensors[index].type == kinds.INT8


def test_taps_of_more_than_8_bits_are_rounded_for_each_output():
    chain = make_chain(tap_bits=16)
    (stage,) = chain.stages
    rounded = filter_of(stage)
    assert len(rounded.steps) == 2
    error = rounded.weights * np.array(rounded.steps)
    error = error - stage.kernel * stage.tap_format.step
    assert np.abs(error).max() <= 0.5 * max(rounded.steps)
    x = vectors.draw(chain, "random", TIME)
    assert litert.snr(chain, to_int8(chain), x) > 34


@pytest.mark.parametrize("resolver", litert.RESOLVERS)
def test_formats_that_fit_keep_their_steps_and_their_ends(resolver):
    chain = make_chain(9, tap_bits=4, signal_bits=6)
    x = vectors.draw(chain, "full_scale", 2000)
    step = chain.output_format.step
    y = litert.run_samples(
        to_int8(chain, 2000), x * chain.input_format.step, resolver=resolver
    )
    # Ties alone differ: a sum has 3 bits below a step.
    error = np.abs(y / step - chain.run(x))
    assert error.max() <= 1 and np.mean(error > 0) < 1 / 8
    assert (y.min(), y.max()) == (-32 * step, 31 * step)
    names = {each.name for each in read(to_int8(chain)).tensors}
    assert names > {b"maximum", b"minimum_with"}


def test_a_filter_that_saturates_often_ends_where_the_chain_does():
    (stage,) = make_chain(9, tap_bits=7, signal_bits=15).stages
    form = stage.signal_format
    loud = FIRSpec(2 * stage.taps, FixedPoint(8, 6), form, form, "causal")
    chain = ChainSpec([loud], 2)
    x = vectors.draw(chain, "full_scale", 2000)
    assert np.mean(np.abs(chain.run(x)) > 16382) > 0.2
    model = to_int8(chain, 2000, calibration="full_scale")
    assert litert.snr(chain, model, x) > 42


def test_what_truncation_takes_away_is_taken_away_on_average():
    form = FixedPoint(8, 6, rounding="truncate")
    chain = make_chain(9, tap_bits=8, signal_bits=8, output_format=form)
    x = vectors.draw(chain, "random", 2000)
    y = litert.run_samples(to_int8(chain, 2000), x * chain.input_format.step)
    assert abs(np.mean(y / form.step - chain.run(x))) < 0.1


def test_a_format_without_a_sign_uses_all_numbers():
    form = FixedPoint(10, 8, signed=False)
    chain = make_chain(5, False, output_format=form)
    x = vectors.draw(chain, "random", 2000)
    model = to_int8(chain, 2000)
    (last,) = read(model).outputs
    assert list(read(model).tensors[last].quantization.zeroPoint) == [-128]
    assert litert.run(model, np.zeros((1, 2000, 2), int)).min() == -128
    assert litert.snr(chain, model, x) > 35
    narrow = FixedPoint(6, 8, signed=False)
    few = make_chain(5, False, output_format=narrow)
    y = litert.run_samples(to_int8(few, 2000), x * few.input_format.step)
    assert (y.min(), y.max()) == (0, 63 / 256)
    assert few.run(x).max() == 63
    # And a filter takes it in.
    after = FIRSpec(
        np.int64([[[3]], [[-5]]]),
        FixedPoint(4, 3),
        form,
        FixedPoint(12),
        "same",
        complex=False,
    )
    chain = ChainSpec([*chain.stages, after], 2)
    assert litert.snr(chain, to_int8(chain, 2000), x) > 30


def test_a_change_of_format_alone_rounds_nothing_again():
    wide, form = FixedPoint(16, 16), FixedPoint(12)
    chain = make_chain()
    longer = ChainSpec(
        [RoundSpec(wide, form), *chain.stages, RoundSpec(form, wide)], 2
    )
    few, same = read(to_int8(chain)), read(to_int8(longer))
    assert len(few.operators) == len(same.operators)
    x = vectors.draw(longer, "random", TIME)
    assert litert.snr(longer, to_int8(longer), x) > 36
    # One that saturates, ahead of the first filter.
    loud = ChainSpec([RoundSpec(FixedPoint(16, 14), form), *chain.stages], 2)
    y = loud.stages[0].run(vectors.draw(loud, "random", TIME))
    assert 0.1 < np.mean(np.abs(y) > 2046) < 0.5
    x = vectors.draw(loud, "random", TIME)
    assert litert.snr(loud, to_int8(loud), x) > 36
    alone = ChainSpec([RoundSpec(wide, form)], 2)
    assert litert.snr(alone, to_int8(alone), x) > 40


@pytest.mark.parametrize("strides", [1, 3])
def test_one_filter_takes_several_signals(strides):
    (stage,) = make_chain(5).stages
    spec = FIRSpec(
        stage.taps,
        stage.tap_format,
        FixedPoint(12),
        FixedPoint(12),
        "same",
        strides,
    )
    chain = ChainSpec([spec, spec], 6)
    x = vectors.draw(chain, "random", TIME, batch=2)
    model = to_int8(chain, batch=2)
    assert litert.snr(chain, model, x) > 33


@pytest.mark.parametrize("power_taps", [1, 3])
@pytest.mark.parametrize("polarizations", [1, 2])
def test_three_steps_of_backpropagation_keep_their_ratio(
    polarizations, power_taps, dbp_chain
):
    chain = dbp_chain(polarizations, "taylor2", (8, 12), power_taps)
    x = vectors.draw(chain, "random", 500)
    model = to_int8(chain, 500)
    for resolver in litert.RESOLVERS:
        # Two roundings a step, and one of the input: 8.5 dB below 40.6.
        assert litert.snr(chain, model, x, resolver=resolver) > 31


def with_wrapping_phase(chain):
    kerr = chain.stages[1]
    form = dataclasses.replace(kerr.phase_format, overflow="wrap")
    kerr = dataclasses.replace(kerr, phase_format=form)
    return ChainSpec([chain.stages[0], kerr], chain.channels)


@pytest.mark.parametrize(
    ("chain", "match"),
    [
        (lambda dbp: dbp(1, "lut"), "taylor2.*Received: method='lut', in sta"),
        (lambda dbp: dbp(1, "taylor3"), "The int8 profile.*'taylor3', in sta"),
        (
            lambda dbp: make_chain(
                output_format=FixedPoint(8, overflow="wrap")
            ),
            "The int8 profile.*saturates.*profile='exact'. Received: overf",
        ),
        (
            lambda dbp: with_wrapping_phase(dbp()),
            "`phase_format` that saturates.*Received: overf.*in stage 1",
        ),
    ],
)
def test_what_the_profile_cannot_is_refused(chain, match, dbp_chain):
    chain = chain(dbp_chain)
    with pytest.raises(ValueError, match=match):
        to_int8(chain)
    with pytest.raises(ValueError, match=match):
        litert.model_of_int8(chain)


def test_numbers_beyond_32_bits_are_refused():
    with pytest.raises(ValueError, match="int8 profile.*32 bits.*fewer taps"):
        check_sums(np.full((70_000, 1, 1), 127), np.zeros(1, "int64"))
    check_sums(np.full((60_000, 1, 1), 127), np.zeros(1, "int64"))
    with pytest.raises(ValueError, match=r"int8 profile.*2\^31 entries"):
        to_int8(make_chain(), 2**31)


def test_a_rotation_by_nothing_turns_nothing(dbp_chain):
    stage = dbp_chain().stages[1]
    idle = dataclasses.replace(stage, coefficients=0 * stage.coefficients)
    chain = ChainSpec([idle], 2)
    x = vectors.draw(chain, "random", TIME)
    assert litert.snr(chain, to_int8(chain), x) > 36
