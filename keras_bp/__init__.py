"""Backpropagation, and what can be done to it, as parts for Keras models."""

from keras_bp import (
    callbacks,
    datasets,
    layers,
    losses,
    metrics,
    ops,
    optics,
    spectral,
    stochastic,
    surgery,
    training,
    visualization,
)
from keras_bp._version import __version__

__all__ = [
    "__version__",
    "callbacks",
    "datasets",
    "layers",
    "losses",
    "metrics",
    "ops",
    "optics",
    "spectral",
    "stochastic",
    "surgery",
    "training",
    "visualization",
]
