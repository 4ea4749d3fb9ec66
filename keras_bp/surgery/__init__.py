"""Functions that take a model and return one that shares its weights."""

from keras_bp.surgery.change_output import change_output
from keras_bp.surgery.swap_activations import swap_activations

__all__ = [
    "change_output",
    "swap_activations",
]
