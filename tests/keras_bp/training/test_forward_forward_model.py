import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from lagrangian_toys import assert_close, examples
from local_models import FEATURES, X, Y, compiled, gradients, kernels

from keras_bp.layers import BinaryNeuron
from keras_bp.training import ForwardForwardModel
from keras_bp.training._forward_forward import embedded, wrong_labels


def hidden(*units, shape=(FEATURES,), activation="relu"):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input(shape), *(layers.Dense(n, activation) for n in units)]
    )


def made(*units, mode="eager", **options):
    model = ForwardForwardModel(
        hidden(*units or (8, 7, 6)), 3, **{"seed": 0, **options}
    )
    return compiled(model, mode)


def same_seeds(trained):
    """A generator that draws what the next step of a model will."""
    seeds = keras.random.SeedGenerator(0)
    seeds.state.assign(trained.seed_generator.state)
    return seeds


def test_the_step_of_a_layer_reads_its_own_input_and_output_alone():
    trained = made()
    before = gradients(trained, X, Y)
    first, second, third = (layer.kernel for layer in trained.model.layers)
    third.assign(-2 * third)
    after = gradients(trained, X, Y)
    assert_close(after[:4], before[:4])
    assert not np.allclose(after[4], before[4], rtol=0.1)
    second.assign(0 * second)
    assert_close(gradients(trained, X, Y)[:2], before[:2])
    # Other neurons below are other inputs.
    trained = made()
    first = trained.model.layers[0].kernel
    first.assign(first[:, ::-1])
    assert not np.allclose(gradients(trained, X, Y)[2], before[2], rtol=0.1)


@pytest.mark.parametrize("goodness", ["sum_squares", "mean_squares"])
def test_gradients_are_those_of_the_formula(goodness):
    trained = made(8, 7, goodness=goodness, threshold=1.5)
    # Those that the next step draws.
    wrong = wrong_labels(tf.constant(Y), 3, same_seeds(trained)).numpy()
    both = np.eye(3)[np.concatenate([Y, wrong])]
    read = np.concatenate([both, np.tile(X[:, 3:], (2, 1))], axis=1)
    expected = []
    for layer in trained.model.layers:
        neurons = np.maximum(read @ layer.kernel + layer.bias, 0)
        share = 1 / neurons.shape[1] if goodness == "mean_squares" else 1.0
        odds = share * np.sum(neurons**2, axis=1) - 1.5
        sign = np.repeat([-1.0, 1.0], len(Y))
        slope = 0.5 * sign / (1 + np.exp(-sign * odds)) / len(Y)
        slope = 2 * share * slope[:, None] * neurons
        expected += [read.T @ slope, slope.sum(0)]
        size = np.sqrt(np.mean(neurons**2, axis=1, keepdims=True))
        read = neurons / np.maximum(size, 1e-4)
    assert_close(gradients(trained, X, Y), expected, rtol=1e-3, atol=1e-5)


def test_goodness_is_gone_before_the_next_layer():
    trained = made()
    before = gradients(trained, X, Y)
    first = trained.model.layers[0].kernel
    first.assign(5 * first)
    after = gradients(trained, X, Y)
    assert not np.allclose(after[0], before[0], rtol=0.1)
    assert_close(after[2:], before[2:], rtol=1e-3, atol=1e-5)


def test_scores_are_the_goodness_of_each_label_without_the_first_layer():
    def of(skip_first):
        return made(skip_first=skip_first, threshold=0.5)

    for skip_first in (True, False):
        trained = of(skip_first)
        expected = np.zeros((len(X), 3))
        for label in range(3):
            read = X.copy()
            read[:, :3] = np.eye(3)[label]
            for number, layer in enumerate(trained.model.layers):
                neurons = np.asarray(layer(read))
                if number or not skip_first:
                    expected[:, label] += np.sum(neurons**2, axis=1) - 0.5
                size = np.mean(neurons**2, axis=1, keepdims=True)
                read = neurons / np.sqrt(size + 1e-8)
        found = trained.predict(X, verbose=0)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    # A single layer is all that there is.
    assert np.any(made(8).predict(X, verbose=0))


def test_labels_are_put_over_the_first_entries_or_behind_the_last():
    x = tf.reshape(tf.range(24.0), (2, 3, 4, 1))
    label = tf.constant([[1.0, 0, 0, 0, 0], [0, 0, 0, 0, 1.0]])
    over = embedded(x, label, "overlay").numpy()
    np.testing.assert_array_equal(over.reshape(2, 12)[:, :5], label)
    np.testing.assert_array_equal(over.ravel()[5:12], np.arange(5, 12))
    planes = embedded(x, label, "concatenate").numpy()
    assert planes.shape == (2, 3, 4, 6)
    np.testing.assert_array_equal(planes[..., :1], x)
    np.testing.assert_array_equal(planes[1, 2, 3, 1:], label[1])


