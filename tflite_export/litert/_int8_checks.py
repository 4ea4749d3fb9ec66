"""What the int8 profile can compute."""

import numpy as np

from tflite_export.kerr_spec import KerrSpec
from tflite_export.litert._fast_checks import refuse

# What a rotation rounds on its way.
_INNER = ("power_format", "phase_format", "rotation_format")


def check_chain(chain):
    """Raises `ValueError` unless int8 can stand for what a chain computes.

    Args:
        chain: `tflite_export.ChainSpec`.
    """
    for index, stage in enumerate(chain.stages):
        try:
            _check_stage(stage)
        except ValueError as error:
            if len(chain.stages) == 1:
                raise
            raise ValueError(f"{error}, in stage {index}") from error


def check_sums(weights, bias):
    """Raises `ValueError` where sums of int8 products leave an int32.

    Args:
        weights: Integer array `(num_taps, channels, outputs)`.
        bias: Integer array `(outputs,)`.
    """
    bound = 255 * np.abs(weights).sum(axis=(0, 1)) + np.abs(bias)
    if bound.max() >= 2**31:
        refuse(
            "sums of at most 32 bits",
            "fewer taps",
            f"sums up to {bound.max()}",
            "int8",
        )


def _check_stage(stage):
    if stage.output_format.overflow == "wrap":
        refuse(
            "an `output_format` that saturates, as LiteRT's kernels do",
            "overflow='saturate'",
            "overflow='wrap'",
            "int8",
        )
    for name in _INNER if isinstance(stage, KerrSpec) else ():
        if getattr(stage, name).overflow == "wrap":
            refuse(
                f"a `{name}` that saturates: a rotation is made of the real "
                "numbers that its formats stand for",
                "overflow='saturate'",
                "overflow='wrap'",
                "int8",
            )
    if isinstance(stage, KerrSpec) and stage.method != "taylor2":
        refuse(
            "Kerr rotations by method='taylor2'",
            "that method",
            f"method={stage.method!r}",
            "int8",
        )
