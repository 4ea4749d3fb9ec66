"""Callbacks that change layers of this package while a model trains."""

from keras_bp.callbacks.coordinate_close import CoordinateClose
from keras_bp.callbacks.incremental_freeze import IncrementalFreeze
from keras_bp.callbacks.slope_annealing import SlopeAnnealing
from keras_bp.callbacks.tap_prune import TapPrune

__all__ = [
    "CoordinateClose",
    "IncrementalFreeze",
    "SlopeAnnealing",
    "TapPrune",
]
