"""Parts of `examples.fan_out`."""

from examples.fan_out_parts.here import Here
from examples.fan_out_parts.lines import Lines, whole_lines
from examples.fan_out_parts.on_ray import OnRay
from examples.fan_out_parts.processes import Processes

__all__ = [
    "Here",
    "Lines",
    "OnRay",
    "Processes",
    "whole_lines",
]
