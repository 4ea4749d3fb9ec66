"""Whatever chain is drawn, C computes what the streaming reference does."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from keras_bp.ops import FixedPoint
from keras_bp.ops.fixed_point import OVERFLOWS, ROUNDINGS
from tflite_export import ChainSpec, FIRSpec, RoundSpec

pytestmark = pytest.mark.hardware


@st.composite
def formats(draw, longest=16, fraction_bits=None):
    signed = draw(st.sampled_from([True, True, True, False]))
    length = draw(st.integers(2 if signed else 1, longest))
    if fraction_bits is None:
        fraction_bits = draw(st.integers(-2, length + 2))
    return FixedPoint(
        length,
        fraction_bits,
        signed,
        draw(st.sampled_from(ROUNDINGS)),
        draw(st.sampled_from(OVERFLOWS)),
    )


@st.composite
def filters(draw, signal_format, channels):
    complex = channels % 2 == 0 and draw(st.booleans())
    units = channels // (2 if complex else 1)
    inputs = draw(st.sampled_from([n for n in (1, 2, 3) if units % n == 0]))
    tap = draw(formats(draw(st.sampled_from([6, 12, 16, 20]))))
    count = draw(st.integers(1, 12))
    shape = (count, inputs, draw(st.integers(1, 2)), *((2,) if complex else ()))
    integers = st.integers(tap.minimum_integer, tap.maximum_integer)
    size = int(np.prod(shape))
    taps = np.array(draw(st.lists(integers, min_size=size, max_size=size)))
    taps = taps.reshape(shape)
    mirror = draw(st.sampled_from([0, 0, 1, -1]))
    if mirror:
        mirrored = np.clip(
            mirror * taps[: count // 2][::-1],
            tap.minimum_integer,
            tap.maximum_integer,
        )
        taps[(count + 1) // 2 :] = mirrored
    exact = signal_format.fraction_bits + tap.fraction_bits
    shift = draw(st.integers(-3, 22))
    return FIRSpec(
        taps,
        tap,
        signal_format,
        draw(formats(20, exact - shift)),
        "causal",
        draw(st.sampled_from([1, 1, 2, 3])),
        complex,
    )


@st.composite
def chains(draw):
    channels = count = draw(st.sampled_from([1, 2, 3, 4, 6]))
    form = draw(formats(20))
    stages = []
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 3)):
            stages.append(draw(filters(form, count)))
            _, inputs, outputs = stages[-1].kernel.shape
            count = count // inputs * outputs
        else:
            bits = form.fraction_bits - draw(st.integers(-4, 8))
            stages.append(RoundSpec(form, draw(formats(20, bits))))
        form = stages[-1].output_format
    return ChainSpec(stages, channels)


# One compilation serves several chains; to shrink them would take hundreds.
@settings(
    max_examples=12,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(
    several=st.lists(chains(), min_size=6, max_size=6),
    blocks=st.lists(st.integers(1, 70), min_size=1, max_size=4),
)
def test_any_chain_equals_the_stream(need, differing, several, blocks):
    need("gcc")
    assert differing(several, time=12, blocks=blocks, flags=("-O1",)) == 0
