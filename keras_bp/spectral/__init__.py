"""Jacobians of a model, and functions of their spectrum."""

from keras_bp.spectral.ascend_likelihood import Ascent, ascend_likelihood
from keras_bp.spectral.implicit_log_likelihood import implicit_log_likelihood
from keras_bp.spectral.jacobian_operator import JacobianOperator
from keras_bp.spectral.log_det_metric import log_det_metric
from keras_bp.spectral.penalized import Penalized
from keras_bp.spectral.plot_ascent import plot_ascent
from keras_bp.spectral.plot_traversal import plot_traversal
from keras_bp.spectral.spectral_sum import SpectralSum
from keras_bp.spectral.spectrum import spectrum
from keras_bp.spectral.top_singular import TopSingular, top_singular
from keras_bp.spectral.traverse import Traversal, traverse

__all__ = [
    "Ascent",
    "JacobianOperator",
    "Penalized",
    "SpectralSum",
    "TopSingular",
    "Traversal",
    "ascend_likelihood",
    "implicit_log_likelihood",
    "log_det_metric",
    "plot_ascent",
    "plot_traversal",
    "spectrum",
    "top_singular",
    "traverse",
]
