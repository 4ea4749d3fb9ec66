"""The checker, on graphs whose gradients and variances are known."""

import dataclasses
import math

import keras
import numpy as np
import pytest
from keras import ops
from stochastic_graphs import CHAIN, DIAMOND, chain, diamond, squared, toy
from weighted_graphs import ONE, weighted

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.ops.node_estimators import NodeEstimate
from keras_bp.stochastic import gradient_check
from keras_bp.training import SurrogateModel
from keras_bp.training._objective import Objective

X = np.linspace(-1, 1, 8).reshape(4, 2).astype("float32")


def check(*args, copies=50, **kwargs):
    """Quick: few evaluations, of many copies."""
    return gradient_check(*args, copies=copies, **kwargs)


def network(estimator="score", node=None, **arguments):
    """A Dense layer, three bits, a loss against targets, and a cost."""
    x = keras.Input((2,))
    logits = keras.layers.Dense(3, name="logits")(x)
    bits = StochasticNode(
        "bernoulli", estimator, seed=1, name="bits", **arguments
    )(logits)
    h = node(bits) if node else bits
    y = keras.layers.Dense(1, name="out")(h)
    cost = CostNode(squared(1.2), weight=0.1, name="cost")(bits)
    model = SurrogateModel(x, [y, cost])
    model.compile("sgd", loss="mse")
    return model


def values(model):
    return [np.array(ops.convert_to_tensor(x)) for x in model.variables]


def gaussian(estimator="reparameterized", cost=None):
    x = keras.Input((1,))
    loc = keras.layers.Dense(1, use_bias=False, name="loc")(x)
    value = StochasticNode("normal", estimator, seed=1, name="z")(
        [loc, ops.ones_like(loc)]
    )
    model = SurrogateModel(x, CostNode(cost or squared(0.3))(value))
    model.layers[1].kernel.assign([[0.5]])
    model.compile("sgd")
    return model


@pytest.mark.parametrize(
    ("graph", "exact"), [(chain, CHAIN), (diamond, DIAMOND)]
)
def test_the_exact_gradient_goes_through_all_states(graph, exact):
    model = weighted(graph("score"))
    (row,) = check(model, ONE, num_estimates=2).rows
    assert row.name == "offsets/kernel"
    np.testing.assert_allclose(row.exact[0], exact, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("score", {}),
        ("rloo", {"samples": 2}),
        ("arm", {}),
        ("disarm", {}),
        ("muprop", {}),
    ],
)
def test_unbiased_estimators_pass(name, arguments):
    report = check(weighted(diamond(name, **arguments)), ONE)
    assert report.passed()
    assert report.unbiased
    assert report.num_estimates == 100_000


def test_the_variance_is_that_of_one_estimate():
    # Exact, by enumeration.
    report = check(weighted(diamond("score")), ONE, copies=8)
    np.testing.assert_allclose(
        report.rows[0].variance[0], [0.2550, 0.1331, 0.0804], rtol=0.05
    )


@pytest.mark.parametrize(
    ("offset", "variance"), [(0.0, 2.5e-7), (2.0, 1.6589e-7)]
)
def test_small_variances_survive(offset, variance):
    model = weighted(toy("rloo", 0.499, samples=2), [offset])
    (row,) = check(model, ONE, copies=8).rows
    np.testing.assert_allclose(row.variance, [[variance]], rtol=0.05)
    assert row.worst_z < 4.5


@pytest.mark.parametrize("factor", [1.8, 0.9])
def test_a_shared_cost_summed_or_averaged_twice_fails(factor, monkeypatch):
    # By the factors that the two give at the top of the diamond.
    right = Objective.below

    def wrong(self, run, name):
        return right(self, run, name) * (factor if name == "x0" else 1.0)

    monkeypatch.setattr(Objective, "below", wrong)
    report = check(weighted(diamond("disarm")), ONE)
    assert not report.passed()
    z = np.abs(report.rows[0].z[0])
    assert z[0] > 4.5
    assert max(z[1:]) < 4.5


def test_a_biased_estimator_fails_and_says_so():
    report = check(weighted(diamond("sigmoid_adjusted"), [0.5, 1, 2]), ONE)
    assert report.worst_z > 4.5
    assert not report.passed()
    assert report.biased_nodes == ("x0", "x1", "x2")
    assert "unbiased=False" in str(report)


def test_a_biased_estimator_fails_where_it_has_no_bias():
    # A cost that is affine: the bias is zero, at these weights.
    report = check(weighted(toy("sigmoid_adjusted")), ONE)
    assert report.worst_z < 4.5
    assert not report.unbiased
    assert not report.passed()


