"""C that truncates against Arm's own filter for 16-bit samples."""

import dataclasses

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, c, vectors

pytestmark = pytest.mark.hardware

Q15 = FixedPoint(16, 15, rounding="truncate")


@pytest.mark.parametrize("num_taps", [4, 8, 30])
def test_q15_taps_that_truncate_equal_cmsis_dsp(need, num_taps):
    need("gcc")
    cmsisdsp = pytest.importorskip("cmsisdsp")
    rng = np.random.default_rng(num_taps)
    taps = rng.integers(-(2**15), 2**15, num_taps)
    chain = ChainSpec(
        [FIRSpec(taps[:, None, None], Q15, Q15, Q15, "causal", complex=False)],
        channels=1,
    )
    # Arm's sums have 64 bits, and so have these where they need them.
    assert c.describe(chain)["accumulator_bits"] == [64]
    signal = np.concatenate(
        [vectors.draw(chain, kind, 64) for kind in vectors.KINDS], axis=1
    )
    state = cmsisdsp.arm_fir_instance_q15()
    past = np.zeros(num_taps + 64, "int16")
    cmsisdsp.arm_fir_init_q15(state, num_taps, taps[::-1].astype("int16"), past)
    expected = np.concatenate(
        [
            cmsisdsp.arm_fir_q15(state, block.astype("int16"))
            for block in np.split(signal[0, :, 0], signal.shape[1] // 64)
        ]
    )
    found = c.run(chain, signal)
    np.testing.assert_array_equal(found[0, :, 0], expected)
    nearest = dataclasses.replace(Q15, rounding="nearest")
    stage = dataclasses.replace(chain.stages[0], output_format=nearest)
    other = c.run(ChainSpec([stage], channels=1), signal)
    assert not np.array_equal(other, found)
