"""What is told of the structures of the paper, against the truth by hand."""

import keras
import pytest
from stochastic_graphs import bit, column, compiled, diamond, squared

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.stochastic import explain
from keras_bp.training import SurrogateModel


def told(model):
    return {row.name: row for row in explain(model).rows}


def bypass():
    """Figure 1: x1, x2, x3, and x1 to the cost as well; y1, y2 beside."""
    x = keras.Input((5,))
    x1 = bit("score", 1)(column(x, 0))
    x2 = bit("score", 2)(column(x, 1) + x1)
    x3 = bit("score", 3)(column(x, 2) + x2)
    y1 = bit("score", 4)(column(x, 3))
    y2 = bit("score", 5)(column(x, 4) + y1)
    cost = CostNode(squared(0.5), name="f")([x3, x1, y2])
    return keras.Model(x, cost)


def test_a_bypass_enlarges_the_scope():
    rows = told(bypass())
    assert rows["x1"].scopes == {"f": ("x1",)}
    assert rows["x2"].scopes == {"f": ("x1", "x2")}
    assert rows["x3"].scopes == {"f": ("x1", "x3")}
    assert rows["x5"].scopes == {"f": ("x5",)}
    assert rows["x3"].above == ("x1", "x2")
    assert rows["x3"].parents == ("x2",)


def test_a_diamond_has_two_cost_sources():
    rows = told(diamond("score"))
    assert set(rows["x0"].costs) == set(rows["x1"].costs) == {"f1", "f2"}
    assert rows["x2"].costs == ("f2",)
    assert rows["x0"].scopes == {"f1": ("x0",), "f2": ("x0",)}
    # z is drawn beside y: what y adds to f2 depends on x through z.
    assert rows["x1"].scopes["f2"] == ("x0", "x1")
    assert rows["x1"].scopes["f1"] == ("x1",)
    assert rows["x2"].scopes == {"f2": ("x0", "x2")}


def test_layers_with_a_cost_at_each_node():
    x = keras.Input((4,))
    a, b = bit("score", 0)(column(x, 0)), bit("score", 1)(column(x, 1))
    c = bit("score", 2)(column(x, 2) + a + b)
    d = bit("score", 3)(column(x, 3) + a + b)
    costs = [
        CostNode(squared(0.5), name=f"f{i}")(node)
        for i, node in enumerate([a, b, c, d])
    ]
    rows = told(keras.Model(x, costs))
    assert set(rows["x0"].costs) == {"f0", "f2", "f3"}
    assert set(rows["x2"].costs) == {"f2"}
    assert rows["x0"].scopes["f2"] == ("x0",)
    assert rows["x2"].scopes["f2"] == ("x2",)


def test_estimators_say_what_becomes_of_the_sample():
    x = keras.Input((3,))
    held = bit("rloo", 0, samples=2)(column(x, 0))
    path = bit("gumbel", 1)(column(x, 1) + held)
    states = bit("enumerate", 2)(column(x, 2) + path)
    model = compiled(x, CostNode(squared(0.5), name="f")(states))
    rows = told(model)
    assert [rows[f"x{i}"].sample for i in range(3)] == [
        "held",
        "path",
        "states",
    ]
    assert [rows[f"x{i}"].detached for i in range(3)] == [True, False, True]
    assert rows["x2"].axes == ("x0", "x2")
    assert [rows[f"x{i}"].unbiased for i in range(3)] == [True, False, True]
    assert not explain(model).unbiased


def test_losses_of_compile_are_cost_sources():
    x = keras.Input((3,))
    bits = StochasticNode(estimator="disarm", name="bits")(x)
    model = SurrogateModel(x, keras.layers.Dense(2, name="out")(bits))
    assert told(model)["bits"].costs == ()
    model.compile("sgd", loss="mse")
    assert told(model)["bits"].costs == ("out_loss",)
    (cost,) = explain(model).costs
    assert (cost.name, cost.above, cost.parents) == (
        "out_loss",
        ("bits",),
        ("bits",),
    )


def test_the_tables_name_all_and_fit_a_terminal():
    text = str(explain(diamond("disarm")))
    assert all(word in text for word in ("x0", "x1", "x2", "f1", "disarm"))
    assert max(map(len, text.splitlines())) <= 80


def test_a_model_without_nodes_is_told_so():
    x = keras.Input((3,))
    assert str(explain(keras.Model(x, x))) == "No stochastic nodes."


def test_only_graphs_are_explained():
    with pytest.raises(TypeError, match="explain expects a Sequential or"):
        explain(keras.layers.Dense(2))
