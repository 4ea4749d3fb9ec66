"""Maps of many random networks, each with new weights."""

import numpy as np

from keras_bp.visualization import Attributor


def drawn_maps(model, rule, image, draws, stds, seed=0):
    """Array `(draws, height, width, channels)` of maps of class 0.

    Args:
        model: Of `random_network`.
        rule: String.
        image: Array `(height, width, channels)`.
        draws: Integer.
        stds: Pair, of the kernel and the head.
        seed: Integer.
    """
    rng = np.random.default_rng(seed)
    attributor, found = Attributor(model, rule), []
    for _ in range(draws):
        for weight, std in zip(model.weights, stds, strict=True):
            weight.assign(rng.normal(0, std, weight.shape))
        found.append(attributor(image[None], 0)[0])
    return np.array(found, "float64")
