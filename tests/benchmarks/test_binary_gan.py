import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from benchmarks import binary_gan as bench
from benchmarks import binary_gan_cases as cases
from benchmarks import binary_gan_profile as profile
from benchmarks import binary_gan_rivals as rivals
from keras_bp.layers import BinaryNeuron, StochasticNode
from keras_bp.training import binary_gan_networks

SMALL = cases.Setting(
    "mlp", (2, 2, 1), batch=4, critic_steps=1, seconds_per_round=1e-3
)
RNG = np.random.default_rng(0)


def test_both_pairs_are_timed_in_graph_mode_and_under_xla():
    assert set(bench.parts(1)) == {
        f"{architecture} {part}"
        for architecture in ("mlp", "cnn")
        for part in ("batch graph", "batch XLA", "critic profile")
    }


@pytest.mark.parametrize("setting", [SMALL, cases.Setting("cnn")])
def test_an_end_is_the_only_difference_between_generators(setting):
    weights = []
    for end, kind in (
        ("real", layers.Activation),
        ("dbn", BinaryNeuron),
        ("sbn", BinaryNeuron),
        ("rloo", StochasticNode),
        ("disarm", StochasticNode),
    ):
        generator, discriminator = setting.networks(end)
        assert isinstance(generator.layers[-1], kind)
        weights.append([w.numpy() for w in generator.trainable_weights])
        assert discriminator.input_shape[1:] == setting.sample_shape
    for others in weights[1:]:
        for one, other in zip(weights[0], others, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_timing_gives_a_row_for_each_end_and_rival(eager):
    rows = cases.batch_rows(SMALL, False, 1, ("dbn",), ("loop", "keras"))
    assert [(row.name, row.metric) for row in rows] == [
        ("BinaryGAN, dbn end", "batch, MLP, graph"),
        ("BinaryGAN, sigmoid end", "batch beside loop, MLP, graph"),
        ("BinaryGAN, sigmoid end", "batch beside keras, MLP, graph"),
    ]
    assert all(row.value > 0 and row.aim == "<= 1.05" for row in rows)


@pytest.mark.parametrize("what", ["loop", "keras"])
def test_a_rival_trains_both_networks(what, eager):
    pair = SMALL.networks("real")
    before = [[w.numpy() for w in x.trainable_weights] for x in pair]
    if what == "loop":
        rivals.hand_written(*pair, 1, False)(next(SMALL.batches()))
    else:
        rivals.KerasWGAN(*pair, 1).train_step(next(SMALL.batches()))
    for network, weights in zip(pair, before, strict=True):
        for weight, old in zip(network.trainable_weights, weights, strict=True):
            # Biases before batch normalization, and the last one, need not.
            assert weight.name == "bias" or np.any(weight.numpy() != old)


def test_the_penalty_of_a_plane_is_that_of_its_slope():
    plane = keras.Sequential(
        [keras.Input((2, 2, 1)), layers.Flatten(), layers.Dense(1)]
    )
    norm = np.linalg.norm(plane.get_weights()[0])
    x = tf.constant(RNG.uniform(size=(3, 2, 2, 1)), "float32")
    found = rivals.gradient_penalty(plane, x)
    np.testing.assert_allclose(found, (norm - 1) ** 2, rtol=1e-5)


def test_the_parts_of_a_step_add_up_to_it(eager):
    rows = profile.critic_rows(SMALL, 1)
    shares = [row.value for row in rows if row.metric.endswith("of the step")]
    assert len(shares) == len(profile.PARTS)
    assert sum(shares) == pytest.approx(1)
    assert [row.unit for row in rows[-2:]] == ["ms", "times"]


def test_operations_are_those_of_the_convolutional_pair():
    pair = cases.Setting("cnn").networks("dbn")
    made, judged = (profile.multiplications(x) for x in pair)
    assert made == [65_536, 524_288, 663_552, 86_528]
    assert judged == [194_688, 2_230_272, 294_912, 128]
    once = 2 * 64 * sum(judged)
    assert profile.operations(*pair, 64) == [
        2 * 64 * sum(made),
        6 * once - 2 * 2 * 64 * judged[0],
        2 * once,
        2 * once,
        0,
    ]


def test_the_rival_of_the_step_has_the_layers_of_keras():
    _, network = binary_gan_networks("cnn", seed=0)
    plain = profile.with_layers_of_keras(network)
    kinds = [type(layer) for layer in plain.layers]
    assert kinds.count(layers.LeakyReLU) == 3
    assert kinds.count(layers.MaxPooling2D) == 2
    x = RNG.integers(0, 2, (2, 28, 28, 1)).astype("float32")
    np.testing.assert_allclose(plain(x), network(x), rtol=1e-5)
