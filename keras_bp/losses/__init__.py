"""Loss functions."""

from keras_bp.losses.pairwise_auc import PairwiseAUC
from keras_bp.losses.partial_auc import PartialAUC
from keras_bp.losses.phase_aligned_error import (
    PhaseAlignedError,
    phase_aligned_error,
)
from keras_bp.losses.precision_at_recall import PrecisionAtRecall
from keras_bp.losses.soft_f_beta import SoftFBeta
from keras_bp.losses.spectral_penalty import SpectralPenalty

__all__ = [
    "PairwiseAUC",
    "PartialAUC",
    "PhaseAlignedError",
    "PrecisionAtRecall",
    "SoftFBeta",
    "SpectralPenalty",
    "phase_aligned_error",
]
