import json

import keras
import numpy as np
import pytest

from keras_bp.layers import QuantizedFIR
from keras_bp.ops import FixedPoint
from tflite_export import FIRSpec
from tflite_export.reference import quantize

PADDINGS = ["valid", "same", "causal", "circular"]


def make_layer(num_taps=9, channels=2, filters=1, **settings):
    settings = {
        "tap_format": FixedPoint(6, 4),
        "signal_format": FixedPoint(10, 8),
        "tap_initializer": keras.initializers.RandomUniform(-1, 1, seed=1),
        **settings,
    }
    layer = QuantizedFIR(filters, num_taps, **settings)
    layer.build((None, 40, channels))
    return layer


def make_spec(**changes):
    settings = {
        "taps": np.array([[[3]], [[-8]]]),
        "tap_format": FixedPoint(4, 2),
        "signal_format": FixedPoint(8, 5),
        "output_format": FixedPoint(10, 6),
        "complex": False,
    }
    return FIRSpec(**{**settings, **changes})


def stimuli(form, channels, time=40):
    """Random, full-scale, alternating and impulse floats, one batch entry each.

    The random ones lie between the steps, and beyond the range.
    """
    rng = np.random.default_rng(0)
    high, low = form.maximum, form.minimum
    x = np.zeros((5, time, channels), "float32")
    x[0] = rng.uniform(1.3 * low, 1.3 * high + 0.3, (time, channels))
    x[1] = high
    x[2] = np.where(np.arange(time) % 2, low, high)[:, None]
    x[3] = rng.choice([low, high], (time, channels))
    x[4, time // 2] = high
    return x


def assert_layer_is_its_spec(layer, channels):
    spec = FIRSpec.from_layer(layer)
    exponents = spec.step_exponents
    x = stimuli(layer.signal_format, channels)
    x *= 2.0 ** (exponents["signal_format"] + layer.signal_format.fraction_bits)
    integers = quantize(x, spec.signal_format, exponents["signal_format"])
    y = keras.ops.convert_to_numpy(layer(x, training=False))
    # A division by a power of two, and so exact.
    y = y.astype("float64") / 2.0 ** exponents["output_format"]
    np.testing.assert_array_equal(y, spec.run(integers))
    return spec, integers


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("tap_bits", [4, 5, 6, 7, 8])
@pytest.mark.parametrize("signal_bits", [8, 10, 13, 16])
def test_the_layer_computes_the_integers(
    tap_bits, signal_bits, symmetric, padding
):
    layer = make_layer(
        tap_format=FixedPoint(tap_bits, tap_bits - 2),
        signal_format=FixedPoint(signal_bits, signal_bits - 2),
        symmetric=symmetric,
        padding=padding,
    )
    spec, integers = assert_layer_is_its_spec(layer, 2)
    ends = (
        spec.output_format.minimum_integer,
        spec.output_format.maximum_integer,
    )
    assert set(ends) <= set(spec.run(integers).ravel().tolist())


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("num_taps", [1, 4, 31])
@pytest.mark.parametrize("padding", PADDINGS)
def test_the_layer_computes_the_integers_of_many_channels(
    complex, strides, num_taps, padding
):
    layer = make_layer(
        num_taps,
        channels=4,
        filters=3,
        complex=complex,
        strides=strides,
        padding=padding,
    )
    assert_layer_is_its_spec(layer, 4)


@pytest.mark.parametrize(
    "rounding", ["nearest", "nearest_even", "truncate", "toward_zero"]
)
@pytest.mark.parametrize("overflow", ["saturate", "saturate_symmetric", "wrap"])
@pytest.mark.parametrize("fraction_bits", [2, 7, 13])
def test_the_layer_computes_the_integers_of_any_output_format(
    rounding, overflow, fraction_bits
):
    layer = make_layer(
        output_format=FixedPoint(
            11, fraction_bits, rounding=rounding, overflow=overflow
        )
    )
    assert_layer_is_its_spec(layer, 2)


@pytest.mark.parametrize("policy", ["float32", "float64", "mixed_bfloat16"])
def test_the_layer_computes_the_integers_under_any_policy(policy):
    assert_layer_is_its_spec(make_layer(dtype=policy), 2)


def test_a_trained_power_of_two_becomes_a_fixed_step():
    form = FixedPoint(6, 4, scale="power_of_two")
    layer = make_layer(
        tap_format=form,
        signal_format=FixedPoint(10, 8, scale="power_of_two"),
    )
    layer.tap_quantizer.log2_step.assign(-5.4)
    layer.input_quantizer.log2_step.assign(-6.6)
    layer.output_quantizer.log2_step.assign(-6.4)
    spec, _ = assert_layer_is_its_spec(layer, 2)
    assert spec.tap_format == FixedPoint(6, 5)
    assert spec.signal_format == FixedPoint(10, 7)
    assert spec.output_format == FixedPoint(10, 6)
    assert spec.shift == 6


def test_shift_and_exponents_follow_the_formats():
    spec = make_spec()
    assert spec.shift == 2 + 5 - 6
    assert spec.step_exponents == {
        "tap_format": -2,
        "signal_format": -5,
        "output_format": -6,
    }
    assert spec.accumulator_bound == (3 + 8) * 128


@pytest.mark.parametrize("complex", [False, True])
def test_the_accumulator_bound_is_reached(complex):
    taps = np.array([3, -8, 5, 0, 7, -1, 2, -2])
    spec = make_spec(
        taps=taps.reshape((2, 2, 1, 2) if complex else (4, 2, 1)),
        output_format=FixedPoint(32, 7),
        complex=complex,
    )
    signs = np.where(spec.kernel[::-1, :, 0] > 0, -128, 127)[None]
    top = np.abs(spec.run(signs)[..., 0]).item()
    assert spec.accumulator_bound * 127 / 128 <= top <= spec.accumulator_bound


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("time", [2, 9, 10])
def test_output_time_is_the_length_of_the_output(padding, strides, time):
    spec = make_spec(padding=padding, strides=strides)
    signal = np.zeros((1, time, 1), "int64")
    assert spec.run(signal).shape[1] == spec.output_time(time)


def test_json_round_trip_keeps_everything():
    spec = FIRSpec.from_layer(make_layer(padding="circular", strides=2))
    again = FIRSpec.from_json(spec.to_json())
    assert again == spec
    assert hash(again) == hash(spec)
    assert again.taps.dtype == "int64"
    np.testing.assert_array_equal(again.taps, spec.taps)
    assert spec != make_spec()
    assert spec != "spec"


def test_the_taps_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        make_spec().taps[0] = 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shift", 2),
        ("step_exponents", {}),
        ("surprise", 1),
        ("strides", None),
    ],
)
def test_from_json_names_entries_that_do_not_fit(name, value):
    config = json.loads(make_spec().to_json())
    if value is None:
        del config[name]
    else:
        config[name] = value
    with pytest.raises(ValueError, match=f"contradicting entries.*'{name}'"):
        FIRSpec.from_json(json.dumps(config))


