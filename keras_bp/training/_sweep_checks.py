"""What a sweep of learning rates is given, checked."""

import hashlib

import keras
import numpy as np

from keras_bp import _checks

_OWNER = "learning_rate_sweep"
_PARTS = ("train", "validation", "test")


def check_arguments(methods, rates, seeds, epochs, batch_size):
    """Raises unless all are as `learning_rate_sweep` says.

    Returns:
        `rates` and `seeds`, lists of floats and of integers.
    """
    if not isinstance(methods, dict) or not methods:
        raise TypeError(
            f"{_OWNER} expects `methods` to be a dictionary from names to "
            f"functions that make models. Received: methods={methods!r}"
        )
    for name, make in methods.items():
        # A model can be called too, but makes none.
        made = isinstance(make, keras.layers.Layer)
        if not isinstance(name, str) or not callable(make) or made:
            raise TypeError(
                f"{_OWNER} expects `methods` to map strings to functions "
                "without arguments that return a new, compiled model. "
                f"Received: {name!r} with {make!r}"
            )
    rates = np.ravel(rates).tolist()
    for rate in rates:
        _checks.check_positive("rates", rate, owner=_OWNER)
    seeds = np.ravel(seeds).tolist()
    for seed in seeds:
        _checks.check_integer(
            "seeds", seed, owner=_OWNER, minimum=0, maximum=2**32 - 1
        )
    for argument, values in (("rates", rates), ("seeds", seeds)):
        if not values or len(set(values)) < len(values):
            raise ValueError(
                f"{_OWNER} expects `{argument}` to hold at least one number, "
                f"and each once. Received: {argument}={values}"
            )
    _checks.check_integer("epochs", epochs, owner=_OWNER, minimum=1)
    _checks.check_integer("batch_size", batch_size, owner=_OWNER, minimum=1)
    return [float(rate) for rate in rates], seeds


def check_model(method, model):
    """Raises unless a model is compiled and its learning rate a variable."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"{_OWNER} expects a function of `methods` to return a "
            f"keras.Model. Received: {type(model).__module__}."
            f"{type(model).__name__} by {method!r}"
        )
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        raise ValueError(
            f"{_OWNER} expects models that are compiled with an optimizer. "
            f"Received: a model without one by {method!r}"
        )
    if not isinstance(optimizer.learning_rate, keras.Variable):
        raise ValueError(
            f"{_OWNER} expects optimizers whose learning rate is a number, to "
            "be replaced by those of `rates`. Received: a schedule or a "
            f"function by {method!r}"
        )
    critics = getattr(model, "critic_options", None)
    if getattr(critics, "replay", None) is not None:
        raise ValueError(
            f"{_OWNER} expects critics without a replay, whose tuples the "
            f"next run would not forget. Received: one with it by {method!r}"
        )


def checked_data(data, seed):
    """The parts of the data, as arrays.

    Args:
        data: See `learning_rate_sweep`.
        seed: Integer.

    Returns:
        The name of the set or None, and a dictionary from a part to a tuple.
    """
    found = data(seed) if callable(data) else data
    if not isinstance(found, dict):
        raise TypeError(
            f"{_OWNER} expects `data` to be a dictionary of (x, y) under "
            "'train' and 'validation', or a function that returns one for a "
            f"seed. Received: {type(found).__module__}.{type(found).__name__}"
        )
    found = dict(found)
    name = found.pop("name", None)
    missing = {"train", "validation"} - set(found)
    if missing or set(found) - set(_PARTS):
        raise ValueError(
            f"{_OWNER} expects `data` to hold 'train' and 'validation', and "
            "perhaps 'test' and 'name'. Received: "
            f"{sorted([*found, *(['name'] if name else [])])}"
        )
    arrays = {}
    for part in (part for part in _PARTS if part in found):
        given = found[part]
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            raise ValueError(
                f"{_OWNER} expects {part!r} of `data` to be (x, y) or "
                f"(x, y, sample_weight). Received: {type(given).__module__}."
                f"{type(given).__name__}"
            )
        _checks.check_arrays(f"data[{part!r}]", tuple(given), owner=_OWNER)
        arrays[part] = keras.tree.map_structure(_array, tuple(given))
        shapes = [x.shape for x in keras.tree.flatten(arrays[part])]
        lengths = {shape[0] if shape else 0 for shape in shapes}
        if len(lengths) > 1 or 0 in lengths:
            raise ValueError(
                f"{_OWNER} expects arrays of {part!r} to hold as many "
                f"examples, one or more. Received: shapes {shapes}"
            )
    return name, arrays


def _array(x):
    # As by `fit`.
    x = np.asarray(x)
    return x.astype(keras.config.floatx()) if x.dtype == "float64" else x


def digest(arrays):
    """A short string that differs for other data."""
    found = hashlib.blake2b(digest_size=8)
    for part, values in arrays.items():
        found.update(part.encode())
        for value in keras.tree.flatten(values):
            found.update(f"{value.dtype} {value.shape}".encode())
            found.update(np.ascontiguousarray(value).data)
    return found.hexdigest()
