"""Metrics of received symbols, and of generated bits."""

from keras_bp.metrics.bit_error_rate import BitErrorRate, bit_error_rate
from keras_bp.metrics.class_histogram import class_histogram, classes_hit
from keras_bp.metrics.classifier_score import (
    batch_classifier_scores,
    classifier_score,
)
from keras_bp.metrics.connected_components import connected_components
from keras_bp.metrics.effective_snr import EffectiveSNR
from keras_bp.metrics.error_vector_magnitude import error_vector_magnitude
from keras_bp.metrics.flip_ratio import FlipRatio
from keras_bp.metrics.frechet_distance import (
    frechet_distance,
    gaussian_frechet_distance,
)
from keras_bp.metrics.generalized_mutual_information import (
    generalized_mutual_information,
)
from keras_bp.metrics.hamming_distance import (
    hamming_distance,
    same_latent_distance,
)
from keras_bp.metrics.isolated_pixels import isolated_pixels
from keras_bp.metrics.nearest_hamming_distance import nearest_hamming_distance
from keras_bp.metrics.on_fraction import on_fraction
from keras_bp.metrics.polyphony_rate import polyphony_rate
from keras_bp.metrics.preactivation_histogram import (
    PreactivationHistogram,
    preactivation_histogram,
)
from keras_bp.metrics.precision_recall_density_coverage import (
    PRDC,
    precision_recall_density_coverage,
)
from keras_bp.metrics.q_factor import q_factor, q_factor_to_bit_error_rate
from keras_bp.metrics.qam_bit_error_rate import qam_bit_error_rate
from keras_bp.metrics.qualified_note_rate import qualified_note_rate
from keras_bp.metrics.total_variation import total_variation
from keras_bp.metrics.used_pitches import used_pitches

__all__ = [
    "BitErrorRate",
    "EffectiveSNR",
    "FlipRatio",
    "PRDC",
    "PreactivationHistogram",
    "batch_classifier_scores",
    "bit_error_rate",
    "class_histogram",
    "classes_hit",
    "classifier_score",
    "connected_components",
    "error_vector_magnitude",
    "frechet_distance",
    "gaussian_frechet_distance",
    "generalized_mutual_information",
    "hamming_distance",
    "isolated_pixels",
    "nearest_hamming_distance",
    "on_fraction",
    "polyphony_rate",
    "preactivation_histogram",
    "precision_recall_density_coverage",
    "q_factor",
    "q_factor_to_bit_error_rate",
    "qam_bit_error_rate",
    "qualified_note_rate",
    "same_latent_distance",
    "total_variation",
    "used_pitches",
]
