"""The steps into which digital backpropagation cuts a link."""

import numpy as np

from keras_bp.optics._split_step_parts import start_length


def dbp_steps(link, steps_per_span, split):
    """Lengths of the linear steps and coefficients of the nonlinear ones.

    Args:
        link: `FiberLink`.
        steps_per_span: Positive integer; the steps of a span are of equal
            length.
        split: String. `"asymmetric"`: a linear step, then a nonlinear one.
            `"symmetric"`: half of the linear step on either side, neighbors
            joined.

    Returns:
        List of km, and of radians per unit of power in the units of the
        equalizers, in the order in which they are undone. The first list is
        longer by one where the split is symmetric.
    """
    step = link.span_length / steps_per_span
    edges = np.arange(steps_per_span + 1) * step
    # The equalizer keeps the power at the fiber's input, and the rotations
    # take the loss along the span upon them.
    lengths = start_length(link.attenuation_per_km, edges)
    kerr = link.effective_gamma * link.reference_power * np.diff(lengths)
    coefficients = np.tile(kerr[::-1], link.num_spans)
    count = steps_per_span * link.num_spans
    if split == "asymmetric":
        return [step] * count, list(coefficients)
    lengths = [step / 2] + [step] * (count - 1) + [step / 2]
    return lengths, list(coefficients)
