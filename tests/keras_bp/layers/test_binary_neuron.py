import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp.layers import BinaryNeuron

LOGITS = np.linspace(-4, 4, 9, dtype="float32")


def test_deterministic_units_fire_above_zero():
    y = BinaryNeuron()(LOGITS)
    np.testing.assert_array_equal(y, LOGITS > 0)


@pytest.mark.parametrize(
    "dtype", ["float32", "mixed_float16", "mixed_bfloat16"]
)
def test_stochastic_units_fire_with_their_probability(dtype):
    # The small probabilities are those that half-precision noise gets wrong:
    # bfloat16 would fire the unit of logit -7 about eight times too often.
    logits = np.array([-7.0, -3.0, 0.0, 2.0], "float32")
    n = 200_000
    layer = BinaryNeuron("stochastic", seed=1, dtype=dtype)
    b = layer(np.tile(logits, (n, 1)))
    p = 1 / (1 + np.exp(-logits.astype("float64")))
    mean = tf.reduce_mean(tf.cast(b, "float64"), axis=0).numpy()
    np.testing.assert_array_less(np.abs(mean - p), 4 * np.sqrt(p * (1 - p) / n))
    assert set(np.unique(tf.cast(b, "float32"))) == {0.0, 1.0}


def test_the_slope_steepens_the_probability_and_the_gradient():
    layer = BinaryNeuron(slope=3.0, inference="probability")
    x = tf.constant([0.2])
    p = 1 / (1 + np.exp(-0.6))
    np.testing.assert_allclose(layer(x), [p], rtol=1e-6)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    np.testing.assert_allclose(
        tape.gradient(y, x), [3 * p * (1 - p)], rtol=1e-6
    )


def test_inference_can_sample_threshold_or_give_the_probability():
    x = np.tile(LOGITS, (200, 1))
    sample = BinaryNeuron("stochastic", seed=0)(x)
    assert 0 < np.mean(sample[:, 4]) < 1
    threshold = BinaryNeuron("stochastic", inference="threshold")(x)
    np.testing.assert_array_equal(threshold, x > 0)
    probability = BinaryNeuron("stochastic", inference="probability")(x)
    np.testing.assert_allclose(probability, tf.sigmoid(x), rtol=1e-6)


def test_a_threshold_in_inference_has_the_sigmoid_gradient():
    layer = BinaryNeuron("stochastic", inference="threshold", slope=2.0)
    x = tf.constant([0.3])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    p = 1 / (1 + np.exp(-0.6))
    np.testing.assert_allclose(
        tape.gradient(y, x), [2 * p * (1 - p)], rtol=1e-6
    )


@pytest.mark.parametrize("inference", ["threshold", "probability"])
def test_training_samples_whatever_the_inference(inference):
    layer = BinaryNeuron("stochastic", inference=inference, seed=0)
    b = layer(np.zeros((500,), "float32"), training=True).numpy()
    assert set(np.unique(b)) == {0.0, 1.0}


def test_one_seed_gives_one_noise_in_eager_graph_and_xla(compiled):
    def draw(compiled):
        layer = BinaryNeuron("stochastic", seed=7)
        layer.build((None,))
        run = compiled(lambda x: layer(x, training=True))
        return [run(tf.zeros(100)).numpy() for _ in range(2)]

    first, second = draw(compiled)
    expected = draw(lambda function: function)
    np.testing.assert_array_equal([first, second], expected)
    assert not np.array_equal(first, second)


def test_replicas_draw_different_samples(two_replicas):
    strategy = two_replicas
    with strategy.scope():
        layer = BinaryNeuron("stochastic", seed=7)
        layer.build((None,))

    @tf.function
    def step():
        out = strategy.run(lambda: layer(tf.zeros(100), training=True))
        return strategy.experimental_local_results(out)

    a, b = step()
    assert not np.array_equal(a, b)


def test_noise_goes_on_after_saving_and_loading(tmp_path):
    model = keras.Sequential(
        [keras.Input((50,)), BinaryNeuron("stochastic", seed=3)]
    )
    x = tf.zeros((1, 50))
    before = model(x).numpy()
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    after = model(x).numpy()
    np.testing.assert_array_equal(reloaded(x), after)
    assert not np.array_equal(after, before)
    fresh = keras.Sequential(
        [keras.Input((50,)), BinaryNeuron("stochastic", seed=99)]
    )
    fresh.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(fresh(x), after)


def test_a_nan_logit_shows_in_the_output():
    for mode in ("deterministic", "stochastic"):
        y = BinaryNeuron(mode)(np.array([np.nan, 1e9], "float32")).numpy()
        assert np.isnan(y[0]) and y[1] == 1


def test_sigmoid_adjusted_learns_a_bit_that_a_threshold_alone_cannot():
    # One unit per output bit; the target is a bit pattern of the input sign.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 8)).astype("float32")
    y = (x @ rng.normal(size=(8, 4)) > 0).astype("float32")
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(4), BinaryNeuron()])
    model.compile(keras.optimizers.Adam(0.05), "mse")
    model.fit(x, y, batch_size=64, epochs=20, verbose=0)
    assert np.mean(model.predict(x, verbose=0) == y) > 0.95


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"mode": "random"}, "mode.*'stochastic'.*'random'"),
        ({"estimator": "ste"}, "estimator.*'straight_through'.*'ste'"),
        ({"estimator": "reinmax"}, "no estimator 'reinmax' in deterministic"),
        ({"slope": -1}, "BinaryNeuron expects `slope`.*zero.*slope=-1"),
        ({"slope": float("nan")}, "`slope`.*slope=nan"),
        ({"inference": "mean"}, "inference.*'threshold'.*'mean'"),
        ({"temperature": 0}, "`temperature`.*temperature=0"),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        BinaryNeuron(**arguments)
