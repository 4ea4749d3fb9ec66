"""Whether maps change when an adversary changes the class."""

import dataclasses

import numpy as np

from keras_bp import _checks
from keras_bp.visualization._companions import as_attributor, single
from keras_bp.visualization.attributor import Attributor
from keras_bp.visualization.metrics._pairs import SIMILARITIES, similarity_by


@dataclasses.dataclass(frozen=True)
class AdversarialStability:
    """What a step of an adversary did to maps.

    Attributes:
        similarity: Array `(examples,)`, of the maps of the largest class
            before and after.
        flipped: Boolean array `(examples,)`, whether that class changed.
        images: Array, the inputs after the step.
    """

    similarity: np.ndarray
    flipped: np.ndarray
    images: np.ndarray


def adversarial_stability(
    model,
    x,
    epsilon,
    rule="saliency",
    similarity="correlation",
    bounds=None,
    **options,
):
    r"""Compares maps before and after a step of the fast gradient sign method.

    .. math:: x' = x + \epsilon \operatorname{sign} \nabla_x
        (-\log p_k(x)), \quad k = \arg\max_j p_j(x)

    A map that explains the class has to change with it: where `flipped` is
    true, similar maps are a bad sign.

    Args:
        model: `keras.Model` with outputs `(examples, classes)`, or an
            `Attributor`, which then has the rule.
        x: Array of inputs `(examples, ...)`.
        epsilon: Float, zero or more, in the units of `x`.
        rule: String, of `Attributor`. Defaults to `"saliency"`.
        similarity: String, as for `random_logit`. Defaults to
            `"correlation"`.
        bounds: Pair of numbers between which inputs stay, or None.
            Defaults to `None`.
        **options: `batch_size`, and those of `Attributor`.

    Returns:
        `AdversarialStability`.

    Raises:
        ValueError: An argument is out of range, or as `Attributor`.

    Reference:
        Goodfellow et al., 2015, https://arxiv.org/abs/1412.6572;
        Nie, Zhang and Patel, 2018, https://arxiv.org/abs/1805.07039, Fig. 6.
    """
    owner = "adversarial_stability"
    _checks.check_not_negative("epsilon", epsilon, owner=owner)
    _checks.check_one_of("similarity", similarity, SIMILARITIES, owner=owner)
    batch_size = options.pop("batch_size", 32)
    x = single(x, owner)
    attributor = as_attributor(model, rule, options)
    before, outputs = attributor.maps_and_outputs(x, "max", batch_size)
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise ValueError(
            f"{owner} expects outputs (examples, classes) of at least two. "
            f"Received: shape {outputs.shape}"
        )
    plain = Attributor(attributor.model, output=attributor.output)
    slope = plain(x, _surprise, batch_size)
    images = (x + epsilon * np.sign(slope)).astype(x.dtype)
    if bounds is not None:
        images = np.clip(images, *bounds)
    after, changed = attributor.maps_and_outputs(images, "max", batch_size)
    return AdversarialStability(
        similarity_by(similarity)(before, after),
        outputs.argmax(1) != changed.argmax(1),
        images,
    )


def _surprise(logits):
    """Minus the logarithm of the largest probability."""
    import tensorflow as tf

    return tf.reduce_logsumexp(logits, -1) - tf.reduce_max(logits, -1)
