import keras
import numpy as np
import pytest
from critic_toys import Known, X, exactly

from keras_bp import stochastic
from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import BackpropQModel, CriticOptions, SurrogateModel

# Of the diamond, of the total cost below the node: from the paper's figure.
FLOORS = {"x": 0.2642, "y": 0.2045, "z": 0.2045}


@pytest.fixture(scope="module")
def exact():
    return exactly("diamond")


def by_output(report):
    return {(row.node, row.cost): row for row in report.rows}


def test_exact_critics_have_no_error_and_their_costs_a_floor(exact):
    report = stochastic.critic_error(exact, X)
    assert report.method == "enumerate"
    assert report.relative < 1e-5
    found = by_output(report)
    np.testing.assert_allclose(found["y", "f2"].floor, 0.2045, atol=1e-4)
    np.testing.assert_allclose(found["y", "f1"].floor, 0.0, atol=1e-6)
    assert 0.25 < found["x", "f2"].floor < 0.26


def test_drawn_costs_tell_the_same_without_their_floor(exact):
    for network in exact.critics.networks:
        network.table.assign_add(0.1 * np.ones(network.table.shape))
    try:
        true = by_output(stochastic.critic_error(exact, X))
        report = stochastic.critic_error(
            exact, X, method="monte_carlo", num_samples=40_000
        )
    finally:
        for network in exact.critics.networks:
            network.table.assign_add(-0.1 * np.ones(network.table.shape))
    for key, row in by_output(report).items():
        np.testing.assert_allclose(true[key].square, 0.01, rtol=1e-3)
        z = (row.square - 0.01) / max(row.error, 1e-6)
        assert abs(z) < 4.5
        np.testing.assert_allclose(row.floor, true[key].floor, atol=0.02)
        np.testing.assert_allclose(row.spread, true[key].spread, atol=0.02)


def test_what_cannot_be_counted_is_drawn():
    x = keras.Input((1,))
    node = StochasticNode("normal", seed=1, name="node")([x, x])
    model = BackpropQModel(x, CostNode(lambda v: v[:, 0], name="f")(node))
    known = Known(lambda inputs: inputs[0] + 0.5)
    model.compile("sgd", critic=CriticOptions(networks={"node": known}))
    ones = np.ones((3, 1), "float32")
    report = stochastic.critic_error(model, ones, num_samples=2000)
    assert report.method == "monte_carlo"
    # The cost is a function of the node.
    np.testing.assert_allclose(report.rows[0].square, 0.25, rtol=1e-4)
    np.testing.assert_allclose(report.rows[0].spread, 1.0, rtol=0.2)
    assert report.rows[0].floor == 0.0
    with pytest.raises(ValueError, match="cannot be counted"):
        stochastic.critic_error(model, ones, method="enumerate")


def test_the_model_stays_as_it_was(exact):
    before = [x.numpy().copy() for x in exact.variables]
    before += [x.numpy().copy() for x in exact.critics.variables]
    stochastic.critic_error(exact, X, method="monte_carlo", num_samples=100)
    after = [*exact.variables, *exact.critics.variables]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_table_fits_a_terminal(exact):
    text = str(stochastic.critic_error(exact, X))
    assert "relative" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_wrong_models_and_arguments_are_refused(exact):
    x = keras.Input((1,))
    cost = CostNode(lambda v: v[:, 0])(StochasticNode(estimator="score")(x))
    other = SurrogateModel(x, cost)
    other.compile("sgd")
    with pytest.raises(TypeError, match="BackpropQModel"):
        stochastic.critic_error(other, X)
    with pytest.raises(ValueError, match="`method` to be one of"):
        stochastic.critic_error(exact, X, method="guess")
    with pytest.raises(ValueError, match="`num_samples`"):
        stochastic.critic_error(exact, X, num_samples=1)


def test_a_critic_of_nan_is_not_exact(exact):
    weight = exact.critics.networks[0].table
    before = weight.numpy()
    try:
        weight.assign(np.nan * before)
        assert np.isnan(stochastic.critic_error(exact, X).relative)
    finally:
        weight.assign(before)
