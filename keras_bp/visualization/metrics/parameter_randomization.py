"""Whether maps depend on what a model has learned."""

import math

import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp._children import frozen_weights
from keras_bp.visualization._companions import (
    as_attributor,
    fixed_target,
    single,
)
from keras_bp.visualization.metrics._pairs import SIMILARITIES, similarity_by

ORDERS = ("cascading", "part", "reverse", "independent", "only")
NOISES = ("normal", "permute")


def parameter_randomization(
    model, x, target="max", rule="saliency", order="cascading", **options
):
    """Compares maps with those of the model when layers are made random.

    Maps that do not change say nothing about what the model has learned. The
    weights are those of before when it returns or fails; meanwhile nothing
    else may use the model.

    Args:
        model: `keras.Model`, or an `Attributor`, which then has the rule.
        x: Array of inputs `(examples, ...)`.
        target: As for `Attributor`; `"max"` is the class of the model as it
            was, but for dense outputs, of which it is the largest of each
            place as it is then. Defaults to `"max"`.
        rule: String, of `Attributor`. Defaults to `"saliency"`.
        order: String. `"cascading"` (or `"part"`, since a part is left from
            below): layers from the last one to the first, one after another;
            `"reverse"`: from the first to the last; `"independent"` (or
            `"only"`): each alone. Defaults to `"cascading"`.
        **options: `similarity`, as for `random_logit` (default `"ssim"`);
            `noise`, `"normal"` for weights with the mean and the standard
            deviation that each had, or `"permute"` for the same weights in
            another order (default `"normal"`); `batch_size`; `seed`; and those
            of `Attributor`.

    Returns:
        List of dictionaries in the order of randomization: `"layer"`, the name
        of the layer that was made random, and `"similarity"`, an array
        `(examples,)`.

    Raises:
        ValueError: An argument is unknown, there are no trainable weights, or
            as `Attributor`.

    Reference:
        Adebayo et al., 2018, https://arxiv.org/abs/1810.03292;
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039, section 5.
    """
    owner = "parameter_randomization"
    similarity = options.pop("similarity", "ssim")
    noise = options.pop("noise", "normal")
    batch_size, seed = options.pop("batch_size", 32), options.pop("seed", None)
    _checks.check_one_of("order", order, ORDERS, owner=owner)
    _checks.check_one_of("noise", noise, NOISES, owner=owner)
    _checks.check_one_of("similarity", similarity, SIMILARITIES, owner=owner)
    x = single(x, owner)
    attributor = as_attributor(model, rule, options)
    target = fixed_target(attributor, x, target, batch_size, seed)
    before = attributor(x, target, batch_size, seed)
    groups = _groups(attributor.model, owner)
    if order != "reverse":
        groups.reverse()
    compare, rng = similarity_by(similarity), np.random.default_rng(seed)
    known = [
        ops.convert_to_numpy(w).copy() for _, weights in groups for w in weights
    ]
    rows = []
    try:
        for name, weights in groups:
            kept = [ops.convert_to_numpy(w).copy() for w in weights]
            for weight, value in zip(weights, kept, strict=True):
                weight.assign(_random(value, noise, rng))
            after = attributor(x, target, batch_size, seed)
            rows.append({"layer": name, "similarity": compare(before, after)})
            if order in ("independent", "only"):
                for weight, value in zip(weights, kept, strict=True):
                    weight.assign(value)
    finally:
        every = [w for _, weights in groups for w in weights]
        for weight, value in zip(every, known, strict=True):
            weight.assign(value)
    return rows


def _groups(model, owner):
    """Pairs of a layer's name and its own trainable weights, from below."""
    found = {}
    for weight in model.trainable_variables:
        path = weight.path.rsplit("/", 1)[0]
        found.setdefault(path, []).append(weight)
    frozen = sum(
        math.prod(weight.shape) for weight in frozen_weights(model).values()
    )
    if frozen:
        raise ValueError(
            f"{owner} expects a model that is trainable as a whole: what is "
            f"frozen would stay as it is. Received: {model.name!r} with "
            f"{frozen} weights in layers that are frozen"
        )
    if not found:
        raise ValueError(
            f"{owner} expects a model with trainable weights. "
            f"Received: {model.name!r} without any"
        )
    return list(found.items())


def _random(value, noise, rng):
    if noise == "permute":
        return rng.permutation(value.ravel()).reshape(value.shape)
    return rng.normal(value.mean(), value.std(), value.shape)
