"""Models that train otherwise than by plain backpropagation."""

from keras_bp.training._surrogate import Surrogate
from keras_bp.training.stochastic_graph import Slot, Step, StochasticGraph
from keras_bp.training.surrogate_model import SurrogateModel

__all__ = [
    "Slot",
    "Step",
    "StochasticGraph",
    "Surrogate",
    "SurrogateModel",
]
