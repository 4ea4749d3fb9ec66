"""Tensor functions with a defined forward and backward pass."""

from keras_bp.ops import estimators
from keras_bp.ops.binarize import binarize
from keras_bp.ops.binary_estimators import (
    BinaryEstimator,
    BinaryForward,
    binary_estimators,
    get_binary_estimator,
    register_binary_estimator,
)
from keras_bp.ops.fir import (
    complex_taps_to_real,
    fir,
    pad_signal,
    padding_lengths,
    symmetric_taps,
)
from keras_bp.ops.fixed_point import FixedPoint
from keras_bp.ops.guided_relu import guided_relu
from keras_bp.ops.kerr_rotation import kerr_rotation
from keras_bp.ops.mask_gradient import backdrop_mask, mask_gradient
from keras_bp.ops.node_distribution import node_distribution
from keras_bp.ops.node_estimators import (
    NodeEstimate,
    NodeEstimator,
    NodeProblem,
    get_node_estimator,
    node_estimators,
    register_node_estimator,
)
from keras_bp.ops.proximal_sigmoid import proximal_sigmoid
from keras_bp.ops.proximal_softmax import proximal_softmax
from keras_bp.ops.proximal_squared import proximal_squared
from keras_bp.ops.proximal_unit import proximal_unit
from keras_bp.ops.quantize_fixed_point import (
    fixed_point_step,
    overflow_rate,
    quantize_fixed_point,
)
from keras_bp.ops.signed_digits import signed_digits

__all__ = [
    "BinaryEstimator",
    "BinaryForward",
    "FixedPoint",
    "NodeEstimate",
    "NodeEstimator",
    "NodeProblem",
    "backdrop_mask",
    "binarize",
    "binary_estimators",
    "complex_taps_to_real",
    "estimators",
    "fir",
    "fixed_point_step",
    "get_binary_estimator",
    "get_node_estimator",
    "guided_relu",
    "kerr_rotation",
    "mask_gradient",
    "node_distribution",
    "node_estimators",
    "overflow_rate",
    "pad_signal",
    "padding_lengths",
    "proximal_sigmoid",
    "proximal_softmax",
    "proximal_squared",
    "proximal_unit",
    "quantize_fixed_point",
    "register_binary_estimator",
    "register_node_estimator",
    "signed_digits",
    "symmetric_taps",
]
