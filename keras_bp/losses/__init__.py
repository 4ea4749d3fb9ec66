"""Loss functions."""

from keras_bp.losses.phase_aligned_error import (
    PhaseAlignedError,
    phase_aligned_error,
)

__all__ = [
    "PhaseAlignedError",
    "phase_aligned_error",
]
