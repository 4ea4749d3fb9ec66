import itertools

import numpy as np
import pytest
from estimator_toys import BIT, ONE_HOT, VALUES, check_unbiased, sigmoid
from keras import ops

from keras_bp.layers import StochasticNode
from keras_bp.ops.estimators import vimco_signal


def bound_of(costs):
    return -np.log(np.mean(np.exp(-np.asarray(costs))))


def exact_of_bits(samples):
    found = []
    for offset, t in BIT.cases:
        p = sigmoid(offset)
        found.append([0.0])
        for bits in itertools.product([0, 1], repeat=samples):
            bits = np.array(bits)
            share = np.prod(np.where(bits, p, 1 - p))
            found[-1][0] += share * bound_of((bits - t) ** 2) * (bits - p).sum()
    return np.array(found)


def exact_of_classes(samples):
    found = np.zeros(ONE_HOT.exact.shape)
    for row, logits in enumerate(ONE_HOT.cases):
        p = np.exp(logits) / np.exp(logits).sum()
        for index in itertools.product(range(3), repeat=samples):
            index = list(index)
            bound = bound_of((VALUES[0][index] - 0.3) ** 2)
            score = np.eye(3)[index].sum(axis=0) - samples * p
            found[row] += np.prod(p[index]) * bound * score
    return found


@pytest.mark.parametrize("estimator", ["vimco", "score"])
@pytest.mark.parametrize("samples", [2, 3])
@pytest.mark.parametrize(
    ("toy", "exact_of"), [(BIT, exact_of_bits), (ONE_HOT, exact_of_classes)]
)
def test_the_gradient_of_the_bound(toy, exact_of, samples, estimator):
    check_unbiased(
        toy,
        estimator,
        exact=exact_of(samples),
        objective="multi_sample_bound",
        samples=samples,
    )


@pytest.mark.parametrize("samples", [2, 3, 5])
def test_the_signal_is_what_a_sample_adds_to_the_bound(samples):
    costs = 3 * np.random.default_rng(samples).normal(size=(samples, 4))
    expected = np.zeros_like(costs)
    for k, column in itertools.product(range(samples), range(4)):
        others = np.delete(costs[:, column], k)
        without = costs[:, column].copy()
        without[k] = others.mean()
        expected[k, column] = bound_of(costs[:, column]) - bound_of(without)
    found = vimco_signal(ops.convert_to_tensor(costs))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_costs_far_apart_stay_finite():
    costs = ops.convert_to_tensor([[1e4], [-1e4], [0.0]], "float32")
    found = vimco_signal(costs)
    assert np.isfinite(found).all()
    # The second sample makes the bound; without it the others' mean does.
    np.testing.assert_allclose(found[1], -1e4 - 0, atol=5000.1)


@pytest.mark.parametrize(
    ("estimator", "arguments", "words"),
    [
        ("vimco", {"samples": 2}, "expects the objective 'multi_sample_bound'"),
        ("vimco", {}, "expects `samples` of 2 or more at the node 'node'"),
        (
            "rloo",
            {"samples": 2, "objective": "multi_sample_bound"},
            "estimators 'score', 'vimco' and local",
        ),
        (
            "score",
            {"objective": "multi_sample_bound"},
            "expects one node with several `samples`",
        ),
    ],
)
def test_wrong_use_is_refused(estimator, arguments, words):
    with pytest.raises(ValueError, match=words):
        BIT.model(estimator, **arguments)


def test_it_is_for_any_distribution():
    for kind in ("bernoulli", "categorical", "one_hot", "normal", "mvn_diag"):
        assert StochasticNode(kind, "vimco", samples=2).unbiased