def test_wrong_labels_are_never_right_and_all_others_are_drawn():
    labels = tf.constant(np.repeat([0, 3], 600))
    seeds = keras.random.SeedGenerator(0)
    found = wrong_labels(labels, 4, seeds).numpy()
    for right, part in ((0, found[:600]), (3, found[600:])):
        counts = np.bincount(part, minlength=4)
        assert counts[right] == 0
        others = np.delete(counts, right)
        # Five standard errors of a share of one third.
        assert np.all(np.abs(others / 600 - 1 / 3) < 5 * 0.0193)
    scores = tf.tile([[9.0, 0.0, np.log(3.0), -99.0]], (600, 1))
    hard = wrong_labels(labels[:600], 4, seeds, scores).numpy()
    counts = np.bincount(hard, minlength=4) / 600
    assert counts[0] == counts[3] == 0
    assert abs(counts[2] - 0.75) < 5 * 0.0177


def test_hard_negatives_are_those_that_the_model_finds_likely():
    trained = made(negatives="hard")
    scores = trained(X)
    seeds = same_seeds(trained)
    wrong = wrong_labels(tf.constant(Y), 3, seeds, scores)
    both = trained._both(tf.constant(X), tf.constant(Y))
    np.testing.assert_array_equal(
        np.argmax(both[len(X) :, :3], axis=1), np.asarray(wrong)
    )


@pytest.mark.parametrize("inference", ["goodness", "linear"])
def test_it_learns_what_no_linear_model_can(inference):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (256, 2)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype("int32")
    model = ForwardForwardModel(
        hidden(32, shape=(4,)),
        2,
        label="concatenate",
        inference=inference,
        seed=0,
    )
    compiled(model, "graph", keras.optimizers.Adam(0.05))
    history = model.fit(x, y, epochs=25, batch_size=64, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert history["separation"][-1] > 0.85
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert set(found) == {"loss", "accuracy"}
    assert found["accuracy"] > 0.85
    assert ("accuracy" in history) == (inference == "linear")


def test_the_linear_layer_trains_nothing_below_it():
    with_it, without = made(inference="linear"), made()
    found = gradients(with_it, X, Y)
    assert_close(found[:-2], gradients(without, X, Y))
    # It reads the second and third layer.
    assert found[-2].shape == (7 + 6, 3) and np.any(found[-2])


def test_one_hot_labels_are_the_same_and_convolutions_are_trained():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1 + 3)),
            layers.Conv2D(3, 2, activation="relu"),
            layers.BatchNormalization(),
            layers.Conv2D(4, 2, activation="relu"),
        ]
    )
    trained = compiled(
        ForwardForwardModel(model, 3, label="concatenate", seed=0)
    )
    x, y = examples(6, (4, 4, 1))
    found = gradients(trained, x, y)
    # A bias before normalization moves nothing.
    assert all(np.any(g) for i, g in enumerate(found) if i != 1)
    one_hot = np.eye(3, dtype="float32")[y]
    assert_close(gradients(trained, x, one_hot), found)
    assert trained.predict(x, verbose=0).shape == (6, 3)
    assert trained.compute_output_shape((None, 4, 4, 1)) == (None, 3)


def test_peers_are_drawn_to_the_mean_activity():
    with_it, without = made(8, peer_normalization=2.0), made(8)
    layer = with_it.model.layers[0]
    found = gradients(with_it, X, Y)[1] - gradients(without, X, Y)[1]
    read = np.array(with_it._both(tf.constant(X), tf.constant(Y)))
    active = read @ layer.kernel + layer.bias > 0
    mean = np.mean(np.maximum(read @ layer.kernel + layer.bias, 0), axis=0)
    slope = 2.0 * 2 * (mean - mean.mean()) / len(mean)
    # Of labels drawn once more, so of the right half alone by the sign.
    assert np.corrcoef(found, slope * active.mean(0))[0, 1] > 0.95


def test_what_does_not_fit_is_named():
    make = ForwardForwardModel
    plain = hidden(8)
    with pytest.raises(ValueError, match="more than num_classes=6 entries"):
        make(plain, 6)
    with pytest.raises(ValueError, match="features, labels included"):
        make(plain, 6, label="concatenate")
    with pytest.raises(ValueError, match="num_classes.*2 or greater"):
        make(plain, 1)
    with pytest.raises(TypeError, match="num_classes"):
        make(plain, 2.5)
    for name in ("goodness", "negatives", "label", "inference"):
        with pytest.raises(ValueError, match=f"`{name}` to be one of"):
            make(plain, 3, **{name: "none"})
    with pytest.raises(ValueError, match="`threshold`"):
        make(plain, 3, threshold=0)
    with pytest.raises(ValueError, match="^Forward.*recurrent"):
        make(keras.Sequential([keras.Input((5, 2)), layers.LSTM(3)]), 3)
    with pytest.raises(ValueError, match="one input and one output"):
        inputs = keras.Input((FEATURES,))
        x = layers.Dense(3)(inputs)
        make(keras.Model(inputs, [x, layers.Dense(3)(x)]), 3)


