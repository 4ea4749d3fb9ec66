import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, RoundSpec, litert, vectors

FORM = FixedPoint(8, 4)
CHAIN = ChainSpec([RoundSpec(FORM, FORM)], 1)


def test_errors_are_the_noise():
    x = np.array([[[30], [-40], [0]]])
    assert litert.snr(CHAIN, lambda x: x, x) == np.inf
    assert litert.snr(CHAIN, lambda x: x, 0 * x) == np.inf
    found = litert.snr(CHAIN, lambda x: x + np.array([[[3], [4], [0]]]), x)
    assert found == pytest.approx(20)
    assert litert.snr(CHAIN, lambda x: x + 1, 0 * x) == -np.inf


@pytest.mark.parametrize("resolver", litert.RESOLVERS)
def test_a_model_is_run(resolver, dbp_chain, stimuli):
    chain = dbp_chain()
    x = stimuli(chain)[:1]
    model = litert.to_flatbuffer(chain, time=x.shape[1])
    assert litert.snr(chain, model, x, resolver=resolver) == np.inf
    model = litert.to_flatbuffer(chain, profile="fast", time=x.shape[1])
    found = litert.snr(chain, model, x, resolver=resolver)
    assert found == litert.snr(chain, litert.model_of_fast(chain), x)


@pytest.mark.parametrize("resolver", litert.RESOLVERS)
def test_a_model_of_int8_is_compared_in_steps_of_the_chain(resolver):
    form = FixedPoint(14, 3)
    chain = ChainSpec([RoundSpec(form, FixedPoint(12, 1))], 2)
    x = vectors.draw(chain, "random", 4000)
    model = litert.to_flatbuffer(chain, profile="int8", time=4000)
    # A Gaussian signal of 8 bits, rounded once.
    found = litert.snr(chain, model, x, resolver=resolver)
    assert found == pytest.approx(40.6, abs=1.0)
    run = litert.model_of_int8(chain)
    assert litert.snr(chain, run, x) == pytest.approx(found)


def test_a_signal_out_of_range_is_refused():
    with pytest.raises(ValueError, match="from -128 to 127"):
        litert.snr(CHAIN, lambda x: x, np.array([[[128]]]))
