"""The study of glimpses: what is seen, and where."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import app

from examples.backprop_q_glimpses import COMPARISON
from examples.critic_parts import command, glimpses
from examples.critic_parts.methods import CRITICS, METHODS
from examples.critic_parts.study import Config
from examples.critic_parts.training import Trainer

TINY = Config(
    ("rloo", "all_action_mc"),
    steps=2,
    every=1,
    evaluated=32,
    batch=8,
    critic_units=4,
    compiled=False,
)


@pytest.fixture(scope="module")
def task():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KERAS_BP_DATA", raising=False)
        return glimpses.loaded(None, window=3, stride=5, chosen=2, units=4)


def test_places_are_a_grid_of_windows(task):
    image = np.arange(64).reshape(8, 8)
    found = image.ravel()[task.places]
    corners = [(0, 0), (0, 5), (5, 0), (5, 5)]
    expected = [image[i : i + 3, j : j + 3].ravel() for i, j in corners]
    np.testing.assert_array_equal(found, expected)


def test_parts_of_the_digits_do_not_overlap(task):
    rows = {
        name: {x.tobytes() for x in part.pixels}
        for name, part in task.data.items()
    }
    counts = [len(part.pixels) for part in task.data.values()]
    assert sum(counts) == 1797
    # Not one of the digits is there twice.
    assert sum(map(len, rows.values())) == len(set.union(*rows.values()))
    for part in task.data.values():
        np.testing.assert_array_equal(part.classes.sum(axis=1), 1)


def test_the_class_hangs_on_what_is_looked_at_alone(task):
    fixed = np.eye(4, dtype="float32")

    def node(index):
        # The first glimpse at the upper left, the second at the upper right.
        return lambda logits: 0 * logits + fixed[index]

    x, costs, _ = task.graph(node)

    model = keras.Model(x, costs)
    y = tf.constant(np.eye(10, dtype="float32")[:1])
    pixels = tf.constant(task.data["test"].pixels[:1])
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        cost = model([pixels, y])
    slope = tape.gradient(cost, pixels).numpy().reshape(8, 8)
    seen = np.zeros((8, 8), bool)
    for i, j in ((0, 0), (0, 5), (2, 2)):
        seen[i : i + 3, j : j + 3] = True
    assert not slope[~seen].any() and slope[seen].any()


@pytest.mark.parametrize("method", TINY.methods)
def test_each_kind_of_method_trains(task, method):
    trainer = Trainer(method, task, TINY)
    trainer.begin(0, 0.01)
    before = [v.numpy().copy() for v in trainer.model.trainable_variables]
    history = trainer.train(0, 0.01, 2, ["validation", "test"])
    assert history["step"] == [0, 1, 2]
    assert all(0 <= x <= 100 for x in history["test"] + history["validation"])
    look = [
        not np.array_equal(old, new.numpy())
        for old, new in zip(
            before, trainer.model.trainable_variables, strict=True
        )
        if "look" in new.path
    ]
    assert look and all(look)


def test_batches_are_the_same_for_each_method(task):
    first, second, other = (
        [x.numpy() for ((x, _),) in task.batches(seed, 8, 3)]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_the_embedded_digits_are_not_taken_for_mnist(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_BP_DATA", raising=False)
    holders = {
        "preset": Held("mnist"),
        "data_dir": Held(),
        "minutes": Held(-1),
        "out_dir": Held(tmp_path),
        "out": Held(),
    }
    with pytest.raises(app.UsageError, match="expects mnist.npz"):
        command.main(["glimpses"], COMPARISON, holders)


class Held:
    """A flag."""

    def __init__(self, value=None):
        self.value = value


def test_all_methods_that_are_defined_for_places_are_compared():
    _, config = COMPARISON.presets["mnist"]
    assert set(config.methods) == set(METHODS) - {"disarm"}
    assert set(config.critics) == set(CRITICS) and config.seeds >= 5
    assert config.steps % config.every == 0
