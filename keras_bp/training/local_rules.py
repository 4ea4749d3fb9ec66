"""The rules of local learning, by name, and backpropagation."""

import functools

import keras

from keras_bp.training._local_checks import check_model
from keras_bp.training._local_model import BackpropModel
from keras_bp.training.difference_target_propagation_model import (
    DifferenceTargetPropagationModel,
)
from keras_bp.training.direct_feedback_alignment_model import (
    DirectFeedbackAlignmentModel,
)
from keras_bp.training.feedback_alignment_model import FeedbackAlignmentModel
from keras_bp.training.forward_forward_model import ForwardForwardModel
from keras_bp.training.lagrangian_model import LagrangianModel


def local_rules():
    """Lists what might replace backpropagation, with one interface.

    For comparing rules on one network: each function wraps a classifier, whose
    weights it shares, in a model that is compiled, fitted, evaluated and saved
    as any other, and has `update_angles` for
    `keras_bp.callbacks.UpdateAngles`.

    `"forward_forward"` takes the classifier without its last dense layer,
    whose units it counts as classes, and the activation behind it; what the
    classifier itself would predict is not trained.

    Returns:
        Dictionary from a name to a function of a model and options, those of
        the class that it makes: `"backprop"`, `"lagrangian"`,
        `"feedback_alignment"`, `"sign_symmetric"` and `"uniform_sign"` (both of
        `FeedbackAlignmentModel`), `"direct_feedback_alignment"`,
        `"difference_target_propagation"` and `"forward_forward"`.

    Example:

    >>> import keras
    >>> from keras_bp.training import local_rules
    >>> for name, make in local_rules().items():
    ...     net = keras.Sequential([
    ...         keras.Input((20,)),
    ...         keras.layers.Dense(8, activation="relu"),
    ...         keras.layers.Dense(3),
    ...     ])
    ...     model = make(net)
    ...     model.compile(
    ...         "adam", keras.losses.SparseCategoricalCrossentropy(True)
    ...     )
    >>> name
    'forward_forward'
    """
    return {
        "backprop": BackpropModel,
        "lagrangian": LagrangianModel,
        "feedback_alignment": FeedbackAlignmentModel,
        "sign_symmetric": functools.partial(
            FeedbackAlignmentModel, feedback="sign_symmetric"
        ),
        "uniform_sign": functools.partial(
            FeedbackAlignmentModel, feedback="uniform_sign"
        ),
        "direct_feedback_alignment": DirectFeedbackAlignmentModel,
        "difference_target_propagation": DifferenceTargetPropagationModel,
        "forward_forward": _forward_forward,
    }


def _forward_forward(model, **options):
    hidden, classes = _without_classes(model)
    return ForwardForwardModel(hidden, **{"num_classes": classes, **options})


def _without_classes(model):
    """The hidden layers of a classifier, and its number of classes."""
    check_model(model, "local_rules")
    if len(model.outputs) != 1:
        raise ValueError(
            "local_rules expects a classifier with one output, for "
            f"'forward_forward'. Received: {model.name!r}, with "
            f"{len(model.outputs)}"
        )
    layers = list(model.layers)
    while layers and isinstance(
        layers[-1], (keras.layers.Activation, keras.layers.Softmax)
    ):
        layers.pop()
    last = layers[-1] if layers else None
    if not isinstance(last, keras.layers.Dense):
        kind = f"{type(last).__module__}.{type(last).__name__}"
        raise ValueError(
            "local_rules expects a classifier whose last layer is Dense, for "
            f"'forward_forward'. Received: {model.name!r}, which ends with "
            f"{kind}; or wrap its hidden layers in ForwardForwardModel"
        )
    return keras.Model(model.inputs, last.input), last.units