def test_estimates_without_variance_are_compared_exactly(monkeypatch):
    model = weighted(diamond("enumerate"))
    report = check(model, ONE, num_estimates=100)
    assert report.passed()
    np.testing.assert_array_equal(report.rows[0].variance, 0)
    right = Objective.direct
    monkeypatch.setattr(
        Objective,
        "direct",
        lambda self: right(self) * (1.001 if self.run.axes.batch > 1 else 1.0),
    )
    assert not check(model, ONE, num_estimates=100, copies=2).passed()


def test_a_gradient_of_zero_without_variance_passes():
    x = keras.Input((1,))
    bits = StochasticNode("bernoulli", "disarm", seed=0)(
        keras.layers.Dense(1)(x)
    )
    model = SurrogateModel(x, CostNode(squared(0.5))(bits))
    model.compile("sgd")
    report = check(model, 0 * ONE, num_estimates=100)
    assert report.worst_z == 0
    assert report.passed()


@pytest.mark.parametrize("method", ["enumerate", "monte_carlo"])
@pytest.mark.parametrize("weights", [None, np.array([1.0, 0.0, 2.0, 0.5])])
def test_losses_costs_and_weights_of_examples_pass(method, weights):
    model = network("disarm")
    arguments = {"y": X[:, :1], "sample_weight": weights}
    report = check(model, X, method=method, num_estimates=20_000, **arguments)
    assert report.passed()
    assert [row.name for row in report.rows] == [
        "logits/kernel",
        "logits/bias",
        "out/kernel",
        "out/bias",
    ]
    assert report.num_elements == 6 + 3 + 3 + 1


def test_weights_of_examples_count():
    model = network("disarm")
    once = check(model, X[:1], X[:1, :1], num_estimates=2)
    weights = np.array([4.0, 0.0, 0.0, 0.0])
    only = check(model, X, X[:, :1], num_estimates=2, sample_weight=weights)
    for one, other in zip(once.rows, only.rows, strict=True):
        np.testing.assert_allclose(one.exact, other.exact, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("relax", {}),
        ("score", {"baseline": "learned"}),
    ],
)
def test_the_model_stays_as_it_was(name, arguments):
    batch_norm = keras.layers.BatchNormalization()
    model = network(name, batch_norm, **arguments)
    if name == "score":
        model.train_on_batch(X, X[:, :1])
    before = values(model)
    rules = [x.operation.rule for x in model.stochastic_graph.nodes.values()]
    found = [
        check(model, X, X[:, :1], "monte_carlo", num_estimates=40).rows
        for _ in range(2)
    ]
    for old, new in zip(before, values(model), strict=True):
        np.testing.assert_array_equal(old, new)
    assert rules == [
        x.operation.rule for x in model.stochastic_graph.nodes.values()
    ]
    # From the same noise.
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one.mean, other.mean)
    # What nodes train for themselves is no gradient of the cost.
    assert not [x.name for x in found[0] if "bits" in x.name]


def test_the_model_stays_as_it_was_when_the_check_raises():
    model = network("score", keras.layers.Dropout(0.5))
    before = values(model)
    with pytest.raises(ValueError, match="no noise but.*'monte_carlo'.*drop"):
        check(model, X, X[:, :1])
    for old, new in zip(before, values(model), strict=True):
        np.testing.assert_array_equal(old, new)


def test_monte_carlo_takes_noise_of_other_layers():
    model = network("disarm", keras.layers.Dropout(0.5))
    report = check(model, X, X[:, :1], "monte_carlo", num_estimates=20_000)
    assert report.passed()


@pytest.mark.parametrize("estimator", ["reparameterized", "score"])
def test_monte_carlo_sees_a_normal_node(estimator):
    report = check(gaussian(estimator), ONE, method="monte_carlo")
    assert report.passed()
    # E (x - 0.3)^2 has the slope 2 (0.5 - 0.3).
    (row,) = report.rows
    for found in (row.exact, row.mean):
        assert abs(found[0, 0] - 0.4) < 4.5 * row.error[0, 0]


@pytest.mark.parametrize("copies", [1, 2])
def test_the_reference_is_right_with_few_copies(copies):
    # With its own cost in the baseline it would be half of it.
    model = weighted(toy("disarm"))
    report = check(
        model, ONE, method="monte_carlo", num_estimates=8000, copies=copies
    )
    (row,) = report.rows
    assert abs(row.exact[0, 0] - 0.025) < 4.5 * row.error[0, 0]


