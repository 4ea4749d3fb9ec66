import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import FIRSpec, litert
from tflite_export.reference import fir

PADDINGS = ["valid", "same", "causal", "circular"]
SWEEP = [
    (num_taps, complex, tap_bits, signal_bits)
    for num_taps in (3, 9, 31)
    for complex in (False, True)
    for tap_bits in (4, 8)
    for signal_bits in (8, 12, 16)
]
TIME = 48


def make_spec(
    num_taps=5, complex=False, tap_bits=8, signal_bits=12, **settings
):
    """A filter with random taps, its smallest one included."""
    rng = np.random.default_rng(num_taps + tap_bits)
    form = FixedPoint(tap_bits, tap_bits - 2, overflow="saturate_symmetric")
    taps = rng.integers(
        form.minimum_integer,
        form.maximum_integer + 1,
        (num_taps, 1, 2, 2) if complex else (num_taps, 2, 2),
    )
    taps.flat[0] = form.minimum_integer
    signal_format = FixedPoint(signal_bits, signal_bits - 2)
    settings = {"output_format": signal_format, **settings}
    return FIRSpec(
        taps, form, signal_format=signal_format, complex=complex, **settings
    )


def stimuli(spec, batch=4, time=TIME):
    """Random, full-scale, alternating and impulse integers."""
    rng = np.random.default_rng(0)
    form = spec.signal_format
    low, high = form.minimum_integer, form.maximum_integer
    x = np.zeros((4, time, spec.kernel.shape[1]), "int64")
    x[0] = rng.integers(low // 4, high // 4, x.shape[1:])
    x[1] = rng.choice([low, high], x.shape[1:])
    x[2] = np.where(np.arange(time) % 2, low, high)[:, None]
    x[3, time // 2] = high
    return x[:batch]


def assert_exact(spec, x=None):
    x = stimuli(spec) if x is None else x
    model = litert.to_flatbuffer(
        spec, profile="fast", batch=len(x), time=x.shape[1]
    )
    expected = spec.run(x)
    for resolver in litert.RESOLVERS:
        y = litert.run(model, x, resolver=resolver)
        np.testing.assert_array_equal(y, expected, err_msg=resolver)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(
    ("num_taps", "complex", "tap_bits", "signal_bits"), SWEEP
)
def test_litert_equals_the_reference(
    num_taps, complex, tap_bits, signal_bits, padding, strides
):
    spec = make_spec(
        num_taps,
        complex,
        tap_bits,
        signal_bits,
        padding=padding,
        strides=strides,
    )
    assert_exact(spec)


@pytest.mark.parametrize(
    ("num_taps", "complex", "tap_bits", "signal_bits"), SWEEP
)
def test_the_sweep_saturates_and_does_not(
    num_taps, complex, tap_bits, signal_bits
):
    spec = make_spec(num_taps, complex, tap_bits, signal_bits)
    wide = fir(
        stimuli(spec),
        spec.taps,
        output=FixedPoint(32, 0),
        shift=spec.shift,
        padding=spec.padding,
        strides=spec.strides,
        complex=complex,
    )
    form = spec.output_format
    assert wide.min() < form.minimum_integer
    assert wide.max() > form.maximum_integer
    inside = np.abs(wide) < form.maximum_integer
    assert np.mean(inside) > 0.2


@pytest.mark.parametrize("tap", [127, -127, 1])
@pytest.mark.parametrize("shift", [-6, -1, 0, 1, 7, 13, 22, 23, 24, 32])
def test_every_int16_sample_rounds_half_up_at_any_shift(shift, tap):
    spec = FIRSpec(
        np.full((1, 1, 1), tap),
        FixedPoint(8, 6),
        FixedPoint(16, 10),
        FixedPoint(16, 16 - shift),
        complex=False,
    )
    x = np.arange(-(2**15), 2**15).reshape(1, -1, 1)
    assert_exact(spec, x)


@pytest.mark.parametrize("word_length", [2, 3, 8, 15, 16])
@pytest.mark.parametrize("overflow", ["saturate", "saturate_symmetric"])
@pytest.mark.parametrize("signed", [True, False])
def test_any_range_within_int16_is_clamped_exactly(
    word_length, overflow, signed
):
    word_length -= word_length == 16 and not signed
    form = FixedPoint(word_length, 14, signed=signed, overflow=overflow)
    spec = FIRSpec(
        np.full((1, 1, 1), 127),
        FixedPoint(8, 6),
        FixedPoint(16, 14),
        form,
        complex=False,
    )
    x = np.arange(-(2**15), 2**15).reshape(1, -1, 1)
    assert_exact(spec, x)
    assert set(np.unique(spec.run(x))) >= {
        form.minimum_integer,
        form.maximum_integer,
    }


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("num_taps", [1, 2, 4])
@pytest.mark.parametrize("time", [4, 5])
def test_short_signals_and_even_filters_are_padded_alike(
    padding, num_taps, time
):
    spec = make_spec(num_taps, True, padding=padding)
    assert_exact(spec, stimuli(spec, time=time))


def test_a_period_may_be_as_short_as_half_the_filter():
    spec = make_spec(9, padding="circular")
    assert_exact(spec, stimuli(spec, time=4))


@pytest.mark.parametrize("at", [0, 7, -1])
def test_the_comparison_sees_one_flipped_bit(at):
    spec = make_spec(9, True, padding="causal")
    x = stimuli(spec)
    model = litert.to_flatbuffer(spec, profile="fast", batch=4, time=TIME)
    weights = spec.kernel[::-1].transpose(2, 0, 1).astype("int8").tobytes()
    assert model.count(weights) == 1
    changed = bytearray(model)
    changed[model.index(weights) + at % len(weights)] ^= 1
    np.testing.assert_array_equal(litert.run(model, x), spec.run(x))
    assert np.any(litert.run(bytes(changed), x) != spec.run(x))


def test_the_model_holds_integers_and_powers_of_two_alone():
    from ai_edge_litert import schema_py_generated as schema

    spec = make_spec(9, padding="causal")
    model = litert.to_flatbuffer(spec, profile="fast", time=TIME)
    model = schema.ModelT.InitFromPackedBuf(model)
    (graph,) = model.subgraphs
    kinds = schema.TensorType
    assert {tensor.type for tensor in graph.tensors} == {
        kinds.INT8,
        kinds.INT16,
        kinds.INT32,
        kinds.INT64,
    }
    for tensor in graph.tensors:
        if tensor.type == kinds.INT32:
            continue
        assert list(tensor.quantization.zeroPoint) == [0]
        assert np.frexp(tensor.quantization.scale)[0].tolist() == [0.5]
