"""Takes trained formats over as fixed ones."""

import dataclasses
import math


def resolve(layer, name, quantizer):
    """The format of a quantizer with its trained step made a fixed one."""
    owner = "FIRSpec.from_layer"
    if quantizer is None:
        raise ValueError(
            f"{owner} expects a layer that rounds; give it a `{name}`. "
            f"Received: {layer.name!r} with {name}=None"
        )
    form = quantizer.fixed_point
    if form.scale == "real":
        raise ValueError(
            f"{owner} expects steps that are powers of two, which integers "
            f"shift by; train with scale='power_of_two'. Received: "
            f"{layer.name!r} with {name}={form}"
        )
    exponent = math.frexp(quantizer.step)[1] - 1
    return dataclasses.replace(form, fraction_bits=-exponent, scale="fixed")
