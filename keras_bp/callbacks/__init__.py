"""Callbacks for `model.fit`."""

from keras_bp.callbacks.slope_annealing import SlopeAnnealing

__all__ = [
    "SlopeAnnealing",
]