@pytest.mark.parametrize("name", ["tap_format", "signal_format"])
def test_from_layer_refuses_a_layer_that_does_not_round(name):
    layer = make_layer(**{name: None})
    with pytest.raises(ValueError, match=f"give it a `{name}`.*{name}=None"):
        FIRSpec.from_layer(layer)


@pytest.mark.parametrize(
    "name", ["tap_format", "signal_format", "output_format"]
)
def test_from_layer_refuses_a_step_that_is_no_power_of_two(name):
    layer = make_layer(**{name: FixedPoint(8, 6, scale="real")})
    match = f"train with scale='power_of_two'.*{name}=FixedPoint"
    with pytest.raises(ValueError, match=match):
        FIRSpec.from_layer(layer)


def test_from_layer_refuses_what_is_not_built_or_no_filter():
    with pytest.raises(
        ValueError, match="built layer; call it.*'quantized_fir"
    ):
        FIRSpec.from_layer(QuantizedFIR(1, 3))
    with pytest.raises(TypeError, match="QuantizedFIR. Received: .*ReLU"):
        FIRSpec.from_layer(keras.layers.ReLU())


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"taps": np.ones((2, 1, 1))}, TypeError, "`taps` to hold integers"),
        ({"taps": np.ones((2, 1), int)}, ValueError, "num_taps, channels"),
        ({"taps": np.ones((0, 1, 1), int)}, ValueError, r"shape=\(0, 1, 1\)"),
        ({"complex": True}, ValueError, "num_taps, inputs, filters, 2"),
        (
            {"taps": np.ones((2, 1, 1, 3), int), "complex": True},
            ValueError,
            "num_taps, inputs, filters, 2",
        ),
        ({"taps": np.full((2, 1, 1), 8)}, ValueError, "-8 to 7.*from 8 to 8"),
        ({"taps": np.full((2, 1, 1), -9)}, ValueError, "from -9 to -9"),
        ({"tap_format": None}, TypeError, "`tap_format` to be a.*None"),
        (
            {"signal_format": FixedPoint(8, 5, scale="real")},
            ValueError,
            "`signal_format` with a fixed step.*'real'",
        ),
        ({"padding": "reflect"}, ValueError, "`padding` to be one of"),
        ({"strides": 0}, ValueError, "`strides` to be 1 or greater"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(changes, error, match):
    with pytest.raises(error, match=match):
        make_spec(**changes)


@pytest.mark.parametrize("sample", [-129, 128])
def test_run_refuses_samples_out_of_range(sample):
    signal = np.array([[[0], [0], [sample]]])
    with pytest.raises(ValueError, match="from -128 to 127, the range"):
        make_spec().run(signal)


def test_run_refuses_floats_and_short_signals():
    with pytest.raises(TypeError, match="`signal` to hold integers"):
        make_spec().run(np.zeros((1, 4, 1)))
    with pytest.raises(ValueError, match="at least 2 samples"):
        make_spec().run(np.zeros((1, 1, 1), int))
    with pytest.raises(ValueError, match="FIRSpec expects at least 2 samples"):
        make_spec().output_time(1)
