import itertools

import keras
import numpy as np
import pytest

from keras_bp.layers import BinaryNeuron
from keras_bp.surgery import change_output
from keras_bp.training import binary_gan_networks

RNG = np.random.default_rng(0)
TINY = {"sample_shape": (2, 2, 1), "seed": 0}


def latents(number=16):
    return RNG.standard_normal((number, 128)).astype("float32")


def count(network):
    return sum(w.value.shape.num_elements() for w in network.trainable_weights)


def kernels(*networks):
    return [
        w.numpy()
        for network in networks
        for w in network.weights
        if w.name == "kernel"
    ]


def norms(network):
    return [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]


def statistics(network):
    """Moving means and variances, that a step in training mode may move."""
    return [
        w.numpy()
        for layer in norms(network)
        for w in (layer.moving_mean, layer.moving_variance)
    ]


def unmoved(before, after):
    return [np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


@pytest.fixture(scope="module")
def cnn():
    return binary_gan_networks("cnn", seed=0)


@pytest.fixture(scope="module")
def mlp():
    return binary_gan_networks("mlp", seed=0)


def test_the_mlp_has_the_number_of_weights_of_the_paper(mlp):
    assert [count(network) for network in mlp] == [939_312, 533_505]
    assert sum(map(count, mlp)) == 1_472_817
    # With the statistics of batch normalization, and the slope.
    assert sum(network.count_params() for network in mlp) == 1_476_434


def test_the_cnn_has_the_number_of_weights_of_the_paper(cnn):
    assert [count(network) for network in cnn] == [216_227, 313_985]
    assert sum(map(count, cnn)) == 530_212
    assert sum(network.count_params() for network in cnn) == 530_663


def test_both_pairs_map_128_latents_to_images_and_images_to_a_logit(mlp, cnn):
    for generator, discriminator in (mlp, cnn):
        assert generator.input_shape == (None, 128)
        assert generator.output_shape == (None, 28, 28, 1)
        assert discriminator.input_shape == (None, 28, 28, 1)
        assert discriminator.output_shape == (None, 1)


def test_transposed_convolutions_grow_an_image_from_one_pixel(cnn):
    grown = [
        layer.output.shape[1:]
        for layer in cnn[0].layers
        if isinstance(
            layer, (keras.layers.Reshape, keras.layers.Conv2DTranspose)
        )
    ]
    assert grown == [
        (1, 1, 128),
        (2, 2, 128),
        (6, 6, 64),
        (13, 13, 32),
        (28, 28, 1),
    ]


def test_convolutions_and_pools_shrink_an_image(cnn):
    shrunk = [
        layer.output.shape[1:]
        for layer in cnn[1].layers
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.MaxPooling2D))
    ]
    assert shrunk == [(26, 26, 32), (13, 13, 32), (11, 11, 64), (6, 6, 64)]


def test_units_and_slopes_of_the_mlp_are_those_of_the_paper(mlp):
    units = [
        [x.units for x in network.layers if isinstance(x, keras.layers.Dense)]
        for network in mlp
    ]
    assert units == [[1024, 784], [512, 256, 1]]
    slopes = [
        x.negative_slope
        for x in mlp[1].layers
        if isinstance(x, keras.layers.LeakyReLU)
    ]
    assert slopes == [0.2, 0.2]


def test_batch_norm_stands_in_the_generator_alone(mlp, cnn):
    found = [[len(norms(x)) for x in pair] for pair in (mlp, cnn)]
    assert found == [[2, 0], [4, 0]]


def test_first_weights_are_truncated_normal(mlp, cnn):
    for kernel in kernels(*mlp, *cnn):
        # Keras cuts at two deviations, whereby 0.880 of the deviation is left.
        assert abs(kernel).max() <= 0.04
        n = kernel.size
        assert abs(kernel.mean()) < 5 * 0.0176 / np.sqrt(n)
        # The square of a number in [-2, 2] has a deviation below 1.1.
        error = (kernel**2).mean() / 0.02**2 - 0.7737
        assert abs(error) < 5 * 1.1 / np.sqrt(n)


