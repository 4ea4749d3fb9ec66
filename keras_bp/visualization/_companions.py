"""What the methods that average attribution maps share."""

import keras
import numpy as np

from keras_bp.visualization.attributor import Attributor


def as_attributor(model, rule, options):
    """The attributor of a model, or one that was given in its place."""
    if isinstance(model, Attributor):
        if options:
            raise TypeError(
                "An Attributor has its options already, and its rule. "
                f"Received: {sorted(options)} with an Attributor"
            )
        return model
    return Attributor(model, rule, **options)


def single(x, owner):
    """Inputs as one float array, `(examples, ...)`."""
    if keras.tree.is_nested(x) and not isinstance(x, list):
        raise TypeError(
            f"{owner} expects one array of inputs. "
            f"Received: {type(x).__name__} of {len(x)}"
        )
    x = np.asarray(x)
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(keras.config.floatx())
    if x.ndim < 2:
        raise ValueError(
            f"{owner} expects inputs of the shape (examples, ...). "
            f"Received: shape {x.shape}"
        )
    return x


def fixed_target(attributor, x, target, batch_size, seed):
    """A target that stays the same where inputs are changed.

    Returns:
        The class of each example in place of `"max"` and `"random"`, or the
        target itself; of dense outputs `"max"` stays as it is.
    """
    if not isinstance(target, str):
        return target
    _, outputs = attributor.maps_and_outputs(x, "max", batch_size)
    if target == "random":
        rng = np.random.default_rng(seed)
        return rng.integers(outputs.shape[-1], size=len(x))
    return outputs.argmax(axis=1) if outputs.ndim == 2 else target
