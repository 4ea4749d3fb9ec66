"""Callbacks for layers of this package while a model trains."""

from keras_bp.callbacks.backdrop_rate_schedule import BackdropRateSchedule
from keras_bp.callbacks.coordinate_close import CoordinateClose
from keras_bp.callbacks.critic_error import CriticError
from keras_bp.callbacks.gradient_bias import GradientBias
from keras_bp.callbacks.gradient_noise_probe import GradientNoiseProbe
from keras_bp.callbacks.gradient_variance import GradientVariance
from keras_bp.callbacks.implicit_diagnostics import ImplicitDiagnostics
from keras_bp.callbacks.incremental_freeze import IncrementalFreeze
from keras_bp.callbacks.lagrangian_diagnostics import LagrangianDiagnostics
from keras_bp.callbacks.sample_grid import SampleGrid, image_grid
from keras_bp.callbacks.sample_metrics import SampleMetrics
from keras_bp.callbacks.slope_annealing import SlopeAnnealing
from keras_bp.callbacks.spectrum_monitor import SpectrumMonitor, SpectrumReport
from keras_bp.callbacks.tap_prune import TapPrune
from keras_bp.callbacks.temperature_schedule import TemperatureSchedule
from keras_bp.callbacks.update_angles import UpdateAngles

__all__ = [
    "BackdropRateSchedule",
    "CoordinateClose",
    "CriticError",
    "GradientBias",
    "GradientNoiseProbe",
    "GradientVariance",
    "ImplicitDiagnostics",
    "IncrementalFreeze",
    "LagrangianDiagnostics",
    "SampleGrid",
    "SampleMetrics",
    "SlopeAnnealing",
    "SpectrumMonitor",
    "SpectrumReport",
    "TapPrune",
    "TemperatureSchedule",
    "UpdateAngles",
    "image_grid",
]
