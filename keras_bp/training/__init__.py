"""Models that train otherwise than by plain backpropagation."""

from keras_bp.training._surrogate import Surrogate
from keras_bp.training.backprop_q_model import BackpropQModel
from keras_bp.training.binary_gan import BinaryGAN
from keras_bp.training.binary_gan_networks import binary_gan_networks
from keras_bp.training.critic_options import CriticOptions, ReplayOptions
from keras_bp.training.critic_schedule import CriticSchedule
from keras_bp.training.difference_target_propagation_model import (
    DifferenceTargetPropagationModel,
)
from keras_bp.training.direct_feedback_alignment_model import (
    DirectFeedbackAlignmentModel,
)
from keras_bp.training.distributed import distributed
from keras_bp.training.feedback_alignment_model import FeedbackAlignmentModel
from keras_bp.training.forward_forward_model import ForwardForwardModel
from keras_bp.training.implicit_model import ImplicitModel
from keras_bp.training.index_examples import index_examples
from keras_bp.training.lagrangian_model import LagrangianModel
from keras_bp.training.learning_rate_sweep import (
    LearningRateSweep,
    learning_rate_sweep,
)
from keras_bp.training.local_rules import local_rules
from keras_bp.training.make_implicit import make_implicit
from keras_bp.training.refined_generator import (
    refined_generator,
    residual_refiner,
)
from keras_bp.training.spectral_gan import SpectralGAN
from keras_bp.training.stochastic_graph import Slot, Step, StochasticGraph
from keras_bp.training.surrogate_model import SurrogateModel

__all__ = [
    "BackpropQModel",
    "BinaryGAN",
    "CriticOptions",
    "CriticSchedule",
    "DifferenceTargetPropagationModel",
    "DirectFeedbackAlignmentModel",
    "FeedbackAlignmentModel",
    "ForwardForwardModel",
    "ImplicitModel",
    "LagrangianModel",
    "LearningRateSweep",
    "ReplayOptions",
    "Slot",
    "SpectralGAN",
    "Step",
    "StochasticGraph",
    "Surrogate",
    "SurrogateModel",
    "binary_gan_networks",
    "distributed",
    "index_examples",
    "learning_rate_sweep",
    "local_rules",
    "make_implicit",
    "refined_generator",
    "residual_refiner",
]
