import dataclasses
import itertools
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import results
from examples import structured_prediction
from examples.stochastic_parts import CONFIGS, ESTIMATORS, networks
from examples.stochastic_parts.data import Images
from examples.stochastic_parts.training import Bound, train, values

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEANS = np.array([0.3, 0.6, 0.5, 0.8, 0.2, 0.4])
PIXELS = np.array([0, 1, 1, 1, 0, 1], "float32")


def bernoulli(bits, logits):
    """log p of bits, summed over units."""
    return np.sum(bits * logits - np.log1p(np.exp(logits)), axis=-1)


def randomized(model, seed=1):
    """Gives the networks weights that depend on their names alone."""
    model.compile("sgd")
    for name, weight in networks.shared_weights(model).items():
        rng = np.random.default_rng([seed, *name.encode()])
        weight.assign(0.7 * rng.normal(size=weight.shape))
    return values(model)[0]


def log_probabilities(weights, units):
    """For all states of both layers: that of the states, and of the pixels."""
    bits = np.array(list(itertools.product([0, 1], repeat=units)))
    first = (PIXELS[:3] - MEANS[:3]) @ weights["encoder_1/0"]
    first = bernoulli(bits, first + weights["encoder_1/1"])
    second = (2 * bits - 1) @ weights["encoder_2/0"] + weights["encoder_2/1"]
    second = bernoulli(bits[None], second[:, None])
    pixels = (2 * bits - 1) @ weights["decoder_1/0"] + weights["decoder_1/1"]
    return first[:, None] + second, bernoulli(PIXELS[3:], pixels)


def test_the_cost_is_that_of_the_lower_half_given_the_upper():
    model = networks.completion_network(MEANS, 2, "disarm", 0)
    states, pixels = log_probabilities(randomized(model), 2)
    expected = np.sum(np.exp(states) * pixels)
    exact = np.log(np.sum(np.exp(states + pixels)))
    images = np.repeat(PIXELS[None], 4000, axis=0)
    spread = np.sqrt(np.sum(np.exp(states) * (pixels - expected) ** 2))
    bound = Bound(model)
    assert abs(bound(images) - expected) < 4.5 * spread / np.sqrt(4000)
    # With many samples it is the log-likelihood itself.
    assert abs(bound(images, 300) - exact) < 0.01 < exact - expected


def test_the_gradient_is_that_of_the_expected_cost(monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "enumerate", {"estimator": "enumerate"})

    def gradients(estimator, copies, number):
        model = networks.completion_network(MEANS, 2, estimator, 0)
        randomized(model)
        weights = networks.encoder_weights(model)
        x = tf.constant(np.repeat(PIXELS[None], copies, axis=0))

        @tf.function(autograph=False)
        def run():
            with tf.GradientTape() as tape:
                surrogate = model.surrogate(x).surrogate
            found = tape.gradient(surrogate, weights)
            return tf.concat([tf.reshape(g, [-1]) for g in found], axis=0)

        return np.array([run().numpy() for _ in range(number)], "float64")

    exact = gradients("enumerate", 1, 1)[0]
    found = gradients("rebar", 1000, 60)
    error = found.std(axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - exact) < 4.5 * error + 1e-5)
    assert np.abs(exact).max() > 20 * error.max()


@pytest.mark.parametrize("estimator", ["rloo", "muprop"])
def test_it_learns_a_lower_half_that_repeats_the_upper(estimator):
    bits = np.random.default_rng(0).integers(0, 2, (200, 3)).astype("uint8")
    bits = np.concatenate([bits, bits], axis=1)
    images = Images(bits, bits[:50], bits.mean(axis=0), "repeated")
    config = dataclasses.replace(
        CONFIGS["small"],
        steps=400,
        every=200,
        checkpoints=(),
        rate=0.02,
        bound_samples=2,
        bound_images=50,
    )
    networks_made = structured_prediction.COMPARISON.networks(
        dataclasses.replace(config, units=8), images
    )
    (make,) = networks_made.values()
    recorder = train(make(estimator, 0), config, images, 0)
    # By chance alone it is 3 log(1/2) = -2.08 nats.
    assert recorder.history["train"][-1] > -1.2
    assert recorder.history["final_bound"] >= recorder.history["final"] - 0.1
    shared, _ = recorder.kept[400]
    assert shared["decoder_1/0"].shape == (8, 3)


def run(*arguments):
    """Runs the example on the embedded digits, away from the checkout."""
    given = {**os.environ, "PYTHONPATH": str(ROOT)}
    given.pop("KERAS_BP_DATA", None)
    return subprocess.run(
        [sys.executable, "-m", "examples.structured_prediction", *arguments],
        capture_output=True,
        text=True,
        env=given,
    )


@pytest.mark.slow
def test_a_run_without_time_tells_what_is_left(tmp_path):
    done = run("--minutes=-1", f"--out_dir={tmp_path}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "scikit-learn's digits" in done.stdout
    assert "12 of 12 parts are left" in done.stdout
    result = results.load(tmp_path / "metrics.json")
    counts = {row.name: row.value for row in result.rows}
    assert counts["small/score"] == 1 and counts["small/relax"] == 3
    assert (tmp_path / "structured_prediction.png").exists()


@pytest.mark.slow
def test_the_configuration_of_mnist_asks_for_it(tmp_path):
    done = run("--config=mnist", f"--out_dir={tmp_path / 'out'}")
    assert done.returncode != 0
    assert "expects mnist.npz in --data_dir" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
