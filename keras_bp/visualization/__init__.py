"""Attribution maps by backward rules, measures of them, and their theory."""

from keras_bp.visualization._inspection import (
    AttributionReport,
    RectifierNotCovered,
)
from keras_bp.visualization.attribute import attribute
from keras_bp.visualization.attributor import Attributor

__all__ = [
    "AttributionReport",
    "Attributor",
    "RectifierNotCovered",
    "attribute",
]
