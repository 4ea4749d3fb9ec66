import dataclasses
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import results
from examples import sigmoid_belief_network
from examples.stochastic_parts import (
    CONFIGS,
    ESTIMATORS,
    Experiment,
    NoMNISTError,
    Store,
    binarized,
    command,
    networks,
)
from examples.stochastic_parts.data import Images
from examples.stochastic_parts.summary import Summary
from examples.stochastic_parts.training import Bound, compiled, values
from examples.stochastic_parts.variance import (
    half_square_distances,
    log_interval,
    log_ratio_interval,
)
from keras_bp.datasets import load_digits
from keras_bp.stochastic import gradient_variance

TINY = dataclasses.replace(
    CONFIGS["small"],
    units=3,
    steps=4,
    every=2,
    curve_images=10,
    checkpoints=(2,),
    batch=5,
    tuning_steps=2,
    pairs=4,
    bound_samples=2,
    bound_images=5,
)
MEANS = np.array([0.3, 0.6, 0.5, 0.8, 0.2, 0.4])
PIXELS = np.array([0, 1, 1, 1, 0, 1], "float32")


def tiny_images():
    bits = np.random.default_rng(3).integers(0, 2, (40, 6)).astype("uint8")
    return Images(bits[:30], bits[30:], bits[:30].mean(axis=0), "bits")


def tiny_experiment(folder, config=TINY):
    images = tiny_images()
    compare = sigmoid_belief_network.COMPARISON
    made = compare.networks(config, images)
    store = Store(folder, f"{config}\n{images.told}\n")
    return Experiment(made, config, images, store)


def randomized(model, seed=1):
    """Gives the networks weights that depend on their names alone."""
    model.compile("sgd")
    for name, weight in networks.shared_weights(model).items():
        rng = np.random.default_rng([seed, *name.encode()])
        weight.assign(0.7 * rng.normal(size=weight.shape))
    return model


def gradient_estimates(model, copies, number):
    """Gradients in all weights of the networks, `(number, weights)`."""
    weights = [
        weight
        for weight in networks.shared_weights(model).values()
        if weight.trainable
    ]
    x = tf.constant(np.repeat(PIXELS[None], copies, axis=0))

    @tf.function(autograph=False)
    def run():
        with tf.GradientTape() as tape:
            surrogate = model.surrogate(x).surrogate
        found = tape.gradient(surrogate, weights)
        return tf.concat([tf.reshape(g, [-1]) for g in found], axis=0)

    return np.array([run().numpy() for _ in range(number)], "float64")


def check_against_enumeration(make, estimator):
    exact = gradient_estimates(randomized(make("enumerate")), 1, 1)[0]
    found = gradient_estimates(randomized(make(estimator)), 1000, 60)
    error = found.std(axis=0) / np.sqrt(len(found))
    # float32 alone gives some 1e-6.
    assert np.all(np.abs(found.mean(axis=0) - exact) < 4.5 * error + 1e-5)
    # With enough samples to tell a gradient from none.
    assert np.abs(exact).max() > 20 * error.max()


@pytest.fixture
def enumerated(monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "enumerate", {"estimator": "enumerate"})


# The others have tests of their own; these three differ in what they read.
@pytest.mark.parametrize("estimator", ["score", "disarm", "relax"])
def test_the_gradient_of_two_layers_is_that_of_the_bound(estimator, enumerated):
    check_against_enumeration(
        lambda name: networks.belief_network(MEANS, 2, 2, name, 0), estimator
    )


def test_the_cost_is_minus_the_bound():
    model = randomized(networks.belief_network(MEANS, 3, 1, "disarm", 0))
    weights, _ = values(model)

    def bernoulli(bits, logits):
        return np.sum(bits * logits - np.log1p(np.exp(logits)), axis=-1)

    q = (PIXELS - MEANS) @ weights["encoder_1/0"] + weights["encoder_1/1"]
    bits = np.array(list(itertools.product([0, 1], repeat=3)))
    logits = (2 * bits - 1) @ weights["decoder_1/0"] + weights["decoder_1/1"]
    log_q = bernoulli(bits, q)
    log_p = bernoulli(PIXELS, logits) + bernoulli(bits, weights["prior/0"])
    elbo = np.sum(np.exp(log_q) * (log_p - log_q))
    evidence = np.log(np.sum(np.exp(log_p)))
    bound = Bound(model)
    images = np.repeat(PIXELS[None], 4000, axis=0)
    spread = np.sqrt(np.sum(np.exp(log_q) * (log_p - log_q - elbo) ** 2))
    assert abs(bound(images) - elbo) < 4.5 * spread / np.sqrt(4000)
    # More samples come near to the evidence, from below.
    many = bound(images, 200)
    assert elbo + 0.5 * (evidence - elbo) < many < evidence + 0.01


def test_held_logits_have_a_gradient_to_the_input_alone():
    layer = networks.PairedDense(2)
    x = tf.ones((1, 3))
    layer.build(x.shape)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        free, held = layer(x)
    np.testing.assert_allclose(free, held, rtol=1e-6)
    assert tape.gradient(held, layer.kernel) is None
    assert tape.gradient(held, layer.bias) is None
    expected = layer.kernel.numpy().sum(axis=1)[None]
    np.testing.assert_allclose(tape.gradient(held, x), expected, rtol=1e-6)


def test_all_estimators_begin_at_the_same_weights():
    def initial(name, seed):
        return values(networks.belief_network(MEANS, 3, 2, name, seed))[0]

    found = [initial(name, 1) for name in ESTIMATORS]
    for other in found[1:]:
        assert other.keys() == found[0].keys()
        for name, weight in found[0].items():
            np.testing.assert_array_equal(weight, other[name])
    other = initial("rloo", 2)
    assert not np.allclose(other["encoder_1/0"], found[0]["encoder_1/0"])


