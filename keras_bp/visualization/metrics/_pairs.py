"""What measures that compare maps share."""

import numpy as np

from keras_bp import _checks

SIMILARITIES = ("correlation", "cosine", "ssim", "distance")


def flat_pair(first, second, owner):
    """Two arrays of examples, each flattened, in double precision."""
    first = _checks.as_floats("first", first, owner=owner)
    second = _checks.as_floats("second", second, owner=owner)
    if first.shape != second.shape or first.ndim < 2 or not len(first):
        raise ValueError(
            f"{owner} expects two arrays of one shape (examples, ...), of at "
            f"least one example. Received: {first.shape} and {second.shape}"
        )
    count = len(first)
    return first.reshape(count, -1), second.reshape(count, -1)


def cosine(first, second):
    """Of rows; zero where one of them is."""
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    products = np.einsum("ij,ij->i", first, second)
    return np.divide(
        products, norms, out=np.zeros_like(products), where=norms != 0
    )


def similarity_by(name):
    """The function of two arrays of maps that a similarity names."""
    from keras_bp.visualization.metrics import (
        class_distance,
        recovery_correlation,
        structural_similarity,
    )

    return {
        "correlation": recovery_correlation,
        "cosine": lambda a, b: cosine(*flat_pair(a, b, "cosine")),
        "ssim": structural_similarity,
        "distance": class_distance,
    }[name]
