"""What a backend of Keras can do."""

import warnings

import keras


def check_tensorflow(owner, why):
    """Raises `RuntimeError` unless Keras runs on TensorFlow.

    Args:
        owner: String, who needs it.
        why: String, what for.
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"{owner} needs the TensorFlow backend, {why}. "
            f"Received: {keras.backend.backend()!r}"
        )


def summing_dtype(is_exact, owner):
    """The dtype of exact sums: `"float32"` if that will do, else `"float64"`.

    Warns where that is float32 all the same, as JAX has it unless it is told.

    Args:
        is_exact: Boolean, whether float32 will do.
        owner: String, who sums.
    """
    if is_exact:
        return "float32"
    if keras.backend.backend() == "jax":
        import jax

        if not jax.config.jax_enable_x64:
            warnings.warn(
                f"{owner} sums in float64 to be exact, which JAX makes "
                "float32: set JAX_ENABLE_X64=1, or results can differ.",
                stacklevel=2,
            )
    return "float64"
