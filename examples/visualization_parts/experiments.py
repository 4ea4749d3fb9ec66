"""What is measured of maps, one experiment a function."""

import keras
import numpy as np

from examples.visualization_parts import networks
from keras_bp.visualization import Attributor
from keras_bp.visualization.metrics import (
    adversarial_stability,
    class_distance,
    parameter_randomization,
    recovery_correlation,
)
from keras_bp.visualization.theory import (
    expected_guided_map,
    random_network,
)

RULES = ("saliency", "deconvnet", "guided")


def measured(model, x):
    """Recovery and class distance of each rule, means over images.

    Args:
        model: `keras.Model`.
        x: Array of images.

    Returns:
        Dictionary from a rule to `{"recovery": ..., "distance": ...}`.
    """
    found = {}
    for rule in RULES:
        attributor = Attributor(model, rule)
        maps, logits = attributor.maps_and_outputs(x, "max", 16)
        order = np.argsort(-logits, axis=1)
        # Of ten classes the sixth, as in the middle of the others.
        other = order[:, min(5, logits.shape[1] - 1)]
        far = class_distance(maps, attributor(x, other, 16))
        found[rule] = {
            "recovery": float(recovery_correlation(maps, x).mean()),
            "distance": float(far.mean()),
        }
    return found


def random_depths(images, depths, filters, pools, count, seed):
    """`measured` of random networks, by `"pool/depth"`."""
    keras.utils.set_random_seed(seed)
    x, found = images.test[:count], {}
    for pool in pools:
        for depth in depths:
            model = networks.convolutional(
                x.shape[1:], images.classes, depth, filters, pool
            )
            found[f"{pool}/{depth}"] = measured(model, x)
            keras.backend.clear_session()
    return found


def filters(images, numbers, count, seed):
    """How guided maps of one random layer come to their expectation.

    Returns:
        Dictionary from a number of filters to the correlation with the
        expected map and with the image, and the slope upon the former.
    """
    x, found = images.test[:count], {}
    for number in numbers:
        model = random_network(x.shape[1:], number, seed=seed)
        maps = Attributor(model, "guided")(x, 0, 4)
        expected = expected_guided_map(x, number)
        found[str(number)] = {
            "expected": float(recovery_correlation(maps, expected).mean()),
            "image": float(recovery_correlation(maps, x).mean()),
            "slope": float((maps * expected).sum() / (expected**2).sum()),
        }
        keras.backend.clear_session()
    return found


def limit(images, count):
    """How much of images the expected guided map has, whatever the filters."""
    x = images.test[:count]
    found = recovery_correlation(expected_guided_map(x, 1), x)
    return {"recovery": float(found.mean())}


def connections(images, units, filters, count, seed):
    """Recovery of guided maps without and with local connections."""
    keras.utils.set_random_seed(seed)
    x, found = images.test[:count], {}
    shape, classes = x.shape[1:], images.classes
    made = {f"{n} units": networks.dense(shape, classes, n) for n in units}
    made[f"{filters} filters"] = networks.convolutional(
        shape, classes, 1, filters
    )
    for name, model in made.items():
        found[name] = measured(model, x)["guided"]["recovery"]
    keras.backend.clear_session()
    return found


def learned(images, pool, settings, seed):
    """A trained network: `measured`, randomization, and an adversary.

    Args:
        images: `data.Images`.
        pool: As for `networks.convolutional`.
        settings: Dictionary of `depth`, `filters`, `epochs`, `count` and
            `epsilons`.
        seed: Integer.
    """
    model, accuracy = networks.trained(
        images,
        settings["depth"],
        settings["filters"],
        pool,
        settings["epochs"],
        seed,
    )
    x = images.test[: settings["count"]]
    found = {"accuracy": accuracy, "rules": measured(model, x)}
    for rule in RULES:
        own = found["rules"][rule]
        attributor = Attributor(model, rule)
        rows = parameter_randomization(
            attributor, x, similarity="correlation", seed=seed
        )
        own["randomized"] = [float(r["similarity"].mean()) for r in rows]
        own["stability"], own["flipped"] = _stability(
            attributor, x, settings["epsilons"]
        )
    keras.backend.clear_session()
    return found


def _stability(attributor, x, epsilons):
    """Similarity of maps where the class flipped, and how often it did.

    At the smallest step that flips a third of the images.
    """
    for epsilon in epsilons:
        found = adversarial_stability(attributor, x, epsilon)
        if found.flipped.mean() >= 1 / 3:
            break
    flipped = found.similarity[found.flipped]
    return float(flipped.mean()) if len(flipped) else None, float(
        found.flipped.mean()
    )
