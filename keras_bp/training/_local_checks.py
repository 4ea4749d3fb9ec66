"""Which models the rules of local learning can train."""

import keras

from keras_bp._backend import check_tensorflow
from keras_bp.training._readable import is_readable

_LAYERS = keras.layers
# Steps of time are not layers, and a rule for these would be one for time.
_RECURRENT = (
    _LAYERS.RNN,
    _LAYERS.Bidirectional,
    _LAYERS.ConvLSTM1D,
    _LAYERS.ConvLSTM2D,
    _LAYERS.ConvLSTM3D,
)


def check_backend(owner):
    """Raises `RuntimeError` unless Keras runs on TensorFlow."""
    check_tensorflow(owner, "for its tape")


def check_model(model, owner):
    """Raises unless the graph of a model can be read."""
    check_backend(owner)
    kind = f"{type(model).__module__}.{type(model).__name__}"
    if not isinstance(model, keras.Model) or not is_readable(model):
        raise TypeError(
            f"{owner} expects `model` to be a Sequential or functional "
            f"keras.Model, whose graph it reads. Received: model of type {kind}"
        )
    if not model.built or not getattr(model, "inputs", None):
        raise ValueError(
            f"{owner} expects `model` to be built. Received: {model.name!r}, "
            "not built. Begin it with `keras.Input`."
        )


def layer_error(owner, layer, wrong, mend):
    """`ValueError` about one layer, by name."""
    kind = f"{type(layer).__module__}.{type(layer).__name__}"
    return ValueError(
        f"{owner} cannot train {layer.name!r} ({kind}): {wrong}. {mend}."
    )


def check_losses(steps, owner):
    """Raises `ValueError` if a layer that has just run has added a loss."""
    for step in steps:
        layer = step.operation
        if not isinstance(layer, _LAYERS.Layer):
            continue
        penalties = sum(
            w.regularizer is not None for w in layer.trainable_weights
        )
        if len(layer.losses) > penalties:
            raise layer_error(
                owner,
                layer,
                "it adds a loss in its `call`, which is no loss of the outputs",
                "Leave it out, or see keras_bp.training.FeedbackAlignmentModel",
            )


def check_steps(steps, owner):
    """Raises `ValueError` if a layer is none that a local rule is for."""
    for step in steps:
        layer = step.operation
        if not isinstance(layer, _LAYERS.Layer):
            continue
        if isinstance(layer, _RECURRENT):
            raise layer_error(
                owner,
                layer,
                "it is recurrent",
                "The rule is for dense and convolutional networks; see "
                "keras_bp.training.LagrangianModel",
            )
        if isinstance(layer, _LAYERS.Masking) or getattr(
            layer, "mask_zero", False
        ):
            raise layer_error(
                owner,
                layer,
                "it makes a mask, which is not carried on",
                "Use sequences of one length, and `sample_weight`",
            )
        if getattr(layer, "activity_regularizer", None) is not None:
            raise layer_error(
                owner,
                layer,
                "it has an `activity_regularizer`",
                "Regularize its weights instead",
            )
