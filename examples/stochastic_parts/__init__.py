"""Parts of `examples.sigmoid_belief_network` and `structured_prediction`."""

from examples.stochastic_parts.config import CONFIGS, ESTIMATORS, Config
from examples.stochastic_parts.data import NoMNISTError, binarized
from examples.stochastic_parts.experiment import Experiment
from examples.store import Store

__all__ = [
    "CONFIGS",
    "ESTIMATORS",
    "Config",
    "Experiment",
    "NoMNISTError",
    "Store",
    "binarized",
]
