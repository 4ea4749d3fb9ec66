"""Data for examples and benchmarks; imports nothing else of ours."""

from keras_bp.datasets.dispersive_link import DispersiveLink
from keras_bp.datasets.gp_textures import gp_textures
from keras_bp.datasets.load_digits import load_digits
from keras_bp.datasets.load_piano_rolls import load_piano_rolls
from keras_bp.datasets.load_uci import UCI_NAMES, load_uci

__all__ = [
    "DispersiveLink",
    "UCI_NAMES",
    "gp_textures",
    "load_digits",
    "load_piano_rolls",
    "load_uci",
]
