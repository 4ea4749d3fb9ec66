"""The fiber equalizer of the quickstart for one seed, by itself."""

import pathlib
import time

import keras

from examples.quickstart_parts.common import Run
from examples.quickstart_parts.equalizer import snr_db, train_filters

ENDS = ("real", "rounded", "learned")


def signal_to_noise(seed):
    """Signal-to-noise ratios in dB, of `ENDS`, and seconds, for one seed."""
    begin = time.perf_counter()
    keras.utils.set_random_seed(seed)
    run = Run(pathlib.Path(), seed, full=False)
    models, (samples, symbols), _ = train_filters(run)
    found = {name: snr_db(models[name](samples), symbols) for name in ENDS}
    keras.backend.clear_session()
    return {**found, "seconds": time.perf_counter() - begin}
