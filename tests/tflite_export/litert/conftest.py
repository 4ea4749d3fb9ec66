import functools

import numpy as np
import pytest

from keras_bp.optics import FiberLink, LearnedDBP
from tflite_export import ChainSpec, litert, vectors


@functools.cache
def _dbp_chain(polarizations=1, method="taylor2", bits=(6, 10), power_taps=1):
    link = FiberLink.isit(num_spans=3, polarizations=polarizations)
    real = LearnedDBP(link, num_taps=5, method="taylor2", power_taps=power_taps)
    real.build((None, 64, 2 * polarizations))
    model = real.copied(
        formats=real.formats_for(*bits), method=method, input_gain=0.85
    )
    model.choose_scales()
    return ChainSpec.from_layer(model)


@pytest.fixture(scope="session")
def dbp_chain():
    """A function that returns three steps of digital backpropagation."""
    return _dbp_chain


@pytest.fixture(scope="session")
def stimuli():
    """A function that returns one signal of every kind."""

    def draw(chain, time=40):
        return np.concatenate(
            [vectors.draw(chain, kind, time) for kind in vectors.KINDS]
        )

    return draw


@pytest.fixture(scope="session")
def assert_equal_on_all(stimuli):
    """A function that runs a model on every resolver."""

    def check(chain, x=None, expected=None, **settings):
        x = stimuli(chain) if x is None else x
        model = litert.to_flatbuffer(
            chain, batch=len(x), time=x.shape[1], **settings
        )
        expected = chain.run(x) if expected is None else expected
        for resolver in litert.RESOLVERS:
            y = litert.run(model, x, resolver=resolver)
            np.testing.assert_array_equal(y, expected, err_msg=resolver)

    return check
