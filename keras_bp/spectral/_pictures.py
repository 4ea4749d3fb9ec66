"""What the pictures of this room have in common."""

import numpy as np
from keras import ops


def images_of(outputs, image_shape, axes, owner):
    """Outputs as an array of images `(..., height, width[, channels])`.

    Args:
        outputs: Tensor with `axes` axes before those of an output.
        image_shape: Tuple, the shape of an image, or None for that of an
            output.
        axes: Integer.
        owner: String, who draws.
    """
    found = np.asarray(ops.convert_to_numpy(outputs), "float64")
    shape = tuple(found.shape[axes:] if image_shape is None else image_shape)
    fits = len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3))
    if not fits or np.prod(shape) != np.prod(found.shape[axes:]):
        raise ValueError(
            f"{owner} expects outputs that are images, of shape (height, "
            "width) or with 1 or 3 channels, or an `image_shape` of as many "
            f"numbers. Received: outputs of shape {found.shape[axes:]}, "
            f"image_shape={image_shape}"
        )
    found = found.reshape(*found.shape[:axes], *shape)
    return found[..., 0] if shape[2:] == (1,) else found


def draw(axes, image, low, high):
    """Draws an image whose black is `low` and whose white is `high`."""
    scaled = np.clip((image - low) / ((high - low) or 1.0), 0, 1)
    axes.imshow(scaled, cmap="gray", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])
