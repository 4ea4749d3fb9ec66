"""Whether maps depend on the class."""

import numpy as np

from keras_bp import _checks
from keras_bp.visualization._companions import as_attributor, single
from keras_bp.visualization.metrics._pairs import SIMILARITIES, similarity_by


def random_logit(
    model,
    x,
    rule="saliency",
    similarity="ssim",
    batch_size=32,
    seed=None,
    **options,
):
    """Compares maps of the largest class with those of another at random.

    What explains a class is another thing for another class: similar maps are
    a bad sign.

    Args:
        model: `keras.Model` with outputs `(examples, classes)`, or an
            `Attributor`, which then has the rule.
        x: Array of inputs `(examples, ...)`.
        rule: String, of `Attributor`. Defaults to `"saliency"`.
        similarity: String, `"ssim"`, `"correlation"`, `"cosine"`, or
            `"distance"` (`class_distance`). Defaults to `"ssim"`.
        batch_size: Positive integer. Defaults to `32`.
        seed: Integer or None, of the other classes. Defaults to `None`.
        **options: Those of `Attributor`.

    Returns:
        Array `(examples,)`.

    Raises:
        ValueError: There are fewer than two classes, or as `Attributor`.

    Reference:
        Sixt et al., 2020, https://arxiv.org/abs/1912.09818.
    """
    owner = "random_logit"
    _checks.check_one_of("similarity", similarity, SIMILARITIES, owner=owner)
    x = single(x, owner)
    attributor = as_attributor(model, rule, options)
    maps, outputs = attributor.maps_and_outputs(x, "max", batch_size)
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise ValueError(
            f"{owner} expects outputs (examples, classes) of at least two "
            f"classes. Received: shape {outputs.shape}"
        )
    classes = outputs.shape[1]
    step = np.random.default_rng(seed).integers(1, classes, size=len(x))
    others = (outputs.argmax(1) + step) % classes
    return similarity_by(similarity)(maps, attributor(x, others, batch_size))
