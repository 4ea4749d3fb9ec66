"""Noise that is the same each time, for a while."""

import contextlib

import numpy as np
from keras import ops

_STATE = "seed_generator_state"


@contextlib.contextmanager
def reseeded(model, seed):
    """Derives the noise of all layers of a model from a seed.

    At the end each generator of noise is where it was.

    Args:
        model: `keras.Model`.
        seed: Integer, or None to change nothing.
    """
    if seed is None:
        yield
        return
    states = [x for x in model.variables if x.name == _STATE]
    before = [ops.convert_to_numpy(state) for state in states]
    try:
        for state, entropy in zip(
            states, np.random.SeedSequence(seed).spawn(len(states)), strict=True
        ):
            words = entropy.generate_state(1) % 2**31
            state.assign([int(words[0]), 0])
        yield
    finally:
        for state, value in zip(states, before, strict=True):
            state.assign(value)