def test_monte_carlo_sees_a_step_that_a_path_does_not():
    def step(x):
        return ops.sum(ops.cast(x > 0, "float32") + 0.1 * x**2, axis=-1)

    report = check(gaussian(cost=step), ONE, method="monte_carlo")
    assert report.unbiased
    assert not report.passed()
    # The density at the step is what is missing.
    missing = math.exp(-(0.5**2) / 2) / math.sqrt(2 * math.pi)
    (row,) = report.rows
    assert abs(row.bias[0, 0] + missing) < 4.5 * row.error[0, 0]


@pytest.mark.parametrize("method", ["enumerate", "monte_carlo"])
def test_a_wrong_rule_of_one_node_fails(method):
    model = weighted(diamond("disarm"))
    node = model.stochastic_graph.nodes["x1"].operation
    right = node.rule

    def wrong(problem):
        return NodeEstimate(1.2 * right.rule(problem).surrogate)

    node.rule = dataclasses.replace(right, rule=wrong)
    report = check(model, ONE, method=method)
    assert not report.passed()
    assert report.rows[0].worst == (0, 1)


def test_a_bound_is_checked_by_monte_carlo():
    x = keras.Input((1,))
    bits = StochasticNode("bernoulli", "vimco", samples=3, seed=0, name="x0")(
        keras.layers.Dense(1)(x)
    )
    model = SurrogateModel(x, CostNode(squared(0.45), weight=3.0)(bits))
    model.compile("sgd", objective="multi_sample_bound")
    assert check(model, ONE, method="monte_carlo").passed()
    with pytest.raises(ValueError, match="bound.*x0.*'monte_carlo'"):
        check(model, ONE)


def test_what_cannot_be_enumerated_is_named():
    with pytest.raises(ValueError, match="'z' cannot be.*'monte_carlo'"):
        check(gaussian(), ONE)
    x = keras.Input((20,))
    bits = StochasticNode("bernoulli", "score", name="wide")(
        keras.layers.Dense(20)(x)
    )
    model = SurrogateModel(x, CostNode(squared(0.0))(bits))
    model.compile("sgd")
    with pytest.raises(ValueError, match="'wide' cannot be.*'monte_carlo'"):
        check(model, np.ones((1, 20)))


def test_too_many_joint_states_are_refused():
    h = x = keras.Input((9,))
    for name in ("a", "b"):
        h = StochasticNode("bernoulli", "score", name=name)(
            keras.layers.Dense(9)(h)
        )
    model = SurrogateModel(x, CostNode(squared(0.0))(h))
    model.compile("sgd")
    with pytest.raises(ValueError, match="joint.*262144.*'b'.*'monte_carlo'"):
        check(model, np.ones((1, 9)))


def test_the_chance_of_a_false_alarm_grows_with_the_elements():
    report = check(network(), X, X[:, :1], num_estimates=2)
    each = 6.795e-6
    assert report.false_alarm() == pytest.approx(13 * each, rel=1e-3)
    assert report.false_alarm(0.0) == 1
    assert f"{report.false_alarm():.1e}" in str(report)


def test_the_table_fits_a_terminal():
    text = str(check(network(), X, X[:, :1], num_estimates=2))
    assert max(map(len, text.splitlines())) <= 80
    assert "logits/kernel" in text


def test_wrong_models_and_arguments_are_refused():
    x = keras.Input((1,))
    plain = keras.Model(x, keras.layers.Dense(1)(x))
    with pytest.raises(TypeError, match="SurrogateModel.*Functional"):
        gradient_check(plain, ONE)
    bare = SurrogateModel(x, keras.layers.Dense(1)(x))
    with pytest.raises(ValueError, match="compiled"):
        gradient_check(bare, ONE)
    with pytest.raises(ValueError, match="variables that are trained"):
        gradient_check(toy("score"), ONE)
    model = weighted(toy("score"))
    with pytest.raises(ValueError, match="`method`.*'exact'"):
        gradient_check(model, ONE, method="exact")
    with pytest.raises(TypeError, match="`x` to be an array.*numpy.array"):
        gradient_check(model, [[1.0]])
    with pytest.raises(ValueError, match="`copies`.*copies=0"):
        gradient_check(model, ONE, copies=0)
    with pytest.raises(ValueError, match="`num_estimates`.*1"):
        gradient_check(model, ONE, num_estimates=1)


def test_gradients_that_are_not_finite_do_not_pass():
    # The logarithm of what is below zero in most states.
    report = check(
        gaussian("score", lambda z: ops.log(ops.sum(z, axis=-1))),
        ONE,
        method="monte_carlo",
        num_estimates=20,
    )
    assert math.isnan(report.worst_z)
    assert not report.passed()
    assert "nan" in str(report)
