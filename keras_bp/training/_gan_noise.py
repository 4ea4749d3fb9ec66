"""Noise that goes on from a file, or is the same each time for a while."""

import contextlib

import numpy as np
from keras import ops

from keras_bp.layers._seeded import SeededLayer

_STATE = "seed_generator_state"
_KEPT = "noise_"


class NoisyModel(SeededLayer):
    """Keeps the noise of all layers of a model, those of Keras among them.

    A layer such as `keras.layers.Dropout` does not keep its own. A file
    without these states loads all the same.
    """

    def _noise(self):
        own = self.seed_generator.state
        return [x for x in self.variables if x.name == _STATE and x is not own]

    def save_own_variables(self, store):
        super().save_own_variables(store)
        for index, state in enumerate(self._noise()):
            store[f"{_KEPT}{index}"] = ops.convert_to_numpy(state)

    def load_own_variables(self, store):
        # The keys by name: a store of Keras cannot be iterated.
        names = store.keys()
        kept = [name for name in names if name.startswith(_KEPT)]
        super().load_own_variables(
            {name: store[name] for name in names if name not in kept}
        )
        for index, state in enumerate(self._noise()):
            name = f"{_KEPT}{index}"
            if name in kept:
                state.assign(np.asarray(store[name]))


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
