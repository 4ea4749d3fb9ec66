import keras
import numpy as np
import pytest
from keras import layers

from keras_bp.layers import BinaryNeuron
from keras_bp.surgery import change_output
from keras_bp.training import (
    BinaryGAN,
    refined_generator,
    residual_refiner,
)

RNG = np.random.default_rng(0)
SHAPE = (4, 4, 1)


def make_generator(end=None):
    return keras.Sequential(
        [
            keras.Input((3,)),
            # Without a bias, of which batch norm has no gradient.
            layers.Dense(16, use_bias=False),
            layers.BatchNormalization(),
            layers.Reshape(SHAPE),
            end or layers.Activation("sigmoid"),
        ]
    )


def make_refiner(neuron="dbn", **kwargs):
    arguments = {"units": 1, "filters": 3, "seed": 0, **kwargs}
    return residual_refiner(SHAPE, neuron, **arguments)


def train(generator, batches=3):
    """Trains as a generator of bits, against a small discriminator."""
    judge = keras.Sequential(
        [keras.Input(SHAPE), layers.Flatten(), layers.Dense(1)]
    )
    gan = BinaryGAN(generator, judge, critic_schedule=1, seed=0)
    gan.compile(run_eagerly=True)
    x = RNG.integers(0, 2, (8, *SHAPE)).astype("float32")
    for _ in range(batches):
        gan.train_on_batch(x)


def latents(number=8):
    return RNG.standard_normal((number, 3)).astype("float32")


def snapshot(model):
    """Weights by path, without the state of noise and counters."""
    return {w.path: w.numpy() for w in model.weights}


def moved(before, model):
    after = snapshot(model)
    return {path for path in before if np.any(before[path] != after[path])}


def parts(refined):
    """Paths of the weights of the generator, and of the refiner."""
    refiner = {w.path for w in refined.get_layer("refiner").weights}
    return {w.path for w in refined.weights} - refiner, refiner


@pytest.mark.parametrize("units", [1, 2])
def test_an_untrained_refiner_takes_the_logits_as_they_come(units):
    x = RNG.standard_normal((5, *SHAPE)).astype("float32")
    x[0] = 0
    refiner = make_refiner(units=units)
    np.testing.assert_array_equal(refiner(x), x > 0)
    np.testing.assert_array_equal(change_output(refiner, "logit")(x), x)


def test_an_untrained_refined_generator_is_the_thresholded_one():
    generator = make_generator()
    refined = refined_generator(generator, make_refiner())
    z = latents(50)
    y = refined(z)
    np.testing.assert_array_equal(y, change_output(generator, "threshold")(z))
    assert set(np.unique(y)) == {0.0, 1.0}


