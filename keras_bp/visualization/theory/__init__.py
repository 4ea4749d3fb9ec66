"""What attribution maps of random networks are, in closed form."""

from keras_bp.visualization.theory.expected_guided_map import (
    expected_guided_map,
)
from keras_bp.visualization.theory.filters_needed import (
    filters_needed,
    guided_patch_error,
)
from keras_bp.visualization.theory.noise_variance import (
    noise_correlation,
    noise_variance,
)
from keras_bp.visualization.theory.random_network import random_network

__all__ = [
    "expected_guided_map",
    "filters_needed",
    "guided_patch_error",
    "noise_correlation",
    "noise_variance",
    "random_network",
]
