import pytest

from tflite_export import c

pytestmark = pytest.mark.hardware


def test_costs_grow_with_the_taps_and_the_code_alone(need, fir_chain):
    need("arm")
    short, long, again = (
        c.measure_cortex_m4(fir_chain(num_taps), samples=samples)
        for num_taps, samples in ((5, 1000), (9, 1000), (9, 3000))
    )
    # Two more pairs of samples: 8 loads, 4 sums, 8 products.
    added = long["instructions_per_sample"] - short["instructions_per_sample"]
    assert 16 < added < 40
    assert long["instructions_per_sample"] == pytest.approx(
        again["instructions_per_sample"], rel=0.05
    )
    assert short["code_bytes"] < long["code_bytes"] < 2000
    assert long["state_bytes"] == 32 and short["state_bytes"] == 16


def test_no_sample_at_all_is_refused(fir_chain):
    with pytest.raises(ValueError, match="`samples` to be 1 or greater"):
        c.measure_cortex_m4(fir_chain(), samples=0)
