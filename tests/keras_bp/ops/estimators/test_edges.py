"""What all estimators do where numbers are extreme."""

import dataclasses

import numpy as np
import pytest
from estimator_toys import (
    BIT,
    BITS,
    CATEGORICAL,
    ONE_HOT,
    N,
    variances,
    z_scores,
)

from keras_bp.ops import get_node_estimator, node_estimators

ARGUMENTS = {
    "rloo": {"samples": 2},
    "vimco": {"samples": 2, "objective": "multi_sample_bound"},
}
TOYS = {"bernoulli": BITS, "categorical": CATEGORICAL, "one_hot": ONE_HOT}
# An estimator of the documentation stays out of it.
PAIRS = [
    (kind, estimator)
    for kind in TOYS
    for estimator in node_estimators(kind)
    if get_node_estimator(estimator, kind).rule.__module__.startswith(
        "keras_bp"
    )
]


def model_of(toy, estimator):
    return toy.model(estimator, **ARGUMENTS.get(estimator, {}))


@pytest.mark.parametrize(("kind", "estimator"), PAIRS)
def test_extreme_logits_stay_finite_and_a_nan_stays_in_its_row(kind, estimator):
    toy = TOYS[kind]
    model = model_of(toy, estimator)
    cases = [[30.0, -30.0, 30.0], [-30.0] * 3, [120.0, 0.0, -120.0]]
    found = toy.estimates(model, 1000, [*cases, [np.nan] * 3])
    assert np.isfinite(found[:3]).all()
    assert np.isnan(found[3]).all()
    if model.unbiased and estimator != "vimco" and kind == "bernoulli":
        # No bit of these is open: the exact gradient is below 1e-11.
        np.testing.assert_allclose(found[:2].mean(axis=1), 0, atol=1e-5)


@pytest.mark.parametrize("estimator", ["arm", "disarm", "rloo", "vimco"])
def test_equal_costs_give_no_gradient(estimator):
    toy = dataclasses.replace(BITS, cost=lambda b, x: 0.0 * b[:, 0] + 7.3)
    found = toy.estimates(model_of(toy, estimator), 1000)
    np.testing.assert_allclose(found, 0.0, atol=1e-5)


@pytest.mark.parametrize("estimator", ["arm", "disarm", "rloo", "muprop"])
def test_a_large_offset_of_the_costs_does_not_matter(estimator):
    # A power of two loses five bits of the cost.
    toy = dataclasses.replace(BIT, cost=lambda b, x: 32 + BIT.cost(b, x))
    found, plain = (
        each.estimates(model_of(each, estimator), N // 2) for each in (toy, BIT)
    )
    assert np.abs(z_scores(found, BIT.exact)).max() < 4.5
    np.testing.assert_allclose(
        variances(found), variances(plain), rtol=0.05, atol=1e-10
    )
