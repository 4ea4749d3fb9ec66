"""All outcomes of the random masks of Backdrop, with their chances."""

import itertools

import numpy as np

from keras_bp import _random


def outcomes(cells, rate):
    """Yields noise for each set of survivors, and its chance.

    Dropped cells get noise below the rate, survivors above it. Where all are
    dropped, each place of the largest is one outcome, of equal chance.
    """
    for kept in itertools.product([0, 1], repeat=cells):
        number = sum(kept)
        chance = rate ** (cells - number) * (1 - rate) ** number
        noise = np.where(kept, 0.5 + rate / 2, rate / 2).astype("float32")
        if number:
            yield noise, chance
            continue
        for cell in range(cells):
            u = noise.copy()
            u[cell] = 0.9 * rate
            yield u, chance / cells


def give_noise(monkeypatch, layers):
    """Lets layers draw what is put into the dictionary that is returned.

    Its keys are the places of the layers in the list; noise has the shape of
    the mask, or one that broadcasts to it.
    """
    given = {}
    places = {
        id(layer.seed_generator): place for place, layer in enumerate(layers)
    }

    def draw(shape, seed_generator, dtype="float32"):
        noise = given[places[id(seed_generator)]]
        return lambda shape: np.broadcast_to(noise, shape).astype(dtype)

    monkeypatch.setattr(_random, "deferred_uniform", draw)
    return given
