"""Angles between the steps of a rule and those of backpropagation."""

import numpy as np
from keras import ops


def update_angles(model, x, y, sample_weight=None):
    """Compares two gradients, layer by layer; see `LocalModel`.

    Args:
        model: Model with `local_gradients` and `backprop_gradients`, and
            perhaps `feedback_pairs`.
        x, y, sample_weight: A batch.
    """
    local = model.local_gradients(x, y, sample_weight)
    names = layer_names([weight for weight, _ in local])
    true = {
        id(weight): gradient
        for weight, gradient in model.backprop_gradients(x, y, sample_weight)
    }
    layers = {}
    for weight, gradient in local:
        other = true.get(id(weight))
        if gradient is not None and other is not None:
            pairs = layers.setdefault(names[id(weight)], [])
            pairs.append(_flat(gradient, other))
    found = {}
    for name, pairs in layers.items():
        ours, theirs = (np.concatenate(x) for x in zip(*pairs, strict=True))
        norms = np.linalg.norm(ours), np.linalg.norm(theirs)
        found[name] = {
            "angle": angle(ours, theirs),
            "ratio": float(norms[0] / max(norms[1], 1e-30)),
        }
    aligned = {}
    for weight, feedback in getattr(model, "feedback_pairs", list)():
        # A layer that is not trained has an alignment all the same.
        name = names.get(id(weight)) or layer_names([weight])[id(weight)]
        aligned.setdefault(name, []).append(_flat(weight, feedback))
    for name, pairs in aligned.items():
        both = (np.concatenate(x) for x in zip(*pairs, strict=True))
        found.setdefault(name, {})["alignment"] = angle(*both)
    return found


def layer_names(weights):
    """Dictionary from the id of a weight to a name of its layer.

    The last part of its path, or all of it where layers of models inside a
    model share a name.
    """
    paths = {id(w): w.path.rpartition("/")[0] or w.path for w in weights}
    short = {path: path.rpartition("/")[2] for path in paths.values()}
    counts = [*short.values()]
    return {
        key: path if counts.count(short[path]) > 1 else short[path]
        for key, path in paths.items()
    }


def angle(a, b):
    """The angle between two vectors in degrees, 90 where one is zero.

    It is NaN where one is not finite.
    """
    norm = np.linalg.norm(a) * np.linalg.norm(b)
    if norm == 0:
        return 90.0
    return float(np.degrees(np.arccos(np.clip(np.dot(a, b) / norm, -1, 1))))


def _flat(*tensors):
    return [
        np.asarray(
            ops.convert_to_numpy(ops.convert_to_tensor(x)), "float64"
        ).ravel()
        for x in tensors
    ]
