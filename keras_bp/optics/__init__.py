"""The fiber link: modulation, channel, receiver, digital backpropagation."""

from keras_bp.optics.adaptive_split_step import adaptive_split_step
from keras_bp.optics.constellation import Constellation, draw_symbols
from keras_bp.optics.dbp_formats import DBPFormats
from keras_bp.optics.dispersion_filter import dispersion_filter
from keras_bp.optics.edc import EDC
from keras_bp.optics.edfa import edfa
from keras_bp.optics.equalizer import Equalizer
from keras_bp.optics.error_feedback import error_feedback
from keras_bp.optics.fiber_link import FiberLink
from keras_bp.optics.frequency_domain_dbp import FrequencyDomainDBP
from keras_bp.optics.learned_dbp import LearnedDBP
from keras_bp.optics.link_dataset import link_dataset
from keras_bp.optics.plot_constellation import plot_constellation
from keras_bp.optics.plot_power_sweep import plot_power_sweep
from keras_bp.optics.receiver import align_phase, receiver
from keras_bp.optics.reversible_split_step import reversible_split_step
from keras_bp.optics.root_raised_cosine import root_raised_cosine
from keras_bp.optics.simulate import modulated, simulate
from keras_bp.optics.split_step import split_step
from keras_bp.optics.time_domain_dbp import TimeDomainDBP

__all__ = [
    "Constellation",
    "DBPFormats",
    "EDC",
    "Equalizer",
    "FiberLink",
    "FrequencyDomainDBP",
    "LearnedDBP",
    "TimeDomainDBP",
    "adaptive_split_step",
    "align_phase",
    "dispersion_filter",
    "draw_symbols",
    "edfa",
    "error_feedback",
    "link_dataset",
    "modulated",
    "plot_constellation",
    "plot_power_sweep",
    "receiver",
    "reversible_split_step",
    "root_raised_cosine",
    "simulate",
    "split_step",
]
