"""Models with critics of which all is known, for the tests."""

import functools

import keras
import numpy as np
import tensorflow as tf

from examples.backprop_q_parts.critics import tables
from examples.backprop_q_parts.graphs import GRAPHS, ONE
from keras_bp.training import BackpropQModel, CriticOptions, SurrogateModel
from keras_bp.training._pass import Mode

# What `critic_values` is asked with: one example that is the same for all.
X = tf.constant(ONE)


class Known(keras.layers.Layer):
    """A critic that is a function of what it sees.

    Args:
        function: Function from a list of tensors to `(rows, costs)`.
        costs: Integer.
    """

    def __init__(self, function, costs=1):
        super().__init__()
        self.function, self.costs = function, costs

    def call(self, inputs):
        return self.function(inputs)

    def compute_output_shape(self, shapes):
        return (shapes[0][0], self.costs)


def with_tables(name, mode="auto", optimizer=None, nodes=None, **options):
    """A graph of the paper whose critics are tables."""
    graph = GRAPHS[name]
    networks = tables(graph)
    if nodes is not None:
        networks = {k: v for k, v in networks.items() if k in nodes}
    model = graph.model(BackpropQModel)
    model.compile(
        "sgd",
        critic_optimizer=optimizer or keras.optimizers.SGD(1.0),
        mode=mode,
        nodes=nodes,
        critic=CriticOptions(networks=networks, **options),
    )
    return model


def repeated(steps, function):
    """A graph that calls a function so often, for what it changes."""

    def once(step):
        function()
        return (step + 1,)

    # Converted by AutoGraph, all that is called would take long to trace.
    @tf.function(autograph=False)
    def run():
        tf.while_loop(lambda step: step < steps, once, (0,))

    return run


def trainer(model, steps, rows=None):
    """A function that trains critics in one graph.

    By default with expected targets; else with samples, so many in a step.
    """
    x = X if rows is None else tf.repeat(X, rows, axis=0)
    nodes = () if rows else tuple(model.stochastic_graph.nodes)
    return repeated(steps, lambda: model.train_critics(x, enumerated=nodes))


def settled(model, steps=300):
    trainer(model, steps)()
    return model


@functools.cache
def _settled_tables(name):
    critics = settled(with_tables(name)).critics
    return [x.numpy() for x in critics.trainable_variables]


def exactly(name, mode="auto"):
    """A graph whose tables are exact, which they are in every mode."""
    model = with_tables(name, mode)
    for weight, value in zip(
        model.critics.trainable_variables, _settled_tables(name), strict=True
    ):
        weight.assign(value)
    return model


def exact_values(model):
    """For each output of each critic its prediction and the exact value."""
    nodes = tuple(model.stochastic_graph.nodes)
    return {
        (each.node, each.cost): (
            np.asarray(each.value),
            np.asarray(each.outcome),
            np.asarray(each.weight),
        )
        for each in model.critic_values(X, enumerated=nodes)
    }


def worst(model):
    """The largest error of all critics over all states."""
    return max(
        np.abs(value - exact).max()
        for value, exact, _ in exact_values(model).values()
    )


def score_model(name):
    """The same graph, by the score function."""
    model = GRAPHS[name].model(SurrogateModel, "score")
    model.compile("sgd")
    return model


def offsets_gradient(model, rows=1, enumerated=()):
    """The gradient of the offsets, a mean over so many samples."""
    x = tf.repeat(X, rows, axis=0)
    (weight,) = model.trainable_variables
    with tf.GradientTape() as tape:
        found = model.surrogate(x, enumerated=enumerated)
    return tape.gradient(found.surrogate, weight.value).numpy()[0]


def exact_gradient(model):
    nodes = tuple(model.stochastic_graph.nodes)
    return offsets_gradient(model, enumerated=nodes)


def sampled_gradients(model, blocks=40, rows=1000):
    """Means of blocks of estimates, array `(blocks, offsets)`."""
    run = tf.function(lambda: _gradient(model, rows), autograph=False)
    return np.array([run().numpy() for _ in range(blocks)])


def _gradient(model, rows):
    x = tf.repeat(X, rows, axis=0)
    (weight,) = model.trainable_variables
    with tf.GradientTape() as tape:
        found = model.surrogate(x)
    return tape.gradient(found.surrogate, weight.value)[0]


def expected_gradient(model):
    """The mean of the estimates of nodes with a critic, without sampling."""
    nodes = tuple(model.stochastic_graph.nodes)
    (weight,) = model.trainable_variables
    with tf.GradientTape() as tape:
        run = model._run(X, Mode(enumerated=nodes))
        objective = model._objective_of(run, None, None)
        total = sum(objective.estimate(name)[0] for name in nodes)
    return tape.gradient(total, weight.value).numpy()[0]


def z_scores(blocks, exact):
    error = blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks))
    # Without noise what is left is rounding.
    least = 1e-6 + 1e-5 * np.abs(exact).max()
    return (blocks.mean(axis=0) - exact) / np.maximum(error, least)
