import dataclasses

import pytest

from keras_bp.metrics import EffectiveSNR
from keras_bp.optics import EDC, FrequencyDomainDBP, simulate


def snr(model, blocks):
    metric = EffectiveSNR()
    metric.update_state(blocks[1], model(blocks[0]))
    return float(metric.result())


def test_more_steps_undo_more(short_link, blocks):
    found = [snr(EDC(short_link), blocks)]
    found += [
        snr(FrequencyDomainDBP(short_link, steps), blocks) for steps in (1, 4)
    ]
    assert found[0] + 15 < found[1] < found[2] - 1


@pytest.mark.parametrize("split", ["symmetric", "asymmetric"])
def test_without_noise_and_loss_of_band_it_is_exact(short_link, split):
    # As many samples per symbol, and the steps of the simulation.
    link = dataclasses.replace(
        short_link, noise_scaling=0.0, samples_per_symbol=6, launch_power=3.0
    )
    samples, symbols = simulate(link, 4, 64, steps_per_span=60)
    model = FrequencyDomainDBP(link, steps_per_span=60, split=split)
    exact = snr(model, (samples, symbols))
    assert exact > (60 if split == "symmetric" else 25)


def test_two_polarizations_are_undone_together(dual_link, dual_blocks):
    linear = snr(EDC(dual_link), dual_blocks)
    assert snr(FrequencyDomainDBP(dual_link, 8), dual_blocks) > linear + 5


def test_wrong_arguments_raise(short_link):
    with pytest.raises(ValueError, match="`steps_per_span` to be 1"):
        FrequencyDomainDBP(short_link, 0)
    with pytest.raises(ValueError, match="`rule` to be one of"):
        FrequencyDomainDBP(short_link, rule="fast")
