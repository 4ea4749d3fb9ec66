"""Parts of `examples.asic`."""

from examples.asic_parts.config import SWEEPS, Sweep

__all__ = [
    "SWEEPS",
    "Sweep",
]