def test_an_untrained_refiner_keeps_the_probabilities_of_a_slope():
    generator = make_generator(BinaryNeuron("stochastic", slope=1.0, seed=0))
    generator.layers[-1].slope.assign(6.0)
    refined = refined_generator(generator, make_refiner("sbn"))
    z = latents()
    expected, found = (
        change_output(model, "probability")(z) for model in (generator, refined)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert np.std(expected) > 0.1
    bits = np.mean([refined(z) for _ in range(200)], axis=0)
    assert np.abs(bits - expected).max() < 5 * 0.5 / np.sqrt(200)


def test_a_refiner_has_its_channels_last_whatever_the_default_is():
    keras.config.set_image_data_format("channels_first")
    try:
        refiner = residual_refiner((8, 6, 1), filters=4)
    finally:
        keras.config.set_image_data_format("channels_last")
    kernels = [w.shape for w in refiner.weights if w.name == "kernel"]
    assert kernels[:2] == [(3, 3, 1, 4), (3, 3, 4, 1)]
    assert refiner(np.zeros((2, 8, 6, 1))).shape == (2, 8, 6, 1)


def test_a_trained_refiner_looks_at_the_neighbors():
    refiner = make_refiner()
    kernel = [w for w in refiner.trainable_weights if w.name == "kernel"][-1]
    kernel.assign(RNG.standard_normal(kernel.shape))
    x = np.zeros((2, *SHAPE), "float32")
    x[1, 1, 1] = 1
    one, other = keras.ops.convert_to_numpy(change_output(refiner, "logit")(x))
    changed = np.argwhere((one != other)[..., 0])
    # Two convolutions of three pixels reach two pixels far.
    assert len(changed) > 1 and changed.max() <= 3


def test_units_filters_and_kernel_size_are_those_asked_for():
    refiner = residual_refiner((4, 4, 2), "sbn", 3, 5, 1, seed=0)
    found = [
        (x.filters, x.kernel_size)
        for x in refiner.layers
        if isinstance(x, layers.Conv2D)
    ]
    assert found == [(5, (1, 1)), (2, (1, 1))] * 3
    assert refiner.layers[-1].mode == "stochastic"
    assert refiner.output_shape == (None, 4, 4, 2)


def test_a_refiner_repeats_its_seed():
    z = np.zeros((9, *SHAPE), "float32")
    same, again, other = (make_refiner("sbn", seed=x) for x in (1, 1, 2))
    for a, b in zip(same.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.any(same.get_weights()[4] != other.get_weights()[4])
    np.testing.assert_array_equal(same(z), again(z))


def test_in_two_stages_the_refiner_alone_learns():
    generator = make_generator()
    refined = refined_generator(generator, make_refiner())
    theirs, ours = parts(refined)
    # Kernel, scale, shift, mean and variance.
    assert len(theirs) == 5
    before, given = snapshot(refined), generator.get_weights()
    train(refined)
    found = moved(before, refined)
    assert not found & theirs
    # All but the slope of the neuron.
    assert {path for path in ours - found if "slope" not in path} == set()
    for old, new in zip(given, generator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_jointly_both_learn_and_the_given_generator_does_not():
    generator = make_generator(BinaryNeuron())
    refined = refined_generator(generator, make_refiner("sbn"), joint=True)
    theirs, ours = parts(refined)
    before, given = snapshot(refined), generator.get_weights()
    train(refined)
    found = moved(before, refined)
    assert theirs <= found
    assert {path for path in ours - found if "slope" not in path} == set()
    for old, new in zip(given, generator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_generator_that_was_given_may_still_be_trained():
    generator = make_generator()
    refined = refined_generator(generator, make_refiner())
    assert generator.trainable and len(generator.trainable_weights) == 3
    assert all(layer.trainable for layer in generator.layers)
    before, given = snapshot(refined), generator.get_weights()
    train(generator)
    assert moved(before, refined) == set()
    assert np.any(given[0] != generator.get_weights()[0])


@pytest.mark.parametrize("joint", [False, True])
def test_a_saved_one_goes_on_as_it_was(joint, tmp_path):
    refined = refined_generator(make_generator(), make_refiner(), joint)
    train(refined, 1)
    path = tmp_path / "refined.keras"
    refined.save(path)
    loaded = keras.models.load_model(path)
    z = latents()
    np.testing.assert_array_equal(refined(z), loaded(z))
    theirs, ours = parts(loaded)
    before = snapshot(loaded)
    train(loaded)
    found = moved(before, loaded)
    assert theirs & found == (theirs if joint else set())
    assert {path for path in ours - found if "slope" not in path} == set()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"neuron": "real"}, ValueError, "`neuron` to be one of.*'real'"),
        ({"units": 0}, ValueError, "`units` to be 1 or greater.*units=0"),
        ({"units": 2**63}, ValueError, "`units` to be 1000 or less"),
        ({"units": 1.5}, TypeError, "`units` to be an integer.*1.5"),
        ({"filters": 0}, ValueError, "`filters` to be 1 or greater"),
        ({"kernel_size": (3, 3)}, TypeError, "`kernel_size` to be an integer"),
        (
            {"sample_shape": (4, 4)},
            ValueError,
            r"\(height, width, channels\).*\(4, 4\)",
        ),
    ],
)
def test_a_refiner_names_what_it_expects(arguments, error, message):
    with pytest.raises(error, match=f"residual_refiner expects.*{message}"):
        residual_refiner(**{"sample_shape": SHAPE, **arguments})


def test_a_generator_of_another_end_raises():
    with pytest.raises(ValueError, match="whose last layer is a BinaryNeuron"):
        refined_generator(make_generator(layers.ReLU()), make_refiner())
    with pytest.raises(TypeError, match="expects a keras.Model"):
        refined_generator(layers.Dense(3), make_refiner())
