"""Measures of attribution maps, and of what they depend on."""

from keras_bp.visualization.metrics.adversarial_stability import (
    AdversarialStability,
    adversarial_stability,
)
from keras_bp.visualization.metrics.class_distance import class_distance
from keras_bp.visualization.metrics.parameter_randomization import (
    parameter_randomization,
)
from keras_bp.visualization.metrics.random_logit import random_logit
from keras_bp.visualization.metrics.recovery_correlation import (
    recovery_correlation,
)
from keras_bp.visualization.metrics.structural_similarity import (
    structural_similarity,
)

__all__ = [
    "AdversarialStability",
    "adversarial_stability",
    "class_distance",
    "parameter_randomization",
    "random_logit",
    "recovery_correlation",
    "structural_similarity",
]