def test_a_saved_network_is_the_same_one(tmp_path):
    model = networks.belief_network(MEANS, 3, 2, "score", 1)
    model.compile("sgd")
    model.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    before, after = values(model)[0], values(again)[0]
    assert before.keys() == after.keys()
    for name, weight in before.items():
        np.testing.assert_array_equal(weight, after[name])


def test_the_variance_is_that_of_many_gradients():
    # One batch alone: all pairs are of the same images.
    bits = np.repeat(PIXELS[None].astype("uint8"), 5, axis=0)
    images = Images(bits, bits, MEANS, "one")
    config = dataclasses.replace(TINY, pairs=400)
    model = networks.belief_network(MEANS, 3, 1, "rloo", 0)
    shared, own = values(randomized(model))
    found = half_square_distances(model, config, images, shared, own)
    report = gradient_variance(model, bits.astype("float32"))
    rows = [x for x in report.rows if x.name.startswith("encoder")]
    size = sum(np.prod(w.shape) for w in networks.encoder_weights(model))
    assert sum(row.elements for row in rows) == size
    expected = sum(row.variance * row.elements for row in rows) / size
    spread = found.std() / np.sqrt(len(found))
    # As many gradients, in another order.
    assert abs(found.mean() - expected) < 4.5 * np.sqrt(2) * spread


def test_tuning_changes_nothing_but_the_nodes():
    images = tiny_images()
    model = networks.belief_network(images.means, 3, 1, "relax", 0)
    compiled(model, TINY)
    before, own = values(model)
    half_square_distances(model, TINY, images, before, own)
    after, tuned = values(model)
    for name, weight in before.items():
        np.testing.assert_array_equal(weight, after[name])
    assert any(not np.allclose(tuned[name], own[name]) for name in own)


def test_intervals_hold_the_mean_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held = []
    for seed in range(200):
        draws = rng.exponential(size=(2, 100))
        value, low, high = log_interval(draws[0], seed, 200)
        assert low <= value <= high
        held.append(low < 0 < high)
        # Of the same numbers the ratio is known.
        same = log_ratio_interval(3 * draws[0], draws[0], seed, 10)
        np.testing.assert_allclose(same, np.log(3), rtol=1e-12)
    # 190 expected, with a deviation of 3; the bootstrap is a little narrow.
    assert 176 <= sum(held) <= 199


@pytest.mark.slow
def test_a_cut_run_goes_on_where_it_ended(tmp_path, capsys, monkeypatch):
    # Those left are the quickest to trace.
    for name in ("rloo", "rebar", "relax"):
        monkeypatch.delitem(ESTIMATORS, name)
    experiment = tiny_experiment(tmp_path)
    parts = experiment.parts([0])
    assert len(parts) == 6
    command.work(experiment, [0], minutes=-1)
    assert experiment.left(parts) == parts
    # A part that fails leaves what was done before.
    done = []
    run = Experiment.run

    def fail_at_the_third(self, part):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(part)
        return run(self, part)

    monkeypatch.setattr(Experiment, "run", fail_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        command.work(experiment, [0])
    monkeypatch.setattr(Experiment, "run", run)
    kept = experiment.store.found(done[0].name)
    again = tiny_experiment(tmp_path)
    assert again.left(parts) == parts[2:]
    command.work(again, [0])
    assert again.store.found(done[0].name) == kept
    assert "0 of 6 parts are left" in capsys.readouterr().out
    check_conclusion(again, tmp_path)


def check_conclusion(experiment, folder):
    comparison = sigmoid_belief_network.COMPARISON
    summary = Summary(experiment, comparison, "tiny")
    command.conclude(summary, folder, folder / "metrics.json")
    result = results.load(folder / "metrics.json")
    found = {(row.name, row.metric): row for row in result.rows}
    for estimator in ESTIMATORS:
        name = f"tiny/one layer/{estimator}"
        assert found[name, "training ELBO, 4 steps"].value < 0
        row = found[name, "gradient log-variance, step 2"]
        assert row.low <= row.value <= row.high
    assert found["tiny/muprop", "evaluations of the costs per node"].value == 2
    told = "gradient log-variance less that of score, step 2"
    assert found["tiny/one layer/disarm", told].verdict in ("pass", "miss")
    picture = folder / "sigmoid_belief_network.png"
    assert 10_000 < picture.stat().st_size < 200_000


def test_a_folder_of_another_configuration_is_refused(tmp_path):
    tiny_experiment(tmp_path)
    other = dataclasses.replace(TINY, steps=6)
    with pytest.raises(ValueError, match="of another"):
        tiny_experiment(tmp_path, other)


def test_pixels_are_drawn_once_and_as_often_as_they_are_bright(monkeypatch):
    monkeypatch.delenv("KERAS_BP_DATA", raising=False)
    config = dataclasses.replace(TINY, train_images=1000)
    found, again = binarized(config), binarized(config)
    assert found.train.shape == (1000, 64) and found.train.dtype == np.uint8
    assert set(np.unique(found.train)) == {0, 1}
    np.testing.assert_array_equal(found.train, again.train)
    np.testing.assert_array_equal(found.test, again.test)
    bright = load_digits()[0][0][:1000].reshape(1000, -1)
    error = np.sqrt(np.sum(bright * (1 - bright), axis=0)) + 1e-3
    gap = np.sum(found.train - bright, axis=0) / error
    assert np.abs(gap).max() < 4.5


def test_the_embedded_digits_are_not_taken_for_mnist(monkeypatch):
    monkeypatch.delenv("KERAS_BP_DATA", raising=False)
    with pytest.raises(NoMNISTError, match="expects mnist.npz"):
        binarized(CONFIGS["mnist"])
