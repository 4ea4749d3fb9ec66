"""The graphs of the paper, with few steps of their critics."""

import numpy as np
import pytest

from examples import backprop_q as example
from examples.backprop_q_parts import figures, measures
from examples.backprop_q_parts.graphs import GRAPHS, NORMAL
from keras_bp.training import BackpropQModel, SurrogateModel

TINY = measures.Config(steps=3, rows=32, blocks=6, units=4)


@pytest.fixture(scope="module")
def rows():
    told = []
    found = example.rows_of("one parent", TINY, show=told.append)
    return found, "\n".join(told)


@pytest.mark.slow
def test_each_mode_gets_bias_variance_and_time(rows):
    found, told = rows
    names = {row.name for row in found}
    methods = ("score", *measures.MODES)
    assert {f"one parent, {x}" for x in methods} < names
    metrics = [r.metric for r in found if r.name == "one parent, all_action"]
    assert metrics == [
        "bias of the gradient",
        "variance of one estimate",
        "time of a batch",
    ]
    assert "x->y f(y)" in told
    assert "exact gradient" in told
    assert np.isfinite([row.value for row in found]).all()


def test_unbiased_ones_are_held_to_their_z(rows):
    judged = {row.name for row in rows[0] if row.metric.startswith("largest")}
    assert judged == {"one parent, score", "one parent, control_variate"}
    assert {r.verdict for r in rows[0] if r.name in judged} <= {"pass", "info"}


def test_the_same_critics_serve_all_modes():
    model, _ = measures.with_critics(GRAPHS["one parent"], TINY)
    before = [x.numpy().copy() for x in model.critics.variables]
    model = measures.in_mode(model, "advantage")
    for old, new in zip(before, model.critics.variables, strict=True):
        np.testing.assert_array_equal(old, new)
    assert set(model._modes.values()) == {"advantage"}


def test_all_figures_of_the_paper_have_a_graph():
    told = " ".join(graph.figure for graph in GRAPHS.values())
    assert all(f"Fig. {number}" in told for number in range(1, 9))


def test_costs_are_wrapped_in_one_that_is_their_sum():
    graphs = [GRAPHS["wrapped chain"], GRAPHS["chain of costs"]]
    # All are seen: the scope of the last node is the whole chain.
    assert graphs[0].seen("f") == ("x", "y", "z")
    found = []
    for graph in graphs:
        model = graph.model(BackpropQModel)
        model.compile("sgd")
        found.append(measures.exact_gradient(graph, model))
        scope = model.critics.plans["z"].scope
        assert scope == (("x", "y", "z") if len(found) == 1 else ("y", "z"))
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_the_gradient_of_normal_nodes_is_that_along_their_path():
    (graph,) = NORMAL.values()
    model = graph.model(SurrogateModel)
    model.compile("sgd")
    found = measures.measured(model, measures.Config(rows=2000, blocks=20))
    assert found.worst_z(measures.exact_gradient(graph, model)) < 4.5


@pytest.mark.slow
def test_normal_nodes_learn_from_slopes_and_a_picture_shows_it(tmp_path):
    rows = example.rows_of("normal diamond", TINY, show=lambda told: None)
    names = {row.name for row in rows}
    assert "normal diamond, reparameterized" in names
    assert "normal diamond, all_action" not in names
    path = figures.draw(rows, tmp_path / "picture.png")
    assert 5_000 < path.stat().st_size < 100_000
