import dataclasses
import json

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from keras_bp.optics import FiberLink, LearnedDBP, simulate
from tflite_export import ChainSpec, FIRSpec, KerrSpec, RoundSpec, reference

RNG = np.random.default_rng(0)
SIGNAL = FixedPoint(10, 7)


def fir(num_taps=3, before=SIGNAL, after=SIGNAL, **settings):
    form = FixedPoint(6, 5)
    taps = RNG.integers(-32, 32, (num_taps, 1, 1, 2))
    return FIRSpec(taps, form, before, after, **settings)


def quantized(polarizations, method, power_taps=1, spans=3):
    link = FiberLink.isit(num_spans=spans, polarizations=polarizations)
    real = LearnedDBP(link, num_taps=5, method="taylor2", power_taps=power_taps)
    real.build((None, 64, 2 * polarizations))
    if power_taps > 1:
        for layer in real.kerr_layers:
            values = np.array([0.2, 1.0]) * layer.coefficients[-1]
            layer.set_coefficients(values)
    formats = real.formats_for(6, 10)
    model = real.copied(formats=formats, method=method, input_gain=0.85)
    model.choose_scales()
    return model, link


@pytest.mark.parametrize("method", ["taylor2", "taylor3", "lut"])
@pytest.mark.parametrize(("polarizations", "power_taps"), [(1, 3), (2, 1)])
def test_the_integers_are_those_of_the_model(method, polarizations, power_taps):
    model, link = quantized(polarizations, method, power_taps)
    samples = simulate(link, 4, 32, steps_per_span=2, power=3.0, verbose=0)[0]
    chain = ChainSpec.from_layer(model)
    integers = chain.run(chain.quantize(samples))
    found = np.float32(integers * chain.output_format.step)
    found = found * np.float32(model.output_gain)
    np.testing.assert_array_equal(found, model.compensate(samples))
    np.testing.assert_allclose(chain.dequantize(integers), found, rtol=1e-6)
    # It is no trivial equality: the rotations do something.
    turned = [s.coefficients.any() for s in chain.stages[1::2]]
    assert all(turned) and len(np.unique(integers)) > 100


def test_a_description_survives_json():
    model, _ = quantized(1, "lut", spans=2)
    chain = ChainSpec.from_layer(model)
    again = ChainSpec.from_json(chain.to_json())
    assert again == chain and hash(again) == hash(chain)
    other = dataclasses.replace(chain, input_gain=1.0)
    assert other != chain and chain != 3


def test_changed_descriptions_are_refused():
    config = ChainSpec([fir()], 2).get_config()
    with pytest.raises(ValueError, match=r"entries \['speed'\]"):
        ChainSpec.from_config(config | {"speed": 1})
    with pytest.raises(ValueError, match="`kind` to be one of"):
        ChainSpec.from_config(config | {"stages": [{"kind": "fft"}]})
    stage = json.loads(json.dumps(config["stages"][0]))
    stage["shift"] += 1
    with pytest.raises(ValueError, match="contradicting entries.*'shift'"):
        ChainSpec.from_config(config | {"stages": [stage]})


@pytest.mark.parametrize(
    ("stages", "channels", "error", "words"),
    [
        ([], 2, ValueError, "at least one stage"),
        ([3], 2, TypeError, "FIRSpec, KerrSpec and RoundSpec.*builtins.int"),
        ([fir()], 3, ValueError, "multiple of 2 channels at stage 0"),
        ([fir()], 0, ValueError, "`channels` to be 1 or greater"),
        (
            [fir(), fir(before=FixedPoint(9, 7))],
            2,
            ValueError,
            "stage 1 to take the format.*put a RoundSpec",
        ),
        (
            [RoundSpec(FixedPoint(30, 0), FixedPoint(30, 30))],
            1,
            ValueError,
            "at most 53 bits.*'sample' of stage 0",
        ),
    ],
)
def test_what_does_not_fit_is_refused(stages, channels, error, words):
    with pytest.raises(error, match=words):
        ChainSpec(stages, channels)


def test_rates_and_delays_add_up():
    stages = [
        fir(5, padding="same", strides=2),
        fir(3, padding="circular", strides=3),
        fir(7, padding="causal"),
    ]
    chain = ChainSpec(stages, 4)
    assert chain.strides == 6
    assert chain.memory == 4 + 2 * 2 + 6 * 6
    assert chain.delay == 2 + 2 * 1
    assert chain.stage_channels == [4, 4, 4, 4]
    assert chain.run(np.zeros((1, 36, 4), int)).shape == (1, 6, 4)


def test_quantizing_is_that_of_the_layer():
    chain = ChainSpec([fir()], 2, input_gain=0.5, output_gain=3.0)
    samples = np.array([[[0.3, -0.6], [20.0, -20.0]]])
    found = chain.quantize(samples)
    assert found.tolist() == [[[19, -38], [511, -512]]]
    assert chain.dequantize(found[0, 0]).tolist() == [
        19 * 3 / 128,
        -38 * 3 / 128,
    ]


def test_the_bounds_are_reached():
    # Largest sums, by inputs made for them.
    stage = fir(9)
    bound = ChainSpec([stage], 2).bounds()[0]["sum"]
    signs = np.sign(stage.kernel[::-1, :, 0])
    signal = np.where(signs > 0, -512, 511)[None]
    exact = np.abs((signal[0] * stage.kernel[::-1, :, 0]).sum())
    assert 0.9 * bound < exact <= bound
    unsigned = FixedPoint(12, 8, signed=False)
    kerr = KerrSpec(
        np.array([900]),
        SIGNAL,
        unsigned,
        unsigned,
        unsigned,
        FixedPoint(12, 8),
        SIGNAL,
    )
    assert kerr.bounds(4)["power"] == 4 * 512**2
    assert kerr.bounds(2)["phase"] == 900 * 4095


def test_a_third_order_sine_is_closer_than_a_second_order_one():
    model, _ = quantized(1, "taylor3", spans=1)
    stage = ChainSpec.from_layer(model).stages[1]
    theta = np.arange(0, 800)
    exact = np.sin(theta * stage.phase_format.step)
    errors = []
    for method in ("taylor2", "taylor3"):
        spec = dataclasses.replace(stage, method=method)
        sine = reference.phasor(theta, spec)[1] * spec.rotation_format.step
        errors.append(np.abs(sine - exact).max())
    assert errors[1] < 0.2 * errors[0]


def test_wide_samples_are_rounded_in_float64():
    wide = FixedPoint(30, 20)
    integers = np.array([[[2**29 - 1, -(2**28) - 1]]])
    for gain in (1.0, 0.5):
        chain = ChainSpec([RoundSpec(wide, SIGNAL)], 2, input_gain=gain)
        found = chain.quantize(integers * wide.step / gain)
        np.testing.assert_array_equal(found, integers)
    # Up to 24 bits, it is what a layer of float32 sees.
    narrow = ChainSpec([RoundSpec(FixedPoint(24, 20), SIGNAL)], 1)
    half = np.array([[[(0.5 - 2**-40) * 2.0**-20]]])
    assert narrow.quantize(half).item() == 1
