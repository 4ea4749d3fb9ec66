"""Runs of `examples.binary_gan` side by side, and their steps under JAX."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from examples.binary_gan_parts import config, side_by_side
from examples.binary_gan_parts.data import Images
from examples.binary_gan_parts.on_jax import pieces
from examples.store import Store
from keras_bp.training import CriticSchedule
from tests.support import steps_on_jax
from tests.support.steps_on_jax import LATENTS, PIXELS, RUNS

ROOT = pathlib.Path(__file__).parents[2]
BATCH = 6


def test_an_epoch_is_cut_where_the_number_of_steps_changes():
    schedule = CriticSchedule(steps=5, many=100, first=2, period=7)
    found = pieces(schedule, 0, 9)
    assert found == [(0, 2, 100), (2, 7, 5), (7, 8, 100), (8, 9, 5)]
    assert pieces(schedule, 8, 5) == [(0, 5, 5)]
    # Batch 14 is the seventh of this epoch.
    assert pieces(schedule, 8, 8) == [(0, 6, 5), (6, 7, 100), (7, 8, 5)]


def test_runs_of_the_same_layers_are_one_group():
    runs = [
        config.Run("mlp", "dbn", seed=0),
        config.Run("mlp", "dbn", seed=1),
        config.Run("mlp", "dbn", variant="slope4"),
        # Other layers, other steps, or another backend.
        config.Run("mlp", "dbn", variant="published"),
        config.Run("mlp", "sbn"),
        config.Run("mlp", "sbn", variant="reinmax"),
        config.Run("mlp", "real"),
        config.Run("mlp", "real", variant="slope4"),
        config.Run("mlp", "dbn", "gan"),
        config.Run("cnn", "dbn", seed=0),
        config.Run("cnn", "dbn", seed=1),
        config.Run("mlp", "sbn", variant="rloo"),
    ]
    groups, others = side_by_side.groups(runs)
    assert groups == [runs[:3]] + [[run] for run in runs[3:11]]
    assert others == runs[11:]


def test_the_longest_run_of_a_name_stands_for_all():
    short, long = config.Run("cnn", "dbn", epochs=5), config.Run("cnn", "dbn")
    assert side_by_side.groups([short, long])[0] == [[long]]
    assert side_by_side.groups([long, short])[0] == [[long]]


def test_the_study_of_seeds_has_kinds_of_the_study_and_three_of_each_mlp():
    runs = config.STUDIES["mnist-seeds"]
    assert {run.kind for run in runs} <= {
        run.kind for run in config.STUDIES["mnist"]
    }
    counts = {run.kind: 0 for run in runs if run.preset == "mlp"}
    for run in runs:
        if run.preset == "mlp":
            counts[run.kind] += 1
    assert set(counts.values()) == {3}


class _Counted:
    """In place of a `Group`, which needs JAX."""

    def __init__(self, gans):
        self.gans, self.orders, self.factors = gans, [], []

    def train(self, images, orders):
        self.orders.append(orders)
        return {"generator_loss": np.arange(len(self.gans), dtype="float32")}

    def scale_slopes(self, factors):
        self.factors.append(factors)

    def restore(self):
        return self.gans


def test_a_group_is_kept_as_its_runs_are_and_not_trained_again(
    monkeypatch, tmp_path
):
    bits = np.zeros((200, 8, 8, 1), "uint8")
    images = Images(bits[:150], None, bits[150:], None, "bits")
    made = []

    def group(gans):
        made.append(_Counted(gans))
        return made[-1]

    monkeypatch.setattr(side_by_side, "Group", group)
    monkeypatch.setattr(
        side_by_side, "evaluate", lambda gan, run, reference: ({}, {"x": bits})
    )
    runs = [
        config.Run("mlp", "dbn", epochs=3),
        config.Run("mlp", "dbn", variant="slope1", seed=1, epochs=3),
    ]
    store = Store(tmp_path, "bits")
    side_by_side.work(runs, images, store, None, lambda: True)
    assert not made
    for _ in range(2):
        side_by_side.work(runs, images, store, None, lambda: False)
    (found,) = made
    assert [x.shape for x in found.orders] == [(2, 3, 64)] * 3
    # Each run has an order of its own, another in each epoch.
    rows = {x[row].tobytes() for x in found.orders for row in range(2)}
    assert len(rows) == 6
    assert found.factors == [[1.1, 1.0]] * 2
    for row, run in enumerate(runs):
        record = store.found(run.name)
        assert len(record["epochs"]) == 3
        assert record["epochs"][0] == {"generator_loss": row}
        assert list(record["evaluations"]) == ["3"]
        assert store.weights(f"{run.name}-3")["x"].shape == bits.shape


def test_time_cuts_a_group_after_an_epoch(monkeypatch, tmp_path):
    bits = np.zeros((64, 8, 8, 1), "uint8")
    images = Images(bits, None, bits, None, "bits")
    monkeypatch.setattr(side_by_side, "Group", _Counted)
    monkeypatch.setattr(
        side_by_side, "evaluate", lambda gan, run, reference: ({}, {"x": bits})
    )
    # Before it begins, and after each epoch.
    answers = iter([False, False, True])
    run, store = config.Run("mlp", "dbn", epochs=9), Store(tmp_path, "bits")
    side_by_side.work([run], images, store, None, lambda: next(answers))
    record = store.found(run.name)
    assert len(record["epochs"]) == 2 and list(record["evaluations"]) == ["2"]


def _trained_here(data, row):
    """The weights and the losses of the same batch by `BinaryGAN`."""
    made = steps_on_jax.gan(
        str(data["objective"]), str(data["neuron"]), bool(data["fresh"])
    )
    for place, weight in enumerate(steps_on_jax.weights(made)):
        weight.assign(data[f"weight_{place}"][row])
    made.latents = lambda number: tf.constant(data["latents"])
    share = data["share"]
    made._steps._between = lambda real, fake: share * real + (1 - share) * fake
    x = tf.constant(data["x"][data["orders"][row, 0]])
    logs = {k: float(v) for k, v in made._steps.train(x).items()}
    return [w.numpy() for w in steps_on_jax.weights(made)], logs


def _given(objective, neuron, fresh):
    """Weights of some runs, and their batch."""
    rng = np.random.default_rng(0)
    made = steps_on_jax.gan(objective, neuron, fresh)
    data = {
        "objective": objective,
        "neuron": neuron,
        "fresh": fresh,
        "x": rng.integers(0, 2, (2 * BATCH, PIXELS)).astype("float32"),
        "latents": rng.standard_normal((BATCH, LATENTS), "float32"),
        "share": rng.random((BATCH, 1), "float32"),
        "orders": np.stack(
            [rng.permutation(2 * BATCH)[None, :BATCH] for _ in range(RUNS)]
        ).astype("int32"),
    }
    for place, weight in enumerate(steps_on_jax.weights(made)):
        noise = 0.5 * rng.random((RUNS, *weight.shape), "float32")
        data[f"weight_{place}"] = weight.numpy() + noise
    return data


@pytest.mark.slow
def test_steps_under_jax_are_those_of_the_model(tmp_path):
    cases = [("wgan-gp", "dbn", True), ("gan", "real", True)]
    cases += [("wgan", "dbn", False)]
    given = [_given(*case) for case in cases]
    paths = []
    for place, data in enumerate(given):
        paths += [str(tmp_path / f"{x}_{place}.npz") for x in ("in", "out")]
        np.savez(paths[-2], **data)
    # It needs no TensorFlow.
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.steps_on_jax", *paths],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for data, path in zip(given, paths[1::2], strict=True):
        _check(data, np.load(path))


def _check(data, found):
    _check_noise(data, found)
    for row in range(RUNS):
        weights, logs = _trained_here(data, row)
        for place, weight in enumerate(weights):
            np.testing.assert_allclose(
                found[f"weight_{place}"][row], weight, rtol=2e-5, atol=2e-6
            )
        for name in logs.keys() - {"critic_steps"}:
            assert found[f"loss_{name}"][row] == pytest.approx(
                logs[name], rel=1e-4, abs=1e-6
            )


def _check_noise(data, found):
    """Of two batches, in which each run draws for itself."""
    # In each step of the critic and in that of the generator, or in a batch.
    latents = steps_on_jax.STEPS + 1 if data["fresh"] else 1
    shares = steps_on_jax.STEPS if data["objective"] == "wgan-gp" else 0
    assert found["draws"].tolist() == [2 * (latents + shares)] * RUNS
    one, other = found["next latents"]
    assert not np.isclose(one, other).any()
    slopes = [1.1, 1.0] if data["neuron"] == "dbn" else [1.0, 1.0]
    np.testing.assert_allclose(found["slopes"], slopes, rtol=1e-6)
