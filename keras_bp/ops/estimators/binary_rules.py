"""Surrogate derivatives of a unit step, those of `BinaryNeuron`."""

import functools

from keras_bp.ops.binarize import binarize
from keras_bp.ops.node_estimators import register_node_estimator


def binary_rules(distribution, noise, temperature, rule):
    r"""A bit whose backward rule is one of `binary_estimators`.

    Forward :math:`b = 1` where :math:`u < p`; backward
    :math:`\partial L/\partial z = w\,\partial L/\partial b` with the weight
    :math:`w` of the rule of that name. Biased.

    Args:
        distribution: Bernoulli distribution.
        noise: Tensor of the shape of the logits, in [0, 1).
        temperature: Not read.
        rule: String, a name from `binary_estimators("stochastic")`.
    """
    return binarize(
        distribution.logits, mode="stochastic", estimator=rule, noise=noise
    )


for _name in ("arctan", "clipped", "swish", "triangular"):
    register_node_estimator(_name, "local", ("bernoulli",), unbiased=False)(
        functools.update_wrapper(
            functools.partial(binary_rules, rule=_name), binary_rules
        )
    )
