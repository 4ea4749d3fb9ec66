import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, Stream, litert

FORM = FixedPoint(9, 7)


def make_filters(strides):
    rng = np.random.default_rng(0)
    stages = [
        FIRSpec(
            rng.integers(-31, 32, (num_taps, 1, 1, 2)),
            FixedPoint(6, 4),
            FORM,
            FORM,
            padding=padding,
            strides=stride,
        )
        for num_taps, padding, stride in zip(
            (3, 9, 1), ("causal", "same", "valid"), strides, strict=True
        )
    ]
    return ChainSpec(stages, 4)


@pytest.mark.parametrize("resolver", litert.RESOLVERS)
@pytest.mark.parametrize("block", [1, 3, 7, 23])
def test_blocks_give_what_a_stream_gives(block, resolver, stimuli, dbp_chain):
    for chain in (
        dbp_chain(),
        dbp_chain(2, "taylor3", (12, 16), 3),
        dbp_chain(1, "lut", power_taps=5),
        make_filters((1, 1, 1)),
    ):
        x = stimuli(chain, 4 * block)
        model = litert.to_flatbuffer(
            chain, batch=len(x), time=block, streaming=True
        )
        session = litert.Session(model, resolver=resolver)
        assert session.block == block
        expected = Stream(chain, batch=len(x)).process(x)
        y = [session.process(part) for part in np.split(x, 4, axis=1)]
        np.testing.assert_array_equal(np.concatenate(y, axis=1), expected)
        session.reset()
        np.testing.assert_array_equal(session.process(x), expected)


@pytest.mark.parametrize("strides", [(2, 1, 3), (1, 3, 2)])
def test_strides_divide_the_block(strides, stimuli):
    chain = make_filters(strides)
    x = stimuli(chain, 48)
    model = litert.to_flatbuffer(chain, batch=len(x), time=12, streaming=True)
    y = litert.Session(model).process(x)
    assert y.shape == (len(x), 8, 4)
    np.testing.assert_array_equal(y, Stream(chain, batch=len(x)).process(x))


def test_a_period_gives_what_the_whole_signal_gives(stimuli, dbp_chain):
    chain = dbp_chain()
    x = stimuli(chain, 32)
    model = litert.to_flatbuffer(chain, batch=len(x), time=32, streaming=True)
    session = litert.Session(model)
    session.process(x)
    y = np.roll(session.process(x), -chain.delay, axis=1)
    np.testing.assert_array_equal(y, chain.run(x))


@pytest.mark.parametrize(
    ("signal", "error", "match"),
    [
        (np.zeros((1, 8, 2)), TypeError, "`signal` to hold integers"),
        (np.zeros((1, 9, 2), int), ValueError, r"Received: shape=\(1, 1, 2\)"),
        (np.zeros((2, 4, 2), int), ValueError, r"Received: shape=\(2, 4, 2\)"),
        (np.zeros((1, 0, 2), int), ValueError, r"Received: shape=\(1, 0, 2\)"),
        (np.zeros(4, int), ValueError, r"Received: shape=\(4,\)"),
    ],
)
def test_another_signal_is_refused_and_changes_nothing(
    signal, error, match, stimuli, dbp_chain
):
    chain = dbp_chain()
    x = stimuli(chain, 8)[:1]
    model = litert.to_flatbuffer(chain, time=4, streaming=True)
    session = litert.Session(model)
    first = session.process(x[:, :4])
    with pytest.raises(error, match="Session.process.*" + match):
        session.process(signal)
    y = np.concatenate([first, session.process(x[:, 4:])], axis=1)
    np.testing.assert_array_equal(y, Stream(chain).process(x))
