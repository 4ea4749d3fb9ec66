"""Attribution maps by backward rules, measures of them, and their theory."""

from keras_bp.visualization import metrics, theory
from keras_bp.visualization._inspection import (
    AttributionReport,
    RectifierNotCovered,
)
from keras_bp.visualization.attribute import attribute
from keras_bp.visualization.attributor import Attributor
from keras_bp.visualization.grad_cam import grad_cam, guided_grad_cam
from keras_bp.visualization.gradient_times_input import gradient_times_input
from keras_bp.visualization.integrated_gradients import integrated_gradients
from keras_bp.visualization.plot_attributions import plot_attributions
from keras_bp.visualization.smooth_grad import smooth_grad

__all__ = [
    "AttributionReport",
    "Attributor",
    "RectifierNotCovered",
    "attribute",
    "grad_cam",
    "gradient_times_input",
    "guided_grad_cam",
    "integrated_gradients",
    "metrics",
    "plot_attributions",
    "smooth_grad",
    "theory",
]
