"""Trains the filters of the learned family, each once."""

import dataclasses

import numpy as np

from examples.learned_dbp_parts import train
from examples.learned_dbp_parts.stages import training_blocks


def quantized_model(store, sweep, taps, bits):
    """Learned taps, rounded and closed one by one."""
    config = dataclasses.replace(store.config, sweeps=sweep.search_sweeps)
    return store.model(
        f"learned-{_label(taps)}-{bits}",
        lambda: train.quantize(
            config,
            training_blocks(store),
            real_model(store, sweep, taps),
            bits,
            sweep.trained_bits,
            0,
        ),
    )


def real_model(store, sweep, taps):
    """Learned taps that are not rounded; two lengths in turns are pruned."""
    config = store.config
    if isinstance(taps, int):
        config = dataclasses.replace(config, num_taps=taps)
        return store.model(
            f"learned-{taps}",
            lambda: train.learn(config, training_blocks(store), 0),
        )
    config = dataclasses.replace(
        config, prune_steps=sweep.prune_steps, prune_to=tuple(taps)
    )
    return store.model(
        f"learned-{_label(taps)}",
        lambda: train.prune(
            config,
            training_blocks(store),
            real_model(store, sweep, sweep.prune_from),
            0,
        ),
    )


def _label(taps):
    return "_".join(map(str, np.atleast_1d(taps).tolist()))
