"""Metrics."""

from keras_bp.metrics.effective_snr import EffectiveSNR

__all__ = [
    "EffectiveSNR",
]
