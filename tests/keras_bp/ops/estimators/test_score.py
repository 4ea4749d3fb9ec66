import keras
import numpy as np
import pytest
from estimator_toys import (
    BIT,
    TARGETS,
    TOYS,
    N,
    check_unbiased,
    node_of,
    sigmoid,
    variances,
    z_scores,
)
from keras import ops

# Closed forms: for t = .499 at offsets 0 and 2, then for t = .45.
PLAIN = [1.5625e-2, 6.5222e-3, 1.5939e-2, 4.8272e-3]
EXPECTED_COST = [0.0, 2.4360e-7, 0.0, 6.0899e-4]


@pytest.mark.parametrize("name", TOYS)
def test_it_is_unbiased(name):
    found = check_unbiased(TOYS[name], "score")
    if name == "bit":
        np.testing.assert_allclose(variances(found), PLAIN, rtol=0.05)


class ExpectedCost(keras.layers.Layer):
    """E[(b - t)^2] of a bit, as a baseline."""

    def __init__(self, target):
        super().__init__()
        self.target = target

    def call(self, logits):
        p = ops.sigmoid(logits)
        return p * (1 - self.target) ** 2 + (1 - p) * self.target**2


@pytest.mark.parametrize("case", [0, 1])
def test_the_expected_cost_as_baseline(case):
    t = TARGETS[case]
    cases = BIT.cases[3 * case : 3 * case + 3]
    model = BIT.model("score", baseline=ExpectedCost(t))
    found = BIT.estimates(model, cases=cases)
    exact = BIT.exact[3 * case : 3 * case + 3]
    assert np.abs(z_scores(found, exact)).max() < 4.5
    known = EXPECTED_COST[2 * case : 2 * case + 2]
    np.testing.assert_allclose(
        found.var(axis=1)[:2, 0], known, rtol=0.05, atol=1e-12
    )


def test_the_optimal_baseline_leaves_no_variance_of_a_bit():
    model = BIT.model("score", baseline="optimal")
    node = node_of(model)
    (top,), (bottom,) = node.baseline_state.tops, node.baseline_state.bottoms
    for (offset, t), exact in zip(BIT.cases, BIT.exact, strict=True):
        p = sigmoid(offset)
        square = p * (1 - p)
        top.assign([p * (1 - t) ** 2 * (1 - p) ** 2 + (1 - p) * t**2 * p**2])
        bottom.assign([square])
        found = BIT.estimates(model, 100, [[offset, t]])
        np.testing.assert_allclose(found[0, :, 0], exact[0], atol=1e-7)


@pytest.mark.parametrize("baseline", ["moving_average", "learned", "optimal"])
@pytest.mark.parametrize("name", ["bits", "one_hots", "normal"])
def test_it_stays_unbiased_with_any_baseline(baseline, name):
    toy = TOYS[name]
    model = toy.model("score", baseline=baseline)
    node = node_of(model)
    for weight in node.weights:
        if "baseline" in weight.path:
            shape = weight.shape
            weight.assign(
                0.3 + 0.2 * np.cos(np.arange(np.prod(shape))).reshape(shape)
            )
    found = toy.estimates(model, N // 2)
    assert np.abs(z_scores(found, toy.exact)).max() < 4.5
