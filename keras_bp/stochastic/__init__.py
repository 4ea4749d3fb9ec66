"""What is asked of the stochastic nodes of a model."""

from keras_bp.stochastic.critic_error import critic_error
from keras_bp.stochastic.dice import DiceTerms, dice, dice_terms
from keras_bp.stochastic.explain import Explanation, explain
from keras_bp.stochastic.gradient_check import CheckReport, gradient_check
from keras_bp.stochastic.gradient_variance import (
    VarianceReport,
    gradient_variance,
)

__all__ = [
    "CheckReport",
    "DiceTerms",
    "Explanation",
    "VarianceReport",
    "critic_error",
    "dice",
    "dice_terms",
    "explain",
    "gradient_check",
    "gradient_variance",
]
