import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from estimator_toys import BIT, check_unbiased

from keras_bp import ops
from keras_bp.layers import StochasticNode

LOCAL = {
    "arctan",
    "clipped",
    "gumbel",
    "implicit_reparameterized",
    "reinmax",
    "reparameterized",
    "sigmoid_adjusted",
    "st_gumbel",
    "straight_through",
    "swish",
    "triangular",
}
COST = {
    "arm",
    "disarm",
    "enumerate",
    "lax",
    "muprop",
    "rebar",
    "relax",
    "rloo",
    "score",
    "vimco",
}
UNBIASED_LOCAL = {"reparameterized", "implicit_reparameterized"}


@pytest.fixture
def registry():
    """Names that a test registers are forgotten after it."""
    table = sys.modules["keras_bp.ops.node_estimators"]._REGISTRY
    before = dict(table)
    yield table
    table.clear()
    table.update(before)


def test_the_names_of_each_kind():
    assert set(ops.node_estimators(kind="local")) == LOCAL
    assert set(ops.node_estimators(kind="cost")) == COST
    names = ops.node_estimators()
    assert list(names) == sorted(names)
    assert set(names) == LOCAL | COST


@pytest.mark.parametrize(
    ("distribution", "names"),
    [
        ("bernoulli", (LOCAL - UNBIASED_LOCAL) | COST - {"lax"}),
        ("categorical", {"enumerate", "rloo", "score", "vimco"}),
        (
            "one_hot",
            {
                "enumerate",
                "gumbel",
                "muprop",
                "rebar",
                "reinmax",
                "relax",
                "rloo",
                "score",
                "st_gumbel",
                "straight_through",
                "vimco",
            },
        ),
        (
            "normal",
            {"lax", "muprop", "reparameterized", "rloo", "score", "vimco"},
        ),
        (
            "mvn_diag",
            {"lax", "muprop", "reparameterized", "rloo", "score", "vimco"},
        ),
        ("callable", {"lax", "rloo", "score", "vimco"} | UNBIASED_LOCAL),
    ],
)
def test_the_names_for_each_distribution(distribution, names):
    found = set(ops.node_estimators(distribution))
    assert found == names
    local = set(ops.node_estimators(distribution, kind="local"))
    assert local == names & LOCAL
    for name in names:
        estimator = ops.get_node_estimator(name, distribution)
        assert estimator.name == name
        assert estimator.unbiased is (name in COST | UNBIASED_LOCAL)
        assert estimator.kind == ("local" if name in LOCAL else "cost")


@pytest.mark.parametrize(
    ("name", "distribution", "words"),
    [
        ("reparameterized", "bernoulli", "a sample of it does not move with"),
        ("enumerate", "normal", "its states cannot be counted"),
        ("muprop", "categorical", "a class number has no mean, use 'one_hot'"),
        ("rebar", "categorical", "no relaxation, use 'one_hot'"),
        ("lax", "one_hot", "its samples have no path, use 'relax'"),
        ("relax", "normal", "it has no relaxation, use 'lax'"),
        ("implicit_reparameterized", "normal", "use 'reparameterized'"),
        (
            "arm",
            "one_hot",
            "X has no estimator 'arm' for a one_hot distribution. Defined are "
            r"\['enumerate', .* Received: distribution='one_hot', estimator='a",
        ),
        ("reinforce", "normal", "X expects `estimator` to be one of"),
    ],
)
def test_pairs_that_would_be_silently_wrong_are_refused(
    name, distribution, words
):
    with pytest.raises(ValueError, match=words):
        ops.get_node_estimator(name, distribution, owner="X")


def register(name, **facts):
    return ops.register_node_estimator(
        name, "local", ("bernoulli",), unbiased=False, **facts
    )


def test_a_name_is_taken_once_but_by_the_same_function(registry):
    def rule():
        """Defined again, as in a notebook."""

        @register("mine")
        def mine(distribution, noise, temperature):
            return distribution.sample(noise)

        return mine

    assert rule() is not rule()
    assert "mine" in ops.node_estimators("bernoulli")
    for name in ("mine", "score"):
        with pytest.raises(ValueError, match=f"not taken. .* name='{name}'"):

            @register(name)
            def other(distribution, noise, temperature):
                return distribution.sample(noise)


@pytest.mark.parametrize(
    ("kind", "distributions", "words"),
    [
        ("global", ("bernoulli",), "`kind` to be one of"),
        ("local", ("binomial",), "`distributions` to be one of"),
    ],
)
def test_unknown_words_are_refused(kind, distributions, words):
    with pytest.raises(ValueError, match=words):
        ops.register_node_estimator("new", kind, distributions, True)
    assert "new" not in ops.node_estimators()


def test_lists_of_unknown_words_are_refused():
    with pytest.raises(ValueError, match="node_estimators expects `distribu"):
        ops.node_estimators("binomial")
    with pytest.raises(ValueError, match="node_estimators expects `kind`"):
        ops.node_estimators(kind="global")


def test_a_local_estimator_of_ones_own(registry):
    @register("tripled")
    def tripled(distribution, noise, temperature):
        sample = distribution.detached().sample(noise)
        path = 3 * temperature * distribution.logits
        return sample + path - keras.ops.stop_gradient(path)

    node = StochasticNode(estimator="tripled", temperature=0.5, seed=1)
    x = tf.zeros((50, 4))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = node(x, training=True)
    np.testing.assert_array_equal(tape.gradient(y, x), np.full((50, 4), 1.5))
    assert set(np.unique(y)) == {0.0, 1.0}
    assert node.is_local and not node.unbiased


def test_a_cost_estimator_of_ones_own(registry):
    @ops.register_node_estimator(
        "flipped", "cost", ("bernoulli",), unbiased=True, evaluations=1
    )
    def flipped(problem):
        """The cost where all bits are flipped is no baseline, but a sum."""
        found = problem.distribution
        other = problem.evaluate(1 - problem.value)
        # For one bit: f(b) - f(1 - b), times the slope of p and a sign.
        signs = 2 * problem.value - 1
        p = found.detached().mean()
        slope = (problem.cost - other)[:, None] * signs * p * (1 - p)
        return ops.NodeEstimate(keras.ops.sum(slope * found.logits, axis=-1))

    found = check_unbiased(BIT, "flipped", number=100)
    # It is exact for one bit.
    assert found.std(axis=1).max() < 1e-6


def test_facts_are_those_of_an_estimator(registry):
    with pytest.raises(TypeError, match="unexpected keyword argument 'bias'"):

        @register("typo", bias=0.1)
        def typo(distribution, noise, temperature):
            return distribution.sample(noise)

    assert "typo" not in ops.node_estimators("bernoulli")
