"""Gradient estimators of a stochastic node, one a file."""

from keras_bp.ops.estimators.arm import arm
from keras_bp.ops.estimators.binary_rules import binary_rules
from keras_bp.ops.estimators.disarm import disarm
from keras_bp.ops.estimators.enumerate_states import enumerate_states
from keras_bp.ops.estimators.gumbel import gumbel
from keras_bp.ops.estimators.implicit_reparameterized import (
    implicit_reparameterized,
)
from keras_bp.ops.estimators.lax import lax
from keras_bp.ops.estimators.muprop import muprop
from keras_bp.ops.estimators.rebar import rebar
from keras_bp.ops.estimators.reinmax import reinmax
from keras_bp.ops.estimators.relax import relax
from keras_bp.ops.estimators.reparameterized import reparameterized
from keras_bp.ops.estimators.rloo import rloo
from keras_bp.ops.estimators.score import score
from keras_bp.ops.estimators.sigmoid_adjusted import sigmoid_adjusted
from keras_bp.ops.estimators.st_gumbel import st_gumbel
from keras_bp.ops.estimators.straight_through import straight_through
from keras_bp.ops.estimators.vimco import vimco, vimco_signal

__all__ = [
    "arm",
    "binary_rules",
    "disarm",
    "enumerate_states",
    "gumbel",
    "implicit_reparameterized",
    "lax",
    "muprop",
    "rebar",
    "reinmax",
    "relax",
    "reparameterized",
    "rloo",
    "score",
    "sigmoid_adjusted",
    "st_gumbel",
    "straight_through",
    "vimco",
    "vimco_signal",
]
