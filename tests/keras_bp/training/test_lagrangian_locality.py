"""Nothing that a layer gets comes from further away than its neighbors."""

import copy

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from lagrangian_toys import examples, net, values_of, wrapped

from keras_bp.training._lagrangian_relaxation import Relaxation, Wanted

DEPTH = 5


class Point:
    """Where forces are taken: all that they could depend on."""

    def __init__(self, model, y=None):
        self.trained = wrapped(model)
        self.graph = self.trained.graph
        rng = np.random.default_rng(0)
        self.values, self.multipliers = (
            [
                tf.constant(rng.normal(size=(6, *u.shape)), "float32")
                for u in self.graph.unknowns
            ]
            for _ in "ab"
        )
        self.x, labels = examples(6, model.input_shape[1:])
        self.y = labels if y is None else y
        self.before = self.forces()

    def blocks(self):
        return [*self.graph.blocks, self.graph.tail]

    def forces(self):
        """Dictionary from what is pulled, and its place, to the forces."""
        relaxation = Relaxation(self.trained, self.x, self.y, None)
        found = relaxation.forces(
            self.values, self.multipliers, Wanted(weights=True)
        )
        forces = {("outputs", 0): values_of([found.outputs, found.loss])}
        for place in range(len(self.values)):
            forces["value", place] = values_of([found.values[place]])
            forces["multiplier", place] = values_of([found.multipliers[place]])
        for place, block in enumerate(self.blocks()):
            forces["weights", place] = values_of(
                [found.weights[id(weight)] for weight in block.weights()]
            )
        return forces

    def changed(self):
        """What is pulled otherwise than before, to the last bit."""
        after = self.forces()
        assert after.keys() == self.before.keys()
        return {
            key
            for key, arrays in after.items()
            if any(
                not np.array_equal(a, b)
                for a, b in zip(arrays, self.before[key], strict=True)
            )
        }


@pytest.fixture(scope="module")
def long():
    return Point(net(*[4] * DEPTH))


@pytest.fixture
def chain(long):
    """Five hidden layers, as they were before each test."""
    names = ("values", "multipliers", "x", "y")
    kept = {name: copy.copy(getattr(long, name)) for name in names}
    weights = long.trained.get_weights()
    yield long
    vars(long).update(kept)
    long.trained.set_weights(weights)


def inside(*keys):
    """Those of a chain: there are unknowns 0 to 4, and weights 0 to 5."""
    return {
        (what, place)
        for what, place in keys
        if 0 <= place < DEPTH + (what == "weights")
    }


@pytest.mark.parametrize("place", range(DEPTH))
def test_an_unknown_reaches_its_own_layer_and_those_beside_it(chain, place):
    chain.values[place] += 0.1
    expected = inside(
        *(("value", place + i) for i in (-1, 0, 1)),
        *(("multiplier", place + i) for i in (0, 1)),
        *(("weights", place + i) for i in (0, 1)),
    )
    if place == DEPTH - 1:
        expected |= {("outputs", 0)}
    assert chain.changed() == expected


@pytest.mark.parametrize("place", range(DEPTH))
def test_a_multiplier_reaches_its_own_layer_and_the_one_before(chain, place):
    chain.multipliers[place] += 0.1
    assert chain.changed() == inside(
        ("value", place - 1), ("value", place), ("weights", place)
    )


@pytest.mark.parametrize("place", range(DEPTH + 1))
def test_weights_reach_what_they_tie(chain, place):
    for weight in chain.blocks()[place].weights():
        weight.assign(weight * 1.1)
    expected = inside(
        ("value", place - 1),
        ("value", place),
        ("multiplier", place),
        ("weights", place),
    )
    if place == DEPTH:
        expected |= {("outputs", 0)}
    assert chain.changed() == expected


def test_inputs_reach_the_first_layer_and_targets_the_last(chain):
    chain.x = chain.x + np.float32(0.1)
    first = {("value", 0), ("multiplier", 0), ("weights", 0)}
    assert chain.changed() == first
    chain.x = examples()[0]
    assert chain.changed() == set()
    chain.y = (chain.y + 1) % 3
    assert chain.changed() == {
        ("value", DEPTH - 1),
        ("weights", DEPTH),
        ("outputs", 0),
    }


def test_a_branch_is_reached_past_the_layers_beside_it():
    inputs = keras.Input((4,))
    x = layers.Dense(4, "tanh")(inputs)
    x = layers.Dense(4, "tanh")(x)
    branch = layers.Dense(4, "tanh")(x)
    x = layers.Add()([x, layers.Dense(4)(branch)])
    point = Point(keras.Model(inputs, layers.Dense(3)(x)))
    assert len(point.values) == 4
    # The sum reads the unknown 1 past the unknown 2.
    point.values[1] += 0.1
    assert point.changed() == {
        *(("value", i) for i in range(4)),
        *(("multiplier", i) for i in (1, 2, 3)),
        *(("weights", i) for i in (1, 2, 3)),
    }


@pytest.mark.parametrize("kind", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_a_state_reaches_the_steps_of_time_beside_it(kind):
    # One label for each step.
    model = net(kind(3, return_sequences=True), shape=(6, 2))
    point = Point(model, np.arange(36).reshape(6, 6) % 3)
    for place in range(len(point.values)):
        moved = np.zeros(point.values[place].shape, "float32")
        moved[:, 2] = 0.1
        point.values[place] += moved
        after = point.forces()
        for what, times in (("value", {1, 2, 3}), ("multiplier", {2, 3})):
            found = set()
            for other in range(len(point.values)):
                differ = after[what, other][0] != point.before[what, other][0]
                found |= set(np.flatnonzero(differ.any(axis=(0, 2))))
            assert found == times
        point.values[place] -= moved
        point.before = point.forces()
