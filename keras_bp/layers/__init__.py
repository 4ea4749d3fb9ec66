"""Drop-in Keras layers."""

from keras_bp.layers.backdrop_mask import BackdropMask
from keras_bp.layers.binary_neuron import BinaryNeuron
from keras_bp.layers.cost_node import CostNode
from keras_bp.layers.fixed_point_quantizer import FixedPointQuantizer
from keras_bp.layers.guided_relu import GuidedReLU
from keras_bp.layers.kerr_rotation import KerrRotation
from keras_bp.layers.quantized_fir import QuantizedFIR
from keras_bp.layers.stochastic_node import StochasticNode

__all__ = [
    "BackdropMask",
    "BinaryNeuron",
    "CostNode",
    "FixedPointQuantizer",
    "GuidedReLU",
    "KerrRotation",
    "QuantizedFIR",
    "StochasticNode",
]
