"""The ways of training that are compared, each with one setting for all."""

import dataclasses

NONE = "none"


@dataclasses.dataclass(frozen=True)
class Method:
    """What is done to the network of the others while it is trained.

    Attributes:
        fine, coarse: Floats, rates of the masks of small and of large cells.
        per_sample: Boolean, whether each image has masks of its own.
        dropout: Float, rate of `Dropout` where the masks are.
        spatial_dropout: Float, the same of `SpatialDropout2D`.
        crop: Boolean, whether a random quarter of an image is seen.
    """

    fine: float = 0.0
    coarse: float = 0.0
    per_sample: bool = True
    dropout: float = 0.0
    spatial_dropout: float = 0.0
    crop: bool = False


METHODS = {
    NONE: Method(),
    "fine 0.3": Method(fine=0.3),
    "fine 0.75": Method(fine=0.75),
    "fine 0.9": Method(fine=0.9),
    "coarse 0.5": Method(coarse=0.5),
    "coarse 0.95": Method(coarse=0.95),
    "both 0.75+0.5": Method(fine=0.75, coarse=0.5),
    # The rates of the authors' demonstration, and their masks.
    "both 0.3+0.95": Method(fine=0.3, coarse=0.95),
    "shared 0.3+0.95": Method(fine=0.3, coarse=0.95, per_sample=False),
    "shared 0.75+0.5": Method(fine=0.75, coarse=0.5, per_sample=False),
    "dropout 0.3": Method(dropout=0.3),
    "spatial dropout 0.2": Method(spatial_dropout=0.2),
    "crop": Method(crop=True),
}
NAMES = tuple(METHODS)


def is_backdrop(name):
    """Whether a method masks gradients."""
    method = METHODS[name]
    return bool(method.fine or method.coarse)
