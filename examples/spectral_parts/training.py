"""How a run is trained, and how long it will take."""

import time

import keras
import numpy as np

from examples.spectral_parts.networks import Views, make, pipeline
from keras_bp.callbacks import SpectrumMonitor

# Batches that are timed before a run, after those in which it is traced.
_TIMED, _TRACED = 12, 2
# Reports of the spectrum in a run, of so many latents.
_REPORTS, _WATCHED = 6, 32


def seconds_of_training(study, run, images):
    """Measured: seconds that the epochs of a run will take."""
    gan = make(study, run, images.sample_shape)
    data = pipeline(images.train, study.batch, 0)
    batches = len(images.train) // study.batch
    gan.fit(data.take(_TRACED), shuffle=False, verbose=0)
    timed = min(_TIMED, batches)
    begin = time.perf_counter()
    gan.fit(data.take(timed), shuffle=False, verbose=0)
    each = (time.perf_counter() - begin) / timed
    keras.backend.clear_session()
    return each * batches * study.epochs


def train(study, run, images):
    """Trains a GAN.

    Returns:
        Triple: the generator, a dictionary of numbers, and the spectra over
        epochs, a list of an epoch, a condition and an effective rank.
    """
    keras.utils.set_random_seed(run.seed)
    gan = make(study, run, images.sample_shape)
    rng = np.random.default_rng(run.seed)
    latents = rng.standard_normal((_WATCHED, study.latents), "float32")
    monitor = SpectrumMonitor(
        latents,
        Views(gan.generator).metric,
        every=max(1, study.epochs // _REPORTS),
    )
    begin = time.perf_counter()
    history = gan.fit(
        pipeline(images.train, study.batch, run.seed),
        epochs=study.epochs,
        callbacks=[monitor],
        shuffle=False,
        verbose=0,
    ).history
    logs = {name: float(x[-1]) for name, x in history.items()}
    numbers = {"seconds": time.perf_counter() - begin, "logs": logs}
    spectra = [
        (epoch + 1, report.condition, report.effective_rank)
        for epoch, report in monitor.reports
    ]
    return gan.generator, numbers, spectra