def test_first_weights_differ_between_layers(mlp, cnn):
    for pair in (mlp, cnn):
        first = [kernel.ravel()[:100] for kernel in kernels(*pair)]
        for one, other in itertools.combinations(first, 2):
            assert abs(np.corrcoef(one, other)[0, 1]) < 0.5


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_a_seed_repeats_weights_and_noise(architecture):
    shape = {} if architecture == "cnn" else {"sample_shape": (2, 2, 1)}
    z = latents(2)
    made = [
        binary_gan_networks(architecture, "sbn", seed=seed, **shape)
        for seed in (7, 7, 8)
    ]
    same, again, other = (
        [*generator.get_weights(), *discriminator.get_weights()]
        for generator, discriminator in made
    )
    assert all(unmoved(same, again))
    assert not any(
        np.array_equal(a, b)
        for a, b in zip(same, other, strict=True)
        if a.ndim > 1
    )
    bits, repeated, others = (keras.ops.convert_to_numpy(g(z)) for g, _ in made)
    np.testing.assert_array_equal(bits, repeated)
    assert np.any(bits != others)


def test_without_a_seed_weights_differ_each_time():
    one, other = (
        kernels(*binary_gan_networks(sample_shape=(2, 2, 1))) for _ in range(2)
    )
    assert not any(unmoved(one, other))


def by_hand(generator, z):
    """The logits of an MLP whose batch norm never normalizes."""
    k1, b1, g1, s1, k2, b2, g2, s2 = (
        w.numpy() for w in generator.trainable_weights
    )
    scale = 1 / np.sqrt(1 + 1e-3)
    hidden = np.maximum(g1 * scale * (z @ k1 + b1) + s1, 0)
    return (g2 * scale * (hidden @ k2 + b2) + s2).reshape(-1, 2, 2, 1)


def test_inert_batch_norm_scales_and_shifts_alone():
    generator, _ = binary_gan_networks(batch_norm="inert", **TINY)
    for layer in norms(generator):
        layer.gamma.assign(RNG.uniform(0.5, 2, layer.gamma.shape))
        layer.beta.assign(RNG.uniform(-1, 1, layer.beta.shape))
    before = statistics(generator)
    z = latents() + 3
    logits = change_output(generator, "logit")
    for training in (True, False):
        np.testing.assert_allclose(
            logits(z, training=training), by_hand(generator, z), atol=1e-5
        )
    assert all(unmoved(before, statistics(generator)))


def test_batch_norm_normalizes_and_learns_its_statistics():
    generator, _ = binary_gan_networks(**TINY)
    before = statistics(generator)
    logits = change_output(generator, "logit")
    # Large, so that its epsilon does not matter.
    y = keras.ops.convert_to_numpy(logits(50 * latents() + 3, training=True))
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(y.std(0), 1, atol=2e-2)
    assert not any(unmoved(before, statistics(generator)))


@pytest.mark.parametrize(("kind", "moves"), [("batch", True), ("inert", False)])
def test_the_discriminator_may_have_batch_norm(kind, moves):
    generator, network = binary_gan_networks(
        batch_norm="inert", discriminator_batch_norm=kind, **TINY
    )
    # On the two hidden layers, not on the logit.
    assert [layer.output.shape[-1] for layer in norms(network)] == [512, 256]
    before = statistics(network)
    x = RNG.uniform(size=(8, 2, 2, 1)).astype("float32")
    outputs = [network(x, training=training) for training in (True, False)]
    assert np.allclose(*outputs) is not moves
    assert unmoved(before, statistics(network)) == [not moves] * 4
    network(generator(latents()), training=True)


