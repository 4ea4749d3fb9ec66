import keras
import numpy as np
import pytest
from keras import ops
from stochastic_graphs import bit, column, diamond, squared

from keras_bp.layers import CostNode, StochasticNode
from keras_bp.training import (
    BackpropQModel,
    LagrangianModel,
    StochasticGraph,
    SurrogateModel,
)


def test_the_diamond_is_read():
    graph = StochasticGraph(diamond("score"))
    assert list(graph.nodes) == ["x0", "x1", "x2"]
    assert set(graph.costs) == {"f1", "f2"}
    assert graph.above("x0") == ()
    assert graph.above("x1") == graph.above("x2") == ("x0",)
    one, two = (graph.costs[name].outputs for name in ("f1", "f2"))
    assert graph.ancestors([one]) == ("x0", "x1")
    assert graph.ancestors([two]) == ("x0", "x1", "x2")
    assert graph.parents([two]) == ("x1", "x2")
    below = [step.name for step in graph.below("x2")]
    assert "f2" in below
    assert not {"x0", "x1", "x2", "f1"} & set(below)


def bypass():
    """X1 above X2 above X3, and X1 above X3 as well; Z = f(X3, X1)."""
    x = keras.Input((3,))
    x1 = bit("score", 1)(column(x, 0))
    x2 = bit("score", 2)(column(x, 1) + x1)
    x3 = bit("score", 3)(column(x, 2) + x2)
    return keras.Model(x, CostNode(squared(0.5), name="f")([x3, x1]))


def test_a_bypass_enlarges_the_scope():
    graph = StochasticGraph(bypass())
    cost = [graph.costs["f"].outputs]
    assert graph.scope("x1", cost) == ("x1",)
    assert graph.scope("x2", cost) == ("x1", "x2")
    assert graph.scope("x3", cost) == ("x1", "x3")


def test_without_a_bypass_the_scope_is_the_node():
    x = keras.Input((2,))
    x1 = bit("score", 1)(column(x, 0))
    x2 = bit("score", 2)(column(x, 1) + x1)
    model = keras.Model(x, CostNode(squared(0.5), name="f")(x2))
    graph = StochasticGraph(model)
    assert graph.scope("x2", [graph.costs["f"].outputs]) == ("x2",)


def test_models_in_a_model_are_looked_into():
    inner = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(2),
            StochasticNode(estimator="reinmax", name="bits"),
        ]
    )
    x = keras.Input((3,))
    both = inner(x) + inner(2 * x)
    model = keras.Model(x, CostNode(squared(0.5), name="f")(both))
    graph = StochasticGraph(model)
    assert list(graph.nodes) == ["bits", "bits:1"]
    assert graph.ancestors([graph.outputs]) == ("bits", "bits:1")
    assert graph.above("bits:1") == ()


def test_reading_leaves_the_layers_as_they_were():
    x = keras.Input((3,))
    dense = keras.layers.Dense(2)
    bits = StochasticNode(estimator="reinmax")
    y = bits(dense(x))
    model = keras.Model(x, y)
    StochasticGraph(model)
    # A second application would make the output ambiguous.
    assert dense.output is not None
    assert bits.output is y


def test_inputs_of_every_structure_arrive_in_order():
    a, b = keras.Input((2,), name="a"), keras.Input((1,), name="b")
    model = keras.Model({"b": b, "a": a}, {"sum": a + b, "b": 2 * b})
    graph = StochasticGraph(model)
    tensors = graph.input_tensors({"a": ops.ones((4, 2)), "b": ops.zeros((4,))})
    assert [tuple(x.shape) for x in tensors] == [(4, 2), (4, 1)]
    assert set(graph.outputs) == {"sum", "b"}


class Wrapped(keras.layers.Layer):
    def __init__(self, inner):
        super().__init__()
        self.held = {"inner": [inner]}

    def call(self, x):
        return self.held["inner"][0](x)

    def compute_output_shape(self, input_shape):
        return input_shape


class Code(keras.Model):
    def call(self, x):
        return x


@pytest.mark.parametrize(
    "inner",
    [
        StochasticNode(estimator="score"),
        StochasticNode(estimator="reinmax", samples=2),
        CostNode(lambda x: ops.sum(x, axis=-1)),
    ],
    ids=["cost estimator", "samples", "cost"],
)
def test_what_is_hidden_in_a_layer_is_refused(inner):
    x = keras.Input((3,))
    model = keras.Model(x, Wrapped(inner)(x))
    with pytest.raises(ValueError, match="is inside the layer 'wrapped"):
        StochasticGraph(model)


def test_a_local_node_may_be_inside_a_layer():
    x = keras.Input((3,))
    model = keras.Model(x, Wrapped(StochasticNode(estimator="reinmax"))(x))
    assert not StochasticGraph(model).nodes


@pytest.mark.parametrize("model", [Code(), keras.layers.Dense(2)])
def test_only_graphs_can_be_read(model):
    with pytest.raises(TypeError, match="expects a Sequential or functional"):
        StochasticGraph(model)


def test_a_model_has_to_be_built():
    model = keras.Sequential([StochasticNode(estimator="reinmax")])
    with pytest.raises(ValueError, match="expects a built model"):
        StochasticGraph(model)


def test_layers_and_models_may_be_called_by_name():
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    x = keras.Input((3,))
    bits = StochasticNode(estimator="rloo", samples=2, name="bits")
    kinds = StochasticNode("categorical", "score", name="kinds")
    h = bits(inputs=inner(inputs=x))
    logits = keras.layers.Reshape((1, 4))(keras.layers.Dense(4)(h))
    h = kinds(inputs=logits)
    y = keras.layers.Dense(1)(keras.ops.cast(h, "float32"))
    cost = CostNode(lambda y: ops.sum(ops.square(y), -1), name="f")
    model = SurrogateModel(x, cost(inputs=y))
    model.compile("sgd")
    assert model.stochastic_graph.above("kinds") == ("bits",)
    batch = np.ones((4, 3), "float32")
    assert np.isfinite(model.fit(batch, verbose=0).history["loss"][0])


def test_critics_see_nodes_that_are_called_by_name():
    x = keras.Input((3,))
    kinds = StochasticNode("categorical", name="kinds")
    path = StochasticNode("normal", name="path")
    h = kinds(inputs=keras.layers.Reshape((1, 4))(keras.layers.Dense(4)(x)))
    h = keras.layers.Dense(2)(keras.ops.cast(h, "float32"))
    h = path(inputs=[h, ops.ones_like(h)])
    model = BackpropQModel(x, keras.layers.Dense(1)(h))
    model.compile("sgd", loss="mse")
    model.build_critics(np.ones((4, 1), "float32"))
    assert list(model.critic_inputs) == ["kinds", "path"]


def test_a_recurrent_layer_may_be_called_by_name():
    x = keras.Input((4, 2))
    h = keras.layers.GRU(3)(sequences=x)
    model = LagrangianModel(keras.Model(x, keras.layers.Dense(2)(h)))
    assert len(model.graph.unknowns) == 1
