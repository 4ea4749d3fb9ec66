"""The three parts of the quickstart, each with its rows and its figure."""

from examples.quickstart_parts.classifier import binary_classifier
from examples.quickstart_parts.common import Run, draw_summary
from examples.quickstart_parts.equalizer import fiber_equalizer
from examples.quickstart_parts.maps import attribution_maps

__all__ = [
    "Run",
    "attribution_maps",
    "binary_classifier",
    "draw_summary",
    "fiber_equalizer",
]
