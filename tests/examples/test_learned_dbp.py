import dataclasses

import numpy as np
import pytest

from examples.fan_out import FanOut
from examples.learned_dbp_parts import CONFIGS, STAGES, Store
from examples.learned_dbp_parts.integers import (
    differing_samples,
    integer_outputs,
)
from examples.learned_dbp_parts.measure import ber_row, count_bits, snr
from keras_bp.metrics import BitErrorRate, qam_bit_error_rate
from keras_bp.optics import EDC, FiberLink, LearnedDBP, simulate

TINY = dataclasses.replace(
    CONFIGS["small"],
    link=FiberLink.isit(num_spans=1),
    simulation_steps=2,
    train_blocks=8,
    test_blocks=6,
    qam_blocks=8,
    sweep_blocks=4,
    symbols=32,
    num_taps=5,
    steps=10,
    batch=4,
    closing_every=1,
    closing_blocks=4,
    prune_steps=10,
    reference_taps=(5,),
    powers=(0.0,),
)


def store_in(folder, config=TINY, workers=1):
    return Store(folder, config, "tiny", verbose=0, fan=FanOut(workers))


@pytest.mark.slow
def test_a_second_run_goes_on_where_the_first_one_ended(tmp_path):
    first = store_in(tmp_path)
    rows = {
        name: first.rows(name, lambda s=s: s(first))
        for name, s in STAGES.items()
    }
    names = {row.name for row in rows["quantized"]}
    assert names == {
        "tiny/learned 5 taps/6 bit",
        "tiny/learned 5 taps/6 bit, 10-bit signal",
    }
    # The integers are those of the layers, or the row is a miss.
    verdicts = {row.metric: row.verdict for row in rows["quantized"]}
    told = "numbers that differ from the layers', 50 blocks"
    assert verdicts[told] == "pass"
    assert any("pruned, 5 and 3 taps" in row.name for row in rows["pruned"])

    def fail():
        raise AssertionError("was made before")

    again = store_in(tmp_path)
    assert {name: again.rows(name, fail) for name in STAGES} == rows
    assert again.seconds == pytest.approx(first.seconds)
    # Measured by another process.
    (tmp_path / "swept.jsonl").unlink()
    assert STAGES["swept"](store_in(tmp_path, workers=2)) == rows["swept"]
    model = again.model("learned-0", fail)
    found = snr(model, again.blocks("test", 6, 0))
    assert rows["learned"][0].value == pytest.approx(found, abs=1e-3)


def test_a_folder_of_another_configuration_is_refused(tmp_path):
    store_in(tmp_path)
    other = dataclasses.replace(TINY, steps=11)
    with pytest.raises(ValueError, match="of another"):
        store_in(tmp_path, other)


def test_the_configuration_is_written_once(tmp_path):
    # Another process may read it at any time.
    store_in(tmp_path)
    path = tmp_path / "config.txt"
    before = path.stat()
    store_in(tmp_path)
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (
        after.st_ino,
        after.st_mtime_ns,
    )


@pytest.mark.parametrize("power", [None, 3.0])
def test_bits_are_counted_at_the_power_that_was_sent(power):
    # A linear link whose errors theory gives.
    link = FiberLink.isit(num_spans=25, gamma=0.0, noise_scaling=10.0)
    blocks = simulate(link, 80, 256, 64, power, steps_per_span=1, first_block=3)
    counted = count_bits(EDC(link), blocks, 64, power)
    ratio = 10 * np.log10(link.reference_power / link.noise_power)
    expected = qam_bit_error_rate(64, ratio + (power or 0.0))
    low, high = counted.interval(0.9999)
    assert low < expected < high and counted.reliable


def test_integers_are_those_of_the_layers_or_are_told_apart():
    real = LearnedDBP(TINY.link, num_taps=5, method="taylor2")
    real.build((None, 64, 2))
    model = real.copied(formats=real.formats_for(6, 10), input_gain=0.85)
    samples = simulate(TINY.link, 3, 32, steps_per_span=2)[0]
    assert differing_samples(model, samples) == 0
    np.testing.assert_array_equal(
        integer_outputs(model, samples), model(samples)
    )
    # One tap moved by a step of its format, in the layers alone.
    taps = model.fir_layers[0].export_taps()
    model.fir_layers[0].export_taps = lambda: taps + (taps == taps.max())
    assert differing_samples(model, samples) > 0


def test_few_errors_give_an_upper_bound(tmp_path):
    store = store_in(tmp_path)
    few = ber_row(store, "EDC", BitErrorRate(3, 1000))
    assert "upper bound" in few.metric and "3 errors" in few.metric
    assert few.value == BitErrorRate(3, 1000).upper_bound()
    many = ber_row(store, "EDC", BitErrorRate(300, 1000))
    assert many.value == 0.3 and many.low < 0.3 < many.high
