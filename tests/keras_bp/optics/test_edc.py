import dataclasses

import numpy as np

from keras_bp.metrics import EffectiveSNR
from keras_bp.optics import EDC, simulate


def snr(model, blocks):
    metric = EffectiveSNR()
    metric.update_state(blocks[1], model(blocks[0]))
    return float(metric.result())


def test_it_undoes_the_dispersion_of_all_spans(short_link):
    linear = dataclasses.replace(short_link, gamma=0.0, noise_scaling=0.0)
    assert snr(EDC(linear), simulate(linear, 4, 64)) > 80


def test_the_kerr_effect_is_left(short_link, blocks):
    quiet = 10 * np.log10(short_link.reference_power / short_link.noise_power)
    assert snr(EDC(short_link), blocks) < quiet - 10
