"""Functions that take a model and return one that shares its weights."""

from keras_bp.surgery.change_output import change_output
from keras_bp.surgery.insert_backdrop import insert_backdrop
from keras_bp.surgery.receptive_field import ReceptiveField, receptive_field
from keras_bp.surgery.swap_activations import swap_activations

__all__ = [
    "ReceptiveField",
    "change_output",
    "insert_backdrop",
    "receptive_field",
    "swap_activations",
]
