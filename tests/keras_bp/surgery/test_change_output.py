import warnings

import keras
import numpy as np
import pytest
from keras import layers

from keras_bp.layers import BinaryNeuron, StochasticNode
from keras_bp.surgery import change_output

X = np.array([[-20, -1, -0.25, 0, 0.25, 1, 20]], "float32")
ENDS = {
    "neuron": (lambda **kw: BinaryNeuron(slope=2.0, seed=0, **kw), 2.0),
    "noisy": (
        lambda **kw: BinaryNeuron("stochastic", slope=2.0, seed=0, **kw),
        2.0,
    ),
    "sigmoid": (lambda **kw: layers.Activation("sigmoid", **kw), 1.0),
    "node": (
        lambda **kw: StochasticNode("bernoulli", "rloo", samples=2, **kw),
        1.0,
    ),
}


def sequential(end, units=7, dtype=None):
    return keras.Sequential(
        [
            keras.Input((units,)),
            layers.Dense(units, kernel_initializer="identity", dtype=dtype),
            end,
        ]
    )


def functional(end, units=7, dtype=None):
    x = keras.Input((units,))
    dense = layers.Dense(units, kernel_initializer="identity", dtype=dtype)
    return keras.Model(x, end(dense(x)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype("float64")))


each_kind = pytest.mark.parametrize("kind", [sequential, functional])
each_end = pytest.mark.parametrize("name", ENDS)
each_output = pytest.mark.parametrize(
    "output", ["threshold", "bernoulli", "probability", "logit"]
)


@each_kind
@each_end
def test_values_are_those_of_the_formulas(kind, name):
    make, slope = ENDS[name]
    model = kind(make())
    expected = {
        "threshold": X > 0,
        "probability": sigmoid(slope * X),
        "logit": X,
    }
    for output, values in expected.items():
        found = change_output(model, output)
        for training in (False, True):
            y = found(X, training=training)
            np.testing.assert_allclose(y, values, rtol=1e-6, atol=1e-7)


@each_end
def test_bits_come_as_often_as_their_probability(name):
    make, slope = ENDS[name]
    found = change_output(sequential(make()), "bernoulli", seed=1)
    n = 4000
    bits = keras.ops.convert_to_numpy(found(np.repeat(X, n, axis=0)))
    assert set(np.unique(bits)) == {0.0, 1.0}
    p = sigmoid(slope * X[0])
    bound = 5 * np.sqrt(p * (1 - p) / n) + 1e-9
    assert np.all(abs(bits.mean(axis=0) - p) <= bound)


def test_bits_follow_the_seed():
    model = sequential(BinaryNeuron())
    x = np.zeros((20, 7), "float32")
    same, again, other = (
        keras.ops.convert_to_numpy(change_output(model, "bernoulli", seed)(x))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(same, again)
    assert np.any(same != other)


def test_the_slope_is_that_of_now():
    model = sequential(BinaryNeuron(slope=2.0))
    model.layers[-1].slope.assign(3.0)
    found = change_output(model, "probability")
    np.testing.assert_allclose(found(X)[0], sigmoid(3 * X)[0], rtol=1e-6)


@each_kind
@each_output
def test_weights_are_shared_both_ways(kind, output):
    model = kind(BinaryNeuron("stochastic"))
    found = change_output(model, output)
    assert found.trainable_weights[0] is model.trainable_weights[0]
    x, y = np.ones((4, 7), "float32"), np.zeros((4, 7), "float32")
    for trained, other in ((model, found), (found, model)):
        before = other.get_weights()[0]
        trained.compile("sgd", "mse", run_eagerly=True)
        trained.train_on_batch(x, y)
        after = other.get_weights()[0]
        assert np.any(before != after)
        np.testing.assert_array_equal(after, trained.get_weights()[0])


@each_kind
@each_output
@each_end
def test_the_given_model_stays_as_it_is(kind, output, name):
    model = kind(ENDS[name][0]())
    last, config = model.layers[-1], model.get_config()
    weights = model.get_weights()
    x = np.concatenate([X, -X])
    state = [w.numpy() for w in model.non_trainable_variables]
    before = keras.ops.convert_to_numpy(model(x))
    for w, value in zip(model.non_trainable_variables, state, strict=True):
        w.assign(value)
    change_output(model, output, seed=3)(x, training=True)
    assert model.layers[-1] is last and model.get_config() == config
    for old, new in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(model(x), before)


@each_output
@pytest.mark.parametrize(
    ("policy", "dtype"), [("mixed_bfloat16", "bfloat16"), ("float64",) * 2]
)
def test_the_dtype_policy_is_that_of_the_end(output, policy, dtype):
    for name in ("neuron", "sigmoid"):
        model = sequential(ENDS[name][0](dtype=policy), dtype=policy)
        found = change_output(model, output)
        assert keras.backend.standardize_dtype(found(X).dtype) == dtype
        assert found.layers[-1].dtype_policy.name == policy


def test_what_was_changed_may_be_changed_again():
    model = sequential(layers.Activation("sigmoid"))
    bits = change_output(change_output(model, "bernoulli"), "threshold")
    np.testing.assert_array_equal(bits(X), X > 0)


@each_kind
def test_a_loaded_model_may_be_changed(kind, tmp_path):
    path = tmp_path / "model.keras"
    model = kind(BinaryNeuron(slope=2.0))
    change_output(model, "bernoulli", seed=0).save(path)
    found = change_output(keras.models.load_model(path), "probability")
    np.testing.assert_allclose(found(X)[0], sigmoid(2 * X)[0], rtol=1e-6)


@each_kind
@each_output
def test_one_input_is_taken_without_a_warning(kind, output):
    found = change_output(kind(BinaryNeuron()), output)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "The structure of `inputs`")
        assert found(X).shape == X.shape


