"""Data for examples and benchmarks; imports nothing else of ours."""

from keras_bp.datasets.dispersive_link import DispersiveLink
from keras_bp.datasets.load_digits import load_digits

__all__ = [
    "DispersiveLink",
    "load_digits",
]
