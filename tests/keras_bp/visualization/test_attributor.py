"""Maps against NumPy, in every form of a rectifier; targets and errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from rectified_models import (
    FORMS,
    by_name,
    functional,
    images,
    maps_by_hand,
    subclassed,
)

from keras_bp.layers import GuidedReLU
from keras_bp.visualization import Attributor, RectifierNotCovered

X = images()
RNG = np.random.default_rng(2)
RULES = "saliency", "guided", "deconvnet", "negative_guided"


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_rectifier_follows_the_rule(form, rule, jit_compile):
    make, bound = FORMS[form]
    attributor = Attributor(make(), rule, jit_compile=jit_compile)
    # The last batch is smaller.
    found = attributor(X, batch_size=3)
    wanted = maps_by_hand(rule, X, bound)
    assert np.abs(wanted).max() > 0.1
    np.testing.assert_allclose(found, wanted, atol=2e-6)
    covered = attributor.report.covered
    assert len(covered) == (0 if rule == "saliency" else 2)
    assert attributor.report.stripped.endswith("Softmax")


@pytest.mark.parametrize("rule", RULES)
def test_a_reloaded_model_has_the_same_maps(rule, tmp_path):
    by_name("relu").save(tmp_path / "a.keras")
    model = keras.saving.load_model(tmp_path / "a.keras")
    found = Attributor(model, rule)(X)
    np.testing.assert_allclose(found, maps_by_hand(rule, X), atol=2e-6)


def test_the_model_stays_as_it_is_and_its_weights_are_followed():
    model = by_name("relu")
    attributor = Attributor(model, "guided")
    with tf.GradientTape() as tape:
        x = tf.constant(X)
        tape.watch(x)
        before = model(x)
    plain = tape.gradient(before, x)
    attributor(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        after = model(x)
    np.testing.assert_array_equal(after, before)
    np.testing.assert_array_equal(tape.gradient(after, x), plain)
    model.set_weights([2 * w for w in model.get_weights()])
    wanted = maps_by_hand("guided", X, scale=2.0)
    np.testing.assert_allclose(attributor(X), wanted, rtol=1e-5, atol=2e-5)


def test_layers_with_a_rule_of_their_own_keep_it():
    model = functional(lambda: GuidedReLU("deconvnet"))
    found = Attributor(model, "saliency")(X)
    np.testing.assert_allclose(found, maps_by_hand("deconvnet", X), atol=2e-6)


def test_leaky_rectifiers_are_gated_by_their_slope():
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.LeakyReLU(negative_slope=0.1),
            layers.Dense(1, kernel_initializer="ones"),
        ]
    )
    kernel = np.array([[2.0], [-3.0], [5.0]])
    model.layers[-1].set_weights([kernel, np.zeros(1)])
    x = np.array([[1.0, 1.0, -1.0]], "float32")
    for rule, wanted in (
        ("saliency", [2, -3, 0.5]),
        ("guided", [2, 0, 0.5]),
        ("deconvnet", [2, 0, 5]),
    ):
        found = Attributor(model, rule)(x, None)
        np.testing.assert_allclose(found, [wanted], rtol=1e-6)


@pytest.mark.parametrize("percentile", [0.0, 50.0, 90.0])
def test_rectgrad_keeps_what_is_above_the_percentile(percentile):
    kernel = RNG.normal(size=(11, 1)).astype("float32")
    model = keras.Sequential(
        [keras.Input((11,)), layers.ReLU(), layers.Dense(1)]
    )
    model.layers[-1].set_weights([kernel, np.zeros(1)])
    x = RNG.normal(size=(4, 11)).astype("float32")
    found = Attributor(model, "rectgrad", percentile=percentile)(x, 0)
    importance = np.maximum(x, 0) * kernel[:, 0]
    level = np.percentile(importance, percentile, axis=1, method="nearest")
    kept = (importance > level[:, None]) & (x > 0)
    np.testing.assert_allclose(found, kept * kernel[:, 0], rtol=1e-6)


def test_averaged_pooling_spreads_the_gradient():
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.MaxPooling2D(), layers.Flatten()]
    )
    x = RNG.normal(size=(2, 4, 4, 1)).astype("float32")
    found = Attributor(model, pool="average")(x, None)
    np.testing.assert_allclose(found, np.full(x.shape, 0.25), rtol=1e-6)
    switched = Attributor(model)(x, None)
    assert set(np.unique(switched)) == {0, 1} and switched.sum() == 8


def linear(classes=3):
    """Whose map of a class is a column of its kernel."""
    model = keras.Sequential([keras.Input((4,)), layers.Dense(classes)])
    model.set_weights([RNG.normal(size=(4, classes)), np.zeros(classes)])
    return model, np.asarray(model.layers[0].kernel)


def test_targets_choose_an_entry_for_each_example():
    model, kernel = linear()
    x = RNG.normal(size=(6, 4)).astype("float32")
    attributor = Attributor(model)
    each = np.array([0, 2, 1, 1, 0, -1])
    largest = model.predict(x, verbose=0).argmax(1)
    drawn = np.random.default_rng(5).integers(3, size=6)
    for target, classes in (
        (2, [2] * 6),
        (-1, [2] * 6),
        ((1,), [1] * 6),
        (each, each),
        (tf.constant(each), each),
        ("max", largest),
        ("random", drawn),
        (lambda y: y[:, 1], [1] * 6),
    ):
        found = attributor(x, target, batch_size=4, seed=5)
        np.testing.assert_allclose(found, kernel.T[classes], rtol=1e-6)
    summed = np.tile(kernel.sum(1), (6, 1))
    np.testing.assert_allclose(attributor(x, None), summed, rtol=1e-5)


def test_dense_outputs_are_summed_over_positions():
    model = keras.Sequential(
        [keras.Input((5, 2)), layers.Dense(3, activation="softmax")]
    )
    kernel = np.asarray(model.layers[0].kernel)
    x = RNG.normal(size=(2, 5, 2)).astype("float32")
    attributor = Attributor(model)
    found = attributor(x, 1)
    wanted = np.broadcast_to(kernel[:, 1], x.shape)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    one = attributor(x, (3, 1))
    np.testing.assert_allclose(one, wanted * (np.arange(5) == 3)[:, None])
    largest = (x @ kernel).argmax(-1)
    np.testing.assert_allclose(attributor(x), kernel.T[largest], rtol=1e-6)


def test_a_final_softmax_is_left_out_only_if_asked():
    model, kernel = linear()
    squashed = keras.Sequential([model, layers.Softmax()])
    x = RNG.normal(size=(6, 4)).astype("float32")
    found = Attributor(squashed)(x, 1)
    np.testing.assert_allclose(found, np.tile(kernel[:, 1], (6, 1)), rtol=1e-6)
    attributor = Attributor(squashed, logits=False)
    p = squashed.predict(x, verbose=0)
    inner = p[:, 1:2] * (np.eye(3)[1] - p)
    np.testing.assert_allclose(attributor(x, 1), inner @ kernel.T, rtol=1e-4)
    assert attributor.report.stripped is None


def branches():
    a, b = (
        keras.Input((4,), name="a"),
        keras.Input((2,), name="b", dtype="int32"),
    )
    embedded = layers.Flatten()(layers.Embedding(9, 2)(b))
    x = layers.Concatenate()([a, embedded])
    hidden = layers.Dense(6, activation="relu", name="hidden")(x)
    outputs = {"p": layers.Dense(2, name="p")(hidden), "q": layers.ReLU()(x)}
    return keras.Model({"a": a, "b": b}, outputs)


def test_inputs_outputs_and_layers_may_be_several():
    model = branches()
    x = {
        "a": RNG.normal(size=(3, 4)).astype("float32"),
        "b": RNG.integers(0, 9, (3, 2)),
    }
    kernel = np.asarray(model.get_layer("hidden").kernel)[:4]
    active = keras.Model(model.inputs, model.get_layer("hidden").output)
    active = active.predict(x, verbose=0) > 0
    for output in ("hidden", model.get_layer("hidden")):
        found = Attributor(model, output=output)(x, 1)
        assert found["b"] is None
        wanted = active[:, 1:2] * kernel[:, 1]
        np.testing.assert_allclose(found["a"], wanted, rtol=1e-6)
    by_number = Attributor(model, "guided", output=1)(x, 2)
    by_name = Attributor(model, "guided", output="q")(x, 2)
    np.testing.assert_array_equal(by_name["a"], by_number["a"])
    np.testing.assert_allclose(by_name["a"], np.eye(4)[[2]] * (x["a"] > 0))
    with pytest.raises(ValueError, match="one of several outputs"):
        Attributor(model)(x)
    with pytest.raises(ValueError, match="name of an output"):
        Attributor(model, output="r")(x)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_near(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = by_name("relu")
        found = Attributor(model, "guided")(X, 0)
    finally:
        keras.config.set_dtype_policy(before)
    wanted = Attributor(by_name("relu"), "guided")(X, 0)
    assert found.dtype == "float32"
    rough = 0.02 if policy == "mixed_float16" else 0.2
    np.testing.assert_allclose(found, wanted, atol=rough)


@pytest.mark.parametrize(
    ("rectify", "words"),
    [
        ("silu", "self-gated"),
        ("gelu", "GELU"),
        (lambda x: keras.activations.gelu(x, approximate=True), "self-gated"),
        ("hard_silu", "self-gated"),
        ("mish", "softplus"),
        ("elu", "ELU"),
        ("selu", "SELU"),
        ("celu", "CELU"),
        ("softplus", "softplus"),
        (layers.ReLU(threshold=0.5), "threshold"),
        (layers.ReLU(negative_slope=0.1, max_value=3.0), "negative part"),
        (tf.function(tf.nn.relu), "tf.function"),
        ("tanh", "without one"),
    ],
)
def test_what_has_no_rule_is_named(rectify, words):
    if isinstance(rectify, str):
        rectify = keras.activations.get(rectify)
    model = subclassed(rectify)
    with pytest.raises(RectifierNotCovered, match=words):
        Attributor(model, "guided")(X)
    # The gradient itself is always there.
    assert np.isfinite(Attributor(model)(X)).all()


def test_loops_are_named_and_unrolled_ones_follow_the_rule():
    def recurrent(unroll):
        layer = layers.SimpleRNN(3, activation="relu", unroll=unroll)
        return keras.Sequential([keras.Input((4, 2)), layer, layers.Dense(2)])

    x = RNG.normal(size=(2, 4, 2)).astype("float32")
    with pytest.raises(RectifierNotCovered, match="unroll=True"):
        Attributor(recurrent(False), "guided")(x)
    attributor = Attributor(recurrent(True), "guided")
    assert attributor(x).shape == x.shape
    assert len(attributor.report.covered) == 4


def test_unknown_parts_may_keep_their_gradient():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(3, activation="elu"),
            layers.Dense(3, activation="relu"),
        ]
    )
    attributor = Attributor(model, "guided", unknown="keep")
    assert attributor(np.ones((1, 4))).shape == (1, 4)
    assert len(attributor.report.covered) == 1
    assert any("ELU" in name for name in attributor.report.kept)


def test_gates_of_other_units_are_no_rectifiers():
    # Squeeze and excitation, and an LSTM.
    inputs = keras.Input((4, 3))
    x = layers.Dense(3, activation="relu")(inputs)
    gate = layers.Dense(3, activation="sigmoid")(
        layers.GlobalAveragePooling1D(keepdims=True)(x)
    )
    x = layers.LSTM(2)(layers.Multiply()([x, gate]))
    model = keras.Model(inputs, layers.Dense(2)(x))
    attributor = Attributor(model, "guided")
    attributor(np.ones((1, 4, 3)))
    assert len(attributor.report.covered) == 1
    assert any(name.endswith("Sigmoid") for name in attributor.report.kept)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"rule": "lrp"}, ValueError, "`rule` to be one of"),
        ({"pool": "max"}, ValueError, "`pool`"),
        ({"unknown": "skip"}, ValueError, "`unknown`"),
        ({"percentile": 100}, ValueError, "percentile"),
        ({"output": "nowhere"}, ValueError, "name of an output"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        Attributor(by_name("relu"), **arguments)


@pytest.mark.parametrize(
    ("x", "target", "error", "words"),
    [
        (X, 3, ValueError, r"in \[-3, 3\)"),
        (X, (0, 1), ValueError, "for each axis"),
        (X, [0, 1], ValueError, "one `target` for each of 5"),
        (X, np.array([0.5] * 5), ValueError, "integer"),
        (X, "least", ValueError, "`target` to be one of"),
        (X, 0.5, TypeError, "an index"),
        (X[:0], 0, ValueError, "at least one"),
        (X[0, 0, 0, 0], 0, ValueError, "at least one"),
        (X[0], 0, ValueError, r"a batch `x`.*one example; x\[None\]"),
        (X.tolist(), 0, TypeError, "`x` to be an array.*numpy.array"),
    ],
)
def test_bad_calls_are_refused(x, target, error, words):
    with pytest.raises(error, match=words):
        Attributor(by_name("relu"))(x, target)


def test_models_without_a_path_are_refused():
    with pytest.raises(TypeError, match=r"keras\.Model"):
        Attributor(layers.Dense(2))
    words = keras.Sequential(
        [
            keras.Input((3,), dtype="int32"),
            layers.Embedding(5, 2),
            layers.Flatten(),
        ]
    )
    with pytest.raises(ValueError, match="a path to"):
        Attributor(words)(np.ones((2, 3), "int32"), 0)


def test_graphs_of_others_are_refused():
    attributor = Attributor(by_name("relu"))
    with pytest.raises(RuntimeError, match=r"outside of `tf\.function`"):
        tf.function(attributor, autograph=False)(tf.constant(X))
    tf.config.run_functions_eagerly(True)
    try:
        with pytest.raises(RuntimeError, match="run_functions_eagerly"):
            attributor(X)
    finally:
        tf.config.run_functions_eagerly(False)


class _Private(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2, activation="relu")

    def call(self, x):
        return self.dense(x)


def test_a_model_of_a_private_class_has_maps():
    x = np.ones((3, 2), "float32")
    model = _Private()
    assert Attributor(model, "guided")(x).shape == x.shape


def test_layers_of_a_model_are_attributed_whoever_else_has_them():
    x = keras.Input((3,))
    shared = layers.Dense(4, activation="relu", name="shared")
    first = keras.Model(x, layers.Dense(2)(shared(x)))
    y = keras.Input((3,))
    second = keras.Model(y, layers.Dense(5)(shared(2 * y)))
    data = RNG.normal(size=(6, 3)).astype("float32")
    a = Attributor(first, output="shared")(2 * data, 1)
    b = Attributor(second, output=shared)(data, 1)
    assert np.abs(a).max() > 1e-3
    np.testing.assert_allclose(b, 2 * a, rtol=1e-6)
    outer = keras.Sequential([keras.Input((3,)), first, layers.Dense(2)])
    inside = Attributor(outer, output="shared")(2 * data, 1)
    np.testing.assert_allclose(inside, a, rtol=1e-6)
    assert "call" not in vars(shared)


def test_a_layer_that_is_called_twice_is_refused():
    x = keras.Input((3,))
    twice = layers.Dense(3, name="twice")
    model = keras.Model(x, twice(twice(x)))
    with pytest.raises(ValueError, match="'twice', called 2 times"):
        Attributor(model, output="twice")(np.ones((2, 3), "float32"), 0)


def test_a_layer_of_a_subclassed_model_is_attributed():
    model = subclassed()
    found = Attributor(model, output=model.first)(X, (1, 2, 0))
    seen = np.abs(found).sum((0, 3))
    # A unit at row 1 and column 2 of a valid 3 x 3 convolution.
    assert (seen > 0)[1:4, 2:5].all() and not seen[4:].any()


def test_a_softmax_that_is_asked_for_by_its_layer_stays():
    x = keras.Input((3,))
    weighed = layers.Dense(4, activation="softmax", name="weights")(x)
    model = keras.Model(x, layers.Dense(2)(weighed))
    attributor = Attributor(model, output="weights")
    data = RNG.normal(size=(5, 3)).astype("float32")
    found = attributor(data, None)
    # Their sum is one.
    np.testing.assert_allclose(found, 0, atol=1e-6)
    assert attributor.report.stripped is None


def test_integer_images_have_the_maps_of_floats():
    images = RNG.integers(0, 255, size=X.shape).astype("uint8")
    attributor = Attributor(by_name("relu"), "guided")
    np.testing.assert_array_equal(
        attributor(images, 1), attributor(images.astype("float32"), 1)
    )


def test_functions_as_targets_do_not_pile_up():
    attributor = Attributor(by_name("relu"), "deconvnet")
    for _ in range(3):
        attributor(X, lambda y: y[:, 0], batch_size=2)
    assert len(attributor._traced) == 2  # of two and of one example


def test_average_pooling_reaches_volumes():
    model = keras.Sequential(
        [keras.Input((4, 4, 4, 1)), layers.MaxPooling3D(), layers.Flatten()]
    )
    x = RNG.normal(size=(2, 4, 4, 4, 1)).astype("float32")
    found = Attributor(model, pool="average")(x, None)
    np.testing.assert_allclose(found, 1 / 8, rtol=1e-6)
