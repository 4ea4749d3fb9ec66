import dataclasses

import numpy as np
import pytest

from keras_bp.layers import KerrRotation
from keras_bp.ops import FixedPoint
from tflite_export import KerrSpec

SIGNAL = FixedPoint(10, 7)
FORMATS = {
    "power": FixedPoint(10, 5, signed=False),
    "coefficient": FixedPoint(10, 12, signed=False),
    "phase": FixedPoint(10, 10, signed=False),
    "rotation": FixedPoint(10, 8),
    "output": SIGNAL,
}


def layer_of(method="taylor2", formats=FORMATS, **settings):
    layer = KerrRotation(
        0.05, method, signal_format=SIGNAL, formats=formats, **settings
    )
    layer.build((None, 64, 4))
    return layer


def spec_of(**changes):
    return dataclasses.replace(KerrSpec.from_layer(layer_of()), **changes)


@pytest.mark.parametrize("method", ["taylor2", "taylor3", "lut"])
@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
@pytest.mark.parametrize(
    "rounding", ["nearest", "nearest_even", "truncate", "toward_zero"]
)
def test_the_integers_are_those_of_the_layer(method, overflow, rounding):
    formats = {
        role: dataclasses.replace(form, rounding=rounding, overflow=overflow)
        for role, form in FORMATS.items()
    }
    settings = {"lut_bits": 7} if method == "lut" else {}
    layer = layer_of(method, formats, power_taps=3, **settings)
    layer.set_coefficients([0.02, 0.1])
    spec = KerrSpec.from_layer(layer)
    signal = np.random.default_rng(0).integers(-512, 512, (4, 64, 4))
    found = spec.run(signal) * SIGNAL.step
    np.testing.assert_array_equal(found, layer(signal * SIGNAL.step))
    assert KerrSpec.from_config(spec.get_config()) == spec
    assert spec.memory == 2 and spec.delay == 1


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"coefficients": np.ones(1)}, TypeError, "hold integers"),
        ({"coefficients": np.array([1, 2])}, ValueError, "an odd length"),
        ({"coefficients": np.array([1, 2, 3])}, ValueError, "symmetric"),
        ({"coefficients": np.array([1024])}, ValueError, "from 0 to 1023"),
        ({"method": "exact"}, ValueError, "`method` to be one of"),
        ({"method": "lut"}, ValueError, "`cosines` of 1024 entries.*None"),
        ({"lut_bits": 4}, ValueError, "method='lut' alone"),
        ({"phase_format": FixedPoint(8, -1)}, ValueError, "0 or more"),
        ({"power_format": 3}, TypeError, "`power_format` to be a"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, error, words):
    with pytest.raises(error, match=words):
        spec_of(**changes)


def test_entries_beyond_the_format_are_refused():
    spec = KerrSpec.from_layer(layer_of("lut", lut_bits=4))
    with pytest.raises(ValueError, match="`sines` from -512 to 511"):
        dataclasses.replace(spec, sines=np.full(16, 512))
    with pytest.raises(ValueError, match=r"`cosines` of 16 entries.*\(8,\)"):
        dataclasses.replace(spec, cosines=spec.cosines[:8])
    config = spec.get_config()
    del config["sines"]
    with pytest.raises(ValueError, match=r"entries \['sines'\]"):
        KerrSpec.from_config(config)


def test_signals_that_do_not_fit_are_refused():
    spec = spec_of()
    with pytest.raises(ValueError, match="from -512 to 511"):
        spec.run(np.full((1, 4, 2), 512))
    with pytest.raises(ValueError, match=r"\(batch, time, 2 \* n\)"):
        spec.run(np.zeros((1, 4, 3), int))
    wide = spec_of(coefficients=np.ones(9, int))
    with pytest.raises(ValueError, match="at least 4 samples for 9"):
        wide.run(np.zeros((1, 3, 2), int))


def test_few_digits_are_for_constants_alone():
    few = FixedPoint(10, 12, signed=False, max_digits=2)
    spec = spec_of(coefficient_format=few, coefficients=np.array([3]))
    assert spec.coefficient_format == few
    for name in ("signal", "power", "phase", "rotation", "output"):
        name = f"{name}_format"
        form = dataclasses.replace(getattr(spec, name), max_digits=2)
        with pytest.raises(ValueError, match=f"`{name}` without `max_digits`"):
            dataclasses.replace(spec, **{name: form})


def test_sums_beyond_64_bits_are_refused():
    spec = spec_of(
        signal_format=FixedPoint(32, 16), power_format=FixedPoint(32, 2)
    )
    signal = np.full((1, 4, 2), -(2**31))
    with pytest.raises(ValueError, match=r"64 bits.*'power' up to 2\^63"):
        spec.run(signal)
    shorter = spec_of(signal_format=FixedPoint(31, 16))
    assert shorter.run(signal // 2).shape == signal.shape
