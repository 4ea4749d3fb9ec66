"""The rules that are compared, each with one setting for all data."""

import dataclasses

import keras
import numpy as np

from keras_bp.training import local_rules


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule of `local_rules`, and how it is used.

    Attributes:
        name: String, of `local_rules`.
        options: Dictionary of its options.
        has_labels: Boolean, whether labels are part of its inputs.
    """

    name: str
    options: dict = dataclasses.field(default_factory=dict)
    has_labels: bool = False


RULES = {
    "backprop": Rule("backprop"),
    "lagrangian": Rule("lagrangian"),
    "feedback_alignment": Rule("feedback_alignment"),
    "sign_symmetric": Rule("sign_symmetric"),
    "uniform_sign": Rule("uniform_sign"),
    "direct_feedback_alignment": Rule("direct_feedback_alignment"),
    "difference_target_propagation": Rule("difference_target_propagation"),
    "forward_forward": Rule("forward_forward", has_labels=True),
    # Labels that the model finds likely, by a linear layer that also infers.
    "forward_forward_linear": Rule(
        "forward_forward",
        {"inference": "linear", "negatives": "hard"},
        has_labels=True,
    ),
}


def make(name, network, compiled):
    """Function that returns a compiled model.

    Args:
        name: String, of `RULES`.
        network: Function of a boolean, whether inputs have room for a label,
            that returns a classifier.
        compiled: Boolean, whether XLA compiles the steps.
    """
    rule = RULES[name]

    def made():
        plain = network(rule.has_labels)
        model = local_rules()[rule.name](plain, **rule.options)
        model.compile(
            keras.optimizers.Adam(),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            jit_compile=compiled,
        )
        return model

    return made


def with_room(parts, classes):
    """Parts of a set whose examples begin with zeros for a label."""

    def wider(x):
        return np.concatenate([np.zeros((len(x), classes), x.dtype), x], axis=1)

    return {
        name: (wider(part[0]), part[1]) if isinstance(part, tuple) else part
        for name, part in parts.items()
    }
