"""How a learned digital backpropagation is trained, pruned and rounded."""

import keras
import numpy as np
import tensorflow as tf

from keras_bp.callbacks import CoordinateClose, IncrementalFreeze, TapPrune
from keras_bp.losses import PhaseAlignedError
from keras_bp.metrics import EffectiveSNR
from keras_bp.optics import LearnedDBP

_SHARES = (0.3, 0.5, 0.65, 0.75)


def pipeline(blocks, batch, seed):
    """Endless shuffled batches of simulated blocks."""
    data = tf.data.Dataset.from_tensor_slices(blocks).cache()
    data = data.shuffle(len(blocks[0]), seed=seed).repeat()
    return data.batch(batch).prefetch(2)


def fit(model, blocks, config, steps, rate, seed, callbacks=(), verbose=1):
    """Trains for a number of steps; the rate falls along a cosine."""
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps, 0.02)
    # In trials 0.999 fell short of it by about 0.1 dB after 1,500 steps.
    optimizer = keras.optimizers.Adam(schedule, beta_2=0.95)
    # Built by the first step instead, it would be traced twice.
    optimizer.build(model.trainable_variables)
    model.compile(
        optimizer,
        PhaseAlignedError(),
        metrics=[EffectiveSNR()],
        jit_compile=True,
    )
    epochs = max(1, steps // 100)
    return model.fit(
        pipeline(blocks, config.batch, seed),
        steps_per_epoch=-(-steps // epochs),
        epochs=epochs,
        shuffle=False,
        verbose=2 if verbose else 0,
        callbacks=list(callbacks),
    ).history


def learn(config, blocks, seed):
    """A model of real taps, from the least-squares filters."""
    keras.utils.set_random_seed(seed)
    model = LearnedDBP(
        config.link,
        num_taps=config.num_taps,
        bandwidth=config.bandwidth,
        power_taps=config.power_taps,
    )
    model.build((None, *blocks[0].shape[1:]))
    if seed:
        # Another start, near the design.
        rng = np.random.default_rng(seed)
        for layer in model.fir_layers:
            noise = 0.01 * rng.normal(size=layer.taps.shape)
            layer.taps.assign_add(noise)
    fit(model, blocks, config, config.steps, config.rate, seed)
    return model


def prune(config, blocks, model, seed, callbacks=()):
    """Shortens the filters in turns while they train."""
    steps = int(0.8 * config.prune_steps)
    callbacks = [TapPrune(config.prune_to, steps=steps, seed=seed), *callbacks]
    rate = config.rate / 2
    fit(model, blocks, config, config.prune_steps, rate, seed, callbacks)
    return model.pruned()


def quantize(config, blocks, real, tap_bits, signal_bits, seed):
    """Rounds the taps step by step; the signal too, if it has bits."""
    model = real.copied(
        method="taylor2" if signal_bits else "exact",
        train_kerr=True,
        formats=real.formats_for(tap_bits, signal_bits),
        input_gain=config.input_gain if signal_bits else 1.0,
    )
    model.choose_scales()
    every = max(1, config.steps // 10)
    start = every * len(_SHARES)
    free = sum(np.prod(layer.taps.shape) for layer in model.fir_layers)
    left = int(np.ceil(free * (1 - _SHARES[-1])))
    part = slice(config.closing_blocks)
    callbacks = [
        IncrementalFreeze(_SHARES, every=every),
        CoordinateClose(
            blocks[0][part],
            blocks[1][part],
            every=config.closing_every,
            start=start,
            sweeps=config.sweeps,
        ),
    ]
    steps = start + (left + 1) * config.closing_every
    rate = config.rate / 2
    fit(model, blocks, config, steps, rate, seed, callbacks)
    return model
