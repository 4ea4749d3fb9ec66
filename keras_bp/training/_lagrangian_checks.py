"""What cannot be a constraint, and what to do about it.

Each function is given `owner`, the model that speaks in errors.
"""

import keras


def _error(owner, step, wrong, mend):
    layer = step.operation
    return ValueError(
        f"{owner} cannot train {step.name!r} "
        f"({type(layer).__module__}.{type(layer).__name__}): {wrong}. {mend}."
    )


def check_step(step, owner):
    """Raises `ValueError` unless an operation can be part of a constraint."""
    layer = step.operation
    if not isinstance(layer, keras.layers.Layer):
        return
    if getattr(layer, "activity_regularizer", None) is not None:
        raise _error(
            owner,
            step,
            "it has an `activity_regularizer`",
            "Regularize its weights instead",
        )
    if isinstance(layer, keras.layers.Masking) or getattr(
        layer, "mask_zero", False
    ):
        raise _error(
            owner,
            step,
            "it makes a mask, which values of neurons do not carry",
            "Use sequences of one length, and `sample_weight`",
        )
    if (
        isinstance(
            layer,
            (
                keras.layers.Bidirectional,
                keras.layers.ConvLSTM1D,
                keras.layers.ConvLSTM2D,
                keras.layers.ConvLSTM3D,
            ),
        )
        or type(layer) is keras.layers.RNN
    ):
        raise _error(
            owner,
            step,
            "its steps cannot be taken apart",
            "Use SimpleRNN, GRU or LSTM, two of them for both directions",
        )


def check_unknown(step, slot, owner):
    """Raises `ValueError` unless neurons have a size and real values."""
    if None in slot.shape[1:]:
        raise _error(
            owner,
            step,
            f"its output has no fixed size, but the shape {slot.shape}",
            "Give the model inputs of a fixed shape",
        )
    if "float" not in slot.dtype:
        raise _error(
            owner,
            step,
            f"its output is of type {slot.dtype}",
            "Neurons need real values",
        )


def check_known(steps, owner):
    """Raises `ValueError` if what was taken for data is to be trained now."""
    for step in steps:
        if getattr(step.operation, "trainable_weights", []):
            raise _error(
                owner,
                step,
                "it was frozen when the model was wrapped, and so it is taken "
                "for a part of the data",
                "Make it trainable first, and then wrap the model",
            )


def check_recurrent(step, source, owner):
    """Raises `ValueError` unless the steps of a layer can be unknowns."""
    layer, cell = step.operation, step.operation.cell
    if source.shape[1] is None:
        raise _error(
            owner,
            step,
            "its sequences have no fixed length",
            "Give the model inputs of a fixed shape",
        )
    if layer.stateful:
        raise _error(owner, step, "it is stateful", "Use stateful=False")
    if cell.dropout or cell.recurrent_dropout:
        raise _error(
            owner,
            step,
            "it has dropout inside",
            "Put a Dropout layer before it",
        )
    if len(step.args) > 1 or step.kwargs.get("initial_state") is not None:
        raise _error(
            owner, step, "it is given an initial state", "Let it begin at zero"
        )
    if step.kwargs.get("mask") is not None:
        raise _error(
            owner, step, "it is given a mask", "Use sequences of one length"
        )


def check_noise(steps, owner):
    """Raises `ValueError` if a layer is not the same at each visit."""
    for step in steps:
        if getattr(step.operation, "seed_generator", None) is not None:
            raise _error(
                owner,
                step,
                "its noise differs from visit to visit, and what persistent "
                "states keep of an example would not fit",
                'Use states="transient", or leave the layer out',
            )


def check_found(unknowns, model, owner):
    """Raises `ValueError` if nothing lies between inputs and outputs."""
    if not unknowns:
        raise ValueError(
            f"{owner} found no neurons between the inputs and the outputs of "
            f"{model.name!r}, so no layer can be trained by itself. Train it "
            "as it is, or add a hidden layer."
        )
