"""Metrics of received symbols."""

from keras_bp.metrics.bit_error_rate import BitErrorRate, bit_error_rate
from keras_bp.metrics.effective_snr import EffectiveSNR
from keras_bp.metrics.error_vector_magnitude import error_vector_magnitude
from keras_bp.metrics.generalized_mutual_information import (
    generalized_mutual_information,
)
from keras_bp.metrics.q_factor import q_factor, q_factor_to_bit_error_rate
from keras_bp.metrics.qam_bit_error_rate import qam_bit_error_rate

__all__ = [
    "BitErrorRate",
    "EffectiveSNR",
    "bit_error_rate",
    "error_vector_magnitude",
    "generalized_mutual_information",
    "q_factor",
    "q_factor_to_bit_error_rate",
    "qam_bit_error_rate",
]
