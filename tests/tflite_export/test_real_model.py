import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from keras_bp.optics import FiberLink, LearnedDBP
from tflite_export import ChainSpec, FIRSpec
from tflite_export._read_model import read_stages
from tflite_export.real_model import real_kernel, run_real, snr_of_integers

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("polarizations", "power_taps"), [(1, 3), (2, 1)])
def test_real_numbers_are_those_of_the_model_that_does_not_round(
    polarizations, power_taps
):
    link = FiberLink.isit(num_spans=2, polarizations=polarizations)
    real = LearnedDBP(link, num_taps=5, power_taps=power_taps)
    real.build((None, 64, 2 * polarizations))
    rounded = real.copied(method="taylor2", formats=real.formats_for(12, 14))
    found = read_stages(rounded, owner="test")
    chain = ChainSpec.from_layer(rounded)
    samples = RNG.normal(size=(2, 64, 2 * polarizations)) * 0.5
    y = run_real(chain, found.real, samples)
    np.testing.assert_allclose(y, real.compensate(samples), atol=2e-6)
    # And the integers come close.
    integers = chain.quantize(samples)
    assert 45 < snr_of_integers(chain, found.real, integers) < 75


def test_the_kernel_of_real_taps_is_that_of_the_integers():
    form = FixedPoint(8, 6)
    taps = RNG.integers(-128, 128, (3, 2, 3, 2))
    spec = FIRSpec(taps, form, form, form)
    wanted = real_kernel(spec, None)
    np.testing.assert_array_equal(real_kernel(spec, taps / 64), wanted)
    np.testing.assert_array_equal(wanted, spec.kernel / 64)


def test_without_a_rounding_error_the_ratio_is_infinite():
    form = FixedPoint(8, 0)
    chain = ChainSpec(
        [FIRSpec(np.ones((1, 1, 1), int), form, form, form, complex=False)], 1
    )
    signal = RNG.integers(-99, 99, (1, 16, 1))
    assert snr_of_integers(chain, [None], signal) == float("inf")
