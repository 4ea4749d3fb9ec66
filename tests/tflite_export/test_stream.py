import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, KerrSpec, RoundSpec, Stream
from tflite_export.vectors import KINDS, draw

RNG = np.random.default_rng(0)
SIGNAL = FixedPoint(10, 7)
UNSIGNED = FixedPoint(10, 5, signed=False)
DRAWN = settings(max_examples=30, deadline=None, derandomize=True)


def fir(num_taps, padding="causal", strides=1):
    taps = RNG.integers(-32, 32, (num_taps, 1, 1, 2))
    form = FixedPoint(6, 5)
    return FIRSpec(taps, form, SIGNAL, SIGNAL, padding, strides)


def kerr(num_taps):
    half = RNG.integers(100, 900, num_taps // 2 + 1)
    return KerrSpec(
        np.concatenate([half, half[-2::-1]]),
        SIGNAL,
        UNSIGNED,
        FixedPoint(10, 12, signed=False),
        FixedPoint(10, 10, signed=False),
        FixedPoint(10, 8),
        SIGNAL,
    )


CHAINS = {
    "causal": [fir(5)],
    "strides": [fir(5, strides=3), fir(4, strides=2)],
    "circular": [fir(5, "circular"), kerr(3), fir(3, "circular"), kerr(1)],
    "formats": [
        fir(3),
        RoundSpec(SIGNAL, FixedPoint(6, 3)),
        RoundSpec(FixedPoint(6, 3), SIGNAL),
        fir(3),
    ],
}


@pytest.mark.parametrize("stages", CHAINS.values(), ids=CHAINS)
@DRAWN
@given(data=st.data())
def test_how_a_signal_is_cut_makes_no_difference(stages, data):
    chain = ChainSpec(stages, 4)
    signal = draw(chain, time=40, batch=2)
    whole = Stream(chain, batch=2).process(signal)
    cuts = data.draw(st.lists(st.integers(0, 40), max_size=8))
    edges = [0, *sorted(cuts), 40]
    stream = Stream(chain, batch=2)
    parts = [
        stream.process(signal[:, a:b])
        for a, b in zip(edges, edges[1:], strict=False)
    ]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize("name", ["causal", "strides", "formats"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_causal_chain_streams_what_it_runs(name, kind):
    chain = ChainSpec(CHAINS[name], 2)
    assert chain.delay == 0
    signal = draw(chain, kind, 48)
    found = Stream(chain).process(signal)
    np.testing.assert_array_equal(found, chain.run(signal))


def test_a_periodic_signal_streams_what_a_circular_chain_runs():
    chain = ChainSpec(CHAINS["circular"], 4)
    signal = draw(chain, time=32)
    assert (chain.memory, chain.delay) == (4 + 2 + 2, 2 + 1 + 1)
    found = Stream(chain).process(np.concatenate([signal] * 3, axis=1))
    found = found[:, 32 + chain.delay : 64 + chain.delay]
    np.testing.assert_array_equal(found, chain.run(signal))


def test_samples_before_the_memory_make_no_difference():
    chain = ChainSpec(CHAINS["circular"], 2)
    signal = draw(chain, "full_scale", 40)
    outputs = []
    for first in (signal, draw(chain, "full_scale", 7, seed=1)):
        stream = Stream(chain)
        stream.process(first)
        outputs.append(stream.process(signal)[:, chain.memory :])
    np.testing.assert_array_equal(*outputs)
    # One sample less of memory would be too few.
    stream = Stream(chain)
    late = stream.process(signal)[:, chain.memory - 1 :]
    assert not np.array_equal(late[:, 1:], late[:, :-1])


@pytest.mark.parametrize(
    ("block", "error", "words"),
    [
        (np.zeros((1, 4, 4), int), ValueError, r"\(1, None, 2\).*\(1, 4, 4\)"),
        (np.zeros((1, 4, 2)), TypeError, "`block` to hold integers"),
        (np.full((1, 4, 2), 512), ValueError, "from -512 to 511"),
    ],
)
def test_blocks_that_do_not_fit_are_refused(block, error, words):
    with pytest.raises(error, match=words):
        Stream(ChainSpec([fir(3)], 2)).process(block)


def test_a_valid_filter_lags_by_its_memory():
    chain = ChainSpec([fir(5, "valid"), fir(3, "valid")], 2)
    assert chain.delay == chain.memory == 6
    signal = draw(chain, time=20)
    found = Stream(chain).process(signal)[:, chain.delay :]
    np.testing.assert_array_equal(found, chain.run(signal))


def test_a_lag_of_a_multiple_of_the_strides_counts_in_outputs():
    chain = ChainSpec([fir(5, "same", strides=2), fir(3, "same")], 2)
    assert (chain.delay, chain.strides) == (2 + 2, 2)
    signal = draw(chain, time=24)
    late = np.pad(signal, ((0, 0), (0, 4), (0, 0)))
    found = Stream(chain).process(late)[:, chain.delay // chain.strides :]
    # At the end, the zeros are those ahead of the second filter.
    np.testing.assert_array_equal(found[:, 1:-1], chain.run(signal)[:, 1:-1])
