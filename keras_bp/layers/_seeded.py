"""Saves the state of the noise with a layer."""

import numpy as np
from keras import ops

_KEY = "seed_generator_state"


class SeededLayer:
    """Keeps the state of `seed_generator` in `.keras` and weight files.

    Keras itself does not, and so a resumed training replays its noise. A file
    without the state loads all the same.
    """

    seed_generator = None

    def save_own_variables(self, store):
        super().save_own_variables(store)
        if self.seed_generator is not None:
            state = ops.convert_to_numpy(self.seed_generator.state)
            store[_KEY] = np.asarray(state)

    def load_own_variables(self, store):
        # The keys by name: a store of Keras cannot be iterated.
        names = store.keys()
        own = {name: store[name] for name in names}
        state = own.pop(_KEY, None)
        super().load_own_variables(own)
        if self.seed_generator is not None and state is not None:
            self.seed_generator.state.assign(np.asarray(state))
