"""Checks of what metrics are handed, and the arrays that they count on."""

import numpy as np


def bits_of(name, values, *, owner):
    """Boolean array of `values`, which hold nothing but 0 and 1."""
    values = _array(values, name, owner)
    if values.dtype == bool:
        return values
    bits = values != 0
    wrong = values != bits
    if wrong.any():
        raise ValueError(
            f"{owner} expects `{name}` to hold 0 and 1; binarize it first. "
            f"Received: {np.unique(values[wrong])[:5]}"
        )
    return bits


def images_of(images, *, owner):
    """Boolean array of shape `(images, height, width)`."""
    bits = bits_of("images", images, owner=owner)
    shape = bits.shape
    if bits.ndim == 4 and shape[-1] == 1:
        bits = bits[..., 0]
    if bits.ndim != 3 or bits.size == 0:
        raise ValueError(
            f"{owner} expects `images` of shape (images, height, width) or "
            f"(images, height, width, 1), not empty. Received: shape={shape}"
        )
    return bits


def rolls_of(piano_rolls, *, owner):
    """Boolean array of shape `(rolls, time, pitches)`."""
    bits = bits_of("piano_rolls", piano_rolls, owner=owner)
    if bits.ndim != 3 or bits.size == 0:
        raise ValueError(
            f"{owner} expects `piano_rolls` of shape (rolls, time, pitches), "
            f"not empty. Received: shape={bits.shape}"
        )
    return bits


def features_of(name, features, *, owner, minimum):
    """Float64 array of shape `(samples, features)` without NaN."""
    features = _array(features, name, owner)
    if features.ndim != 2 or features.shape[1] == 0:
        raise ValueError(
            f"{owner} expects `{name}` of shape (samples, features). "
            f"Received: shape={features.shape}"
        )
    if len(features) < minimum:
        raise ValueError(
            f"{owner} expects `{name}` to hold {minimum} samples or more. "
            f"Received: shape={features.shape}"
        )
    return finite_of(name, features, owner=owner).astype("float64")


def finite_of(name, values, *, owner):
    """Array of the finite numbers `values`, in their own precision."""
    values = _array(values, name, owner)
    finite = np.isfinite(values)
    if not finite.all():
        raise ValueError(
            f"{owner} expects `{name}` to be finite. "
            f"Received: {np.sum(~finite)} values of {finite.size} that are not"
        )
    return values


def probabilities_of(probabilities, *, owner):
    """Float64 array of shape `(samples, classes)` whose rows add up to 1."""
    found = features_of("probabilities", probabilities, owner=owner, minimum=1)
    total = found.sum(axis=1)
    if found.min() < 0 or np.abs(total - 1).max() > 1e-2:
        raise ValueError(
            f"{owner} expects `probabilities` to be zero or greater and to "
            "add up to 1 over the classes, as those of a softmax. Received: "
            f"values from {found.min()}, sums from {total.min()} to "
            f"{total.max()}"
        )
    # What single or half precision lost.
    return found / total[:, None]


def _array(values, name, owner):
    values = np.asarray(values)
    if values.dtype.kind in "biuf":
        return values
    # Half precisions of other packages are of a kind of their own.
    if values.dtype.kind == "V" and values.dtype.names is None:
        return values.astype("float32")
    raise TypeError(
        f"{owner} expects `{name}` to be an array of real numbers. "
        f"Received: dtype={values.dtype}"
    )