def test_labels_that_are_no_classes_are_refused():
    trained = made(8, mode="graph")
    for call in (trained.fit, trained.evaluate, trained.train_on_batch):
        with pytest.raises(ValueError, match="from 0 to.*2.*from -1 to 3"):
            call(X, np.where(Y == 0, -1, Y + 1))
        with pytest.raises(ValueError, match=r"shape=\(8, 2\)"):
            call(X, np.zeros((8, 2)))
    # A data set is seen in batches alone: no step, and a loss to notice.
    data = tf.data.Dataset.from_tensors((X, Y + 1))
    before = kernels(trained)
    assert np.isnan(trained.fit(data, verbose=0).history["loss"][0])
    np.testing.assert_array_equal(kernels(trained)[0], before[0])
    eager = made(8)
    with pytest.raises(ValueError, match="from 0 to"):
        eager.fit(data, verbose=0)


def thresholds(model, goodness):
    trained = ForwardForwardModel(model, 3, goodness=goodness)
    zeros = tf.zeros((5, *model.input_shape[1:]))
    values = trained._values(zeros, tf.eye(5, 3), False)
    return [trained.threshold_of(*both) for both in enumerate(values)]


def test_the_threshold_counts_all_neurons_of_an_image():
    model = keras.Sequential(
        [keras.Input((4, 4, 2)), layers.Conv2D(3, 2), layers.Conv2D(4, 2)]
    )
    assert thresholds(model, "sum_squares") == [3 * 3 * 3, 2 * 2 * 4]
    assert thresholds(model, "mean_squares") == [1, 1]


def test_the_threshold_is_one_that_bounded_neurons_reach():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(3, 3, activation="tanh"),
            layers.MaxPooling2D(),
            layers.Conv2D(4, 2),
            layers.Activation("sigmoid"),
            layers.Flatten(),
            layers.Dense(5, activation="tanh"),
            layers.BatchNormalization(),
            layers.Dense(6),
            BinaryNeuron(),
            layers.Dense(7, activation="relu"),
        ]
    )
    assert thresholds(model, "sum_squares") == [13.5, 8, 5, 6, 3, 7]
    assert thresholds(model, "mean_squares") == [0.5, 0.5, 1, 1, 0.5, 1]


@pytest.mark.slow
def test_bounded_neurons_learn_by_that_threshold_and_not_by_their_number():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 8)).astype("float32")
    y = (x[:, 3] * x[:, 4] > 0).astype("int64")
    right = []
    for threshold in (None, 32.0):
        keras.utils.set_random_seed(0)
        hidden = [layers.Dense(32, activation="tanh") for _ in range(3)]
        net = keras.Sequential([keras.Input((8,)), *hidden])
        trained = ForwardForwardModel(net, 2, threshold=threshold, seed=0)
        trained.compile(keras.optimizers.Adam(0.02))
        trained.fit(x, y, 64, epochs=25, verbose=0)
        right.append(np.mean(np.argmax(trained(x), axis=1) == y))
    assert right[0] > 0.95 and right[1] < 0.85, right


def test_inputs_of_integers_are_those_of_floats():
    # A neutral label is a fraction.
    trained = made(inference="linear")
    whole = np.random.default_rng(0).integers(0, 9, X.shape).astype("uint8")
    floats = whole.astype("float32")
    np.testing.assert_array_equal(trained(whole), trained(floats))
    assert_close(gradients(trained, whole, Y), gradients(trained, floats, Y))


@pytest.mark.parametrize("inference", ["goodness", "linear"])
def test_one_hot_labels_have_the_losses_of_integers(inference):
    trained = made(8, 7, inference=inference)
    trained.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    found = []
    for labels in (Y, np.eye(3, dtype="float32")[Y]):
        trained.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        trained.fit(X, labels, verbose=0)
        found.append(trained.evaluate(X, labels, verbose=0))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


def test_hard_labels_of_half_precision_are_wrong_ones_too():
    labels = tf.constant(np.repeat([0, 3], 50))
    scores = tf.zeros((100, 4), "float16")
    seeds = keras.random.SeedGenerator(0)
    found = wrong_labels(labels, 4, seeds, scores).numpy()
    assert not np.any(found == labels) and set(found) == {0, 1, 2, 3}
