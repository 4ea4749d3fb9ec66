"""Tests of benchmarks.process_memory."""

import numpy as np

from benchmarks.process_memory import resident_peak


def test_the_peak_stays_when_memory_is_given_back():
    before = resident_peak()
    # Beyond what the process holds, so that the peak moves.
    held = np.ones(before // 8 + 2**20)
    after = resident_peak()
    assert after - before >= 2**23
    del held
    # The kernel counts by batches of pages.
    assert abs(resident_peak() - after) < 2**21
