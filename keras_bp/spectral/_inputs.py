"""Which models and latents have a Jacobian here."""

import keras

from keras_bp.spectral._parts import computing, parts_of
from keras_bp.spectral._tensorflow import check_backend, tf

_HALF = "float16"


def checked_latents(model, z, owner):
    """Latents as a tensor, of a model that can be differentiated.

    Args:
        model: What was given as the model.
        z: What was given as the latents.
        owner: String, who expects them.

    Returns:
        Float tensor `(batch, ...)`.
    """
    check_backend(owner)
    _check_model(model, owner)
    wanted = _input_dtype(model)
    given = z.dtype if hasattr(z, "dtype") else wanted
    given = keras.backend.standardize_dtype(given)
    if not tf.as_dtype(given).is_floating:
        raise TypeError(
            f"{owner} expects `z` to be real numbers, to differentiate by. "
            f"Received: z of dtype {given}"
        )
    is_tensor = keras.ops.is_tensor(z) or isinstance(z, keras.Variable)
    if not is_tensor:
        # As Keras does with arrays, which are float64 without being asked.
        z, given = tf.convert_to_tensor(z, wanted), wanted
    elif isinstance(z, keras.Variable):
        z = z.value
    z = tf.convert_to_tensor(z)
    for part in parts_of(model):
        inner = _input_dtype(part) if getattr(part, "inputs", None) else wanted
        _check_dtype(given, inner, owner)
    _check_dtype(given, wanted, owner)
    _check_shape(model, z, owner)
    return z


def check_outputs(outputs, z, owner):
    """Raises unless outputs are one real tensor, as precise as the latents."""
    if isinstance(outputs, (dict, list, tuple)):
        raise ValueError(
            f"{owner} expects a model of one output. Received: "
            f"{len(keras.tree.flatten(outputs))} outputs; build a model of the "
            "one that is meant"
        )
    if not outputs.dtype.is_floating:
        raise TypeError(
            f"{owner} expects a model with a real output. Received: an output "
            f"of dtype {outputs.dtype.name}"
        )
    if z.dtype == tf.float64 and outputs.dtype != tf.float64:
        raise ValueError(
            f"{owner} expects a model that computes in float64 for `z` of "
            f"float64. Received: an output of dtype {outputs.dtype.name}; cast "
            "`z`, or give the layers `dtype='float64'`"
        )
    if None in outputs.shape[1:]:
        raise ValueError(
            f"{owner} expects outputs of a known size. Received: an output of "
            f"the shape {tuple(outputs.shape)}"
        )


def _check_model(model, owner):
    if not isinstance(model, keras.Layer):
        raise TypeError(
            f"{owner} expects `model` to be a keras.Model or a layer. "
            f"Received: model={model!r}"
        )
    if not model.built:
        raise ValueError(
            f"{owner} expects a model that is built: give it a keras.Input, or "
            f"call it once. Received: model={model!r}, which is not"
        )
    for layer in computing(model):
        if layer.compute_dtype == _HALF:
            raise TypeError(
                f"{owner} expects layers that compute in bfloat16, float32 or "
                "float64: squares of derivatives overflow in float16. "
                f"Received: the layer {layer.name!r} "
                f"({type(layer).__name__}) with compute_dtype={_HALF!r}"
            )
    for kind in ("inputs", "outputs"):
        found = getattr(model, kind, None)
        if found is not None and len(found) != 1:
            raise ValueError(
                f"{owner} expects a model of one input and one output. "
                f"Received: a model with {len(found)} {kind}; build a model "
                "with the rest as constants"
            )


def _input_dtype(model):
    inputs = getattr(model, "inputs", None)
    found = inputs[0].dtype if inputs else model.input_dtype
    return keras.backend.standardize_dtype(found)


def _check_dtype(given, wanted, owner):
    if not tf.as_dtype(wanted).is_floating:
        raise TypeError(
            f"{owner} expects a model with a real input, to differentiate by. "
            f"Received: a model with an input of dtype {wanted}, as that of an "
            "Embedding; take the model behind it"
        )
    if _HALF in (given, wanted):
        raise TypeError(
            f"{owner} expects `z` in bfloat16, float32 or float64: squares of "
            f"derivatives overflow in float16. Received: z of dtype {given}, "
            f"and a model with an input of dtype {wanted}"
        )
    if given == "float64" and wanted != "float64":
        raise ValueError(
            f"{owner} expects `z` in the dtype of the model's input, which "
            f"would cast it down. Received: z of dtype {given}, and an input "
            f"of dtype {wanted}; cast `z`, or build the model with "
            "keras.Input(..., dtype='float64') and layers of "
            "`dtype='float64'`"
        )


def _check_shape(model, z, owner):
    inputs = getattr(model, "inputs", None)
    shape = tuple(z.shape)
    expected = tuple(inputs[0].shape) if inputs else (None,) * len(shape)
    fits = len(shape) == len(expected) >= 1 and all(
        None in pair or pair[0] == pair[1]
        for pair in zip(shape, expected, strict=True)
    )
    if not fits or None in shape[1:]:
        raise ValueError(
            f"{owner} expects `z` of the shape {expected}, with a known size. "
            f"Received: z of the shape {shape}"
        )