def test_the_discriminator_of_images_may_have_batch_norm():
    _, network = binary_gan_networks("cnn", discriminator_batch_norm="batch")
    assert [x.output.shape[-1] for x in norms(network)] == [32, 64, 128]


@pytest.mark.parametrize(
    ("neuron", "mode"), [("dbn", "deterministic"), ("sbn", "stochastic")]
)
def test_neuron_and_estimator_reach_the_end(neuron, mode):
    generator, _ = binary_gan_networks(
        neuron=neuron, estimator="straight_through", **TINY
    )
    end = generator.layers[-1]
    assert isinstance(end, BinaryNeuron)
    assert (end.mode, end.estimator) == (mode, "straight_through")
    assert set(np.unique(generator(latents()))) == {0.0, 1.0}


def test_a_real_end_is_a_sigmoid():
    generator, _ = binary_gan_networks(neuron="real", **TINY)
    z = latents()
    x = change_output(generator, "logit")(z)
    expected = 1 / (1 + np.exp(-keras.ops.convert_to_numpy(x)))
    np.testing.assert_allclose(generator(z), expected, atol=1e-6)
    assert generator.layers[-1].activation is keras.activations.sigmoid


@pytest.mark.parametrize("neuron", ["dbn", "sbn", "real"])
def test_networks_are_the_same_after_saving_and_loading(neuron, tmp_path):
    pair = binary_gan_networks(
        neuron=neuron,
        batch_norm="inert",
        discriminator_batch_norm="inert",
        **TINY,
    )
    loaded = []
    for network in pair:
        path = tmp_path / f"{network.name}.keras"
        network.save(path)
        loaded.append(keras.models.load_model(path))
    z = latents()
    x = pair[0](z)
    np.testing.assert_array_equal(x, loaded[0](z))
    np.testing.assert_array_equal(pair[1](x), loaded[1](x))
    # What is inert stays so.
    before = statistics(loaded[0]) + statistics(loaded[1])
    loaded[1](loaded[0](z, training=True), training=True)
    assert all(unmoved(before, statistics(loaded[0]) + statistics(loaded[1])))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"architecture": "rnn"}, r"`architecture` to be one of .*'rnn'"),
        ({"neuron": "binary"}, r"`neuron` to be one of .*'binary'"),
        ({"batch_norm": None}, r"`batch_norm` to be one of .*None"),
        (
            {"discriminator_batch_norm": "none"},
            r"`discriminator_batch_norm` to be one of .*'none'",
        ),
        (
            {"architecture": "cnn", "sample_shape": (32, 32, 1)},
            r"`sample_shape` to be \(28, 28, 1\) for 'cnn'.*\(32, 32, 1\)",
        ),
        ({"estimator": "magic"}, "`estimator`.*'magic'"),
        ({"neuron": "real", "estimator": "magic"}, "`estimator`.*'magic'"),
    ],
)
def test_errors_name_who_expects_what(arguments, message):
    with pytest.raises(ValueError, match=message):
        binary_gan_networks(**{"sample_shape": (2, 2, 1), **arguments})


@pytest.mark.parametrize("shape", [(32, 32, 1), (1024,)])
def test_logits_of_1024_bits_have_both_signs(shape):
    generator, _ = binary_gan_networks("mlp", "real", shape, seed=0)
    found = [type(layer) for layer in generator.layers]
    assert found.count(keras.layers.ReLU) == 1
    share = np.mean(np.asarray(generator(latents(), training=True)) > 0.5)
    assert 0.4 < share < 0.6


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_channels_are_last_whatever_the_default_is(architecture):
    expected = [x.shape for x in binary_gan_networks(architecture)[0].weights]
    keras.config.set_image_data_format("channels_first")
    try:
        networks = binary_gan_networks(architecture)
    finally:
        keras.config.set_image_data_format("channels_last")
    assert [x.shape for x in networks[0].weights] == expected
    assert networks[1](networks[0](latents(2))).shape == (2, 1)
