"""The steps into which digital backpropagation cuts a link."""

import numpy as np


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
    # Power at the fiber's input is the reference; it falls along the span.
    edges = np.arange(steps_per_span + 1) * step
    alpha = link.attenuation * np.log(10) / 10
    if alpha > 0:
        effective = -np.diff(np.exp(-alpha * edges)) / alpha
    else:
        effective = np.diff(edges)
    coefficients = np.tile(
        link.kerr_coefficient * effective[::-1], link.num_spans
    )
    count = steps_per_span * link.num_spans
    if split == "asymmetric":
        return [step] * count, list(coefficients)
    lengths = [step / 2] + [step] * (count - 1) + [step / 2]
    return lengths, list(coefficients)
