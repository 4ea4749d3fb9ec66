import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, RoundSpec, Stream, c

FORM = FixedPoint(8, 4)


def chain_of(*settings):
    rng = np.random.default_rng(len(settings))
    stages = [
        FIRSpec(
            rng.integers(-8, 8, (num_taps, 1, 1)),
            FixedPoint(4, 3),
            FORM,
            FORM,
            padding,
            strides,
            complex=False,
        )
        for num_taps, padding, strides in settings
    ]
    return ChainSpec([*stages, RoundSpec(FORM, FORM)], channels=1)


@pytest.mark.parametrize(
    "settings",
    [
        [(1, "same", 1)],
        [(7, "causal", 3), (4, "causal", 1)],
        [(7, "valid", 2), (4, "valid", 3)],
        [(8, "same", 2)],
        [(8, "circular", 2)],
        [(7, "circular", 1), (4, "circular", 1)],
        [(7, "circular", 2), (5, "circular", 3), (3, "circular", 1)],
        # Longer than the signal.
        [(31, "circular", 1), (9, "circular", 1)],
    ],
)
def test_a_stream_makes_of_it_what_run_does(settings):
    chain = chain_of(*settings)
    signal = np.random.default_rng(0).integers(-128, 128, (2, 30, 1))
    longer, kept = c.extend_signal(chain, signal)
    found = Stream(chain, batch=2).process(longer)[:, kept]
    expected = chain.run(signal)
    assert expected.size and found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "settings",
    [
        [(3, "causal", 1), (3, "circular", 1)],
        [(3, "same", 1), (3, "same", 1)],
    ],
)
def test_ends_that_no_extension_gives_are_refused(settings):
    with pytest.raises(ValueError, match="zeros between them. Received: "):
        c.extend_signal(chain_of(*settings), np.zeros((1, 30, 1), "int64"))


def test_a_period_that_the_strides_do_not_divide_is_refused():
    chain = chain_of((3, "circular", 2))
    with pytest.raises(ValueError, match="multiple of 2 .* time=31"):
        c.extend_signal(chain, np.zeros((1, 31, 1), "int64"))