def test_two_inputs_stay():
    a, b = keras.Input((7,)), keras.Input((7,))
    model = keras.Model([a, b], BinaryNeuron()(layers.Add()([a, b])))
    found = change_output(model, "logit")
    np.testing.assert_array_equal(found([X, X]), 2 * X)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.neuron = BinaryNeuron()

    def call(self, x):
        return self.neuron(x)


def subclassed():
    model = Subclassed()
    model(X)
    return model


def nested():
    x = keras.Input((7,))
    return keras.Model(x, sequential(BinaryNeuron())(x))


def test_a_model_that_ends_in_a_model_is_changed_within_it():
    model = nested()
    model.layers[-1].layers[-1].slope.assign(2.0)
    x = np.random.default_rng(0).normal(size=(5, 7)).astype("float32")
    logit = np.asarray(change_output(model, "logit")(x))
    found = np.asarray(change_output(model, "probability")(x))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-2 * logit)), rtol=1e-5)
    with pytest.raises(ValueError, match="functional or Sequential model who"):
        change_output(
            keras.Sequential(
                [
                    keras.Input((7,)),
                    keras.Sequential([keras.Input((7,)), layers.Dense(2)]),
                ]
            ),
            "logit",
        )


def unbuilt():
    return keras.Sequential([layers.Dense(2), BinaryNeuron()])


def two_outputs():
    x = keras.Input((7,))
    return keras.Model(x, [BinaryNeuron()(x), x + 1])


def scaled():
    x = keras.Input((7,))
    return keras.Model(x, 2 * BinaryNeuron()(x))


def second_use():
    x, neuron = keras.Input((7,)), BinaryNeuron()
    neuron(layers.Dense(7)(x))
    return keras.Model(x, neuron(layers.Dense(7)(x)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: sequential(layers.Activation("tanh")),
        lambda: sequential(layers.Dense(7, activation="sigmoid")),
        lambda: sequential(StochasticNode("categorical")),
        keras.Sequential,
    ],
)
def test_another_last_layer_raises(make):
    with pytest.raises(ValueError, match="functional or Sequential model who"):
        change_output(make(), "logit")


@pytest.mark.parametrize(
    "make", [subclassed, unbuilt, two_outputs, scaled, second_use]
)
def test_a_model_whose_only_output_is_not_that_of_the_end_raises(make):
    # Else what is returned would not be the model with another end.
    with pytest.raises(ValueError, match="change_output expects"):
        change_output(make(), "logit")


def test_no_model_and_an_unknown_output_raise():
    with pytest.raises(TypeError, match="change_output expects a keras.Model"):
        change_output(BinaryNeuron(), "logit")
    with pytest.raises(ValueError, match="`output` to be one of.*'bits'"):
        change_output(sequential(BinaryNeuron()), "bits")


@each_output
def test_the_end_of_a_functional_model_inside_of_one_is_changed(output):
    inner = functional(layers.Activation("sigmoid"))
    x = keras.Input((7,))
    doubled = layers.Dense(7, kernel_initializer="identity")
    model = keras.Model(x, inner(doubled(x)))
    changed = change_output(model, output, seed=0)
    flat = change_output(inner, output, seed=0)
    np.testing.assert_array_equal(changed(X), flat(X))
    doubled.kernel.assign(2 * np.eye(7))
    np.testing.assert_array_equal(changed(X), flat(2 * X))
