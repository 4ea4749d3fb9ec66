import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_bp.layers import GuidedReLU
from keras_bp.surgery import swap_activations

RULES = ["vanilla", "guided", "deconvnet"]


def reference_relu(rule):
    """The rectifier and the three rules, apart from the package's own."""

    def relu(x, max_value=np.inf, slope=0.0, threshold=0.0):
        @tf.custom_gradient
        def rectify(x):
            below = slope * (x - threshold)
            y = tf.minimum(tf.where(x > threshold, x, below), max_value)
            gate = tf.where(x > threshold, 1.0, slope)
            gate = tf.where(x < max_value, gate, 0.0)

            def grad(r):
                return {
                    "vanilla": gate * r,
                    "guided": gate * tf.maximum(r, 0.0),
                    "deconvnet": tf.maximum(r, 0.0),
                }[rule]

            return y, grad

        return rectify(x)

    return relu


def stack(shape, *parts):
    return keras.Sequential([keras.Input(shape), *parts])


def functional(shape, function):
    x = keras.Input(shape)
    return keras.Model(x, function(x))


def two_inputs():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    hidden = layers.Dense(4, activation="relu", name="left")(a)
    hidden = layers.Concatenate()([hidden, layers.Dense(4, name="right")(b)])
    hidden = layers.ReLU(name="top")(hidden)
    return keras.Model([a, b], [layers.Dense(2)(hidden), hidden])


def two_inputs_reference(inputs, w, relu):
    hidden = tf.concat(
        [relu(inputs[0] @ w[0] + w[1]), inputs[1] @ w[2] + w[3]], axis=-1
    )
    hidden = relu(hidden)
    return [hidden @ w[4] + w[5], hidden]


def conv_stack():
    return stack(
        (6, 6, 2),
        layers.Conv2D(3, 3, activation="relu", name="conv1"),
        layers.MaxPooling2D(),
        layers.Conv2D(4, 2, activation="relu", name="conv2"),
    )


def conv_reference(x, w, relu):
    hidden = relu(tf.nn.conv2d(x, w[0], 1, "VALID") + w[1])
    hidden = tf.nn.max_pool2d(hidden, 2, 2, "VALID")
    return relu(tf.nn.conv2d(hidden, w[2], 1, "VALID") + w[3])


def between_reference(**kwargs):

    def reference(x, w, relu):
        return relu(x @ w[0] + w[1], **kwargs) @ w[2] + w[3]

    return reference


def between(make_rectifier):
    return lambda: functional(
        (3,),
        lambda x: layers.Dense(4)(make_rectifier()(layers.Dense(5)(x))),
    )


def nested(kind):
    def build():
        parts = [
            layers.Dense(4, activation="relu", name="in"),
            layers.ReLU(max_value=1.0, name="out"),
        ]
        if kind == "sequential":
            inner = keras.Sequential([keras.Input((4,)), *parts], name="block")
        else:
            x = keras.Input((4,))
            inner = keras.Model(x, parts[1](parts[0](x)), name="block")
        x = keras.Input((4,))
        outer = keras.Model(x, inner(x), name="stage")
        return functional((4,), lambda x: outer(layers.Dense(4)(x)))

    return build


def nested_reference(x, w, relu):
    return relu(relu((x @ w[0] + w[1]) @ w[2] + w[3]), max_value=1.0)


NESTED_FOUND = (
    "stage/block/in: activation='relu'",
    "stage/block/out: ReLU(max_value=1.0)",
)


def shared():
    dense = layers.Dense(3, activation="relu", name="dense")
    relu = layers.ReLU(threshold=0.5, name="relu")
    minus = layers.Rescaling(-1.0)
    return functional(
        (3,), lambda x: relu(dense(minus(dense(x)))) + relu(minus(x))
    )


def shared_reference(x, w, relu):
    hidden = relu(-relu(x @ w[0] + w[1]) @ w[0] + w[1])
    return relu(hidden, threshold=0.5) + relu(-x, threshold=0.5)


def rnn_reference(x, w, relu, backward=False):
    state = tf.zeros((x.shape[0], w[1].shape[0]))
    steps = range(x.shape[1])
    for t in reversed(steps) if backward else steps:
        state = relu(x[:, t] @ w[0] + state @ w[1] + w[2])
    return state


@keras.saving.register_keras_serializable(package="tests")
class Block(layers.Layer):
    """Layers in a list, a function, and a model, called with keywords."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.parts = [layers.Dense(3, activation="relu", name="d"), None]
        self.act = keras.activations.relu
        self.inner = stack((3,), layers.ReLU(name="r"))
        self.inner.name = "inner"

    def build(self, input_shape):
        self.parts[0].build(input_shape)

    def call(self, x, scale=None, flip=False):
        y = self.parts[0](x) * (1.0 if scale is None else scale)
        return self.inner(self.act(-y if flip else y) - 0.5)


def block():
    x, scale = keras.Input((3,)), keras.Input((1,))
    y = Block(name="block")(x, scale=scale, flip=True)
    return keras.Model([x, scale], y)


def block_reference(inputs, w, relu):
    y = relu(inputs[0] @ w[0] + w[1]) * inputs[1]
    return relu(relu(-y) - 0.5)


# Name: model, reference, what is found.
FORMS = {
    "conv": (
        conv_stack,
        conv_reference,
        ("conv1: activation='relu'", "conv2: activation='relu'"),
    ),
    "activation_layer": (
        between(lambda: layers.Activation("relu", name="act")),
        between_reference(),
        ("act: activation='relu'",),
    ),
    "relu_layer": (
        between(lambda: layers.ReLU(name="act")),
        between_reference(),
        ("act: ReLU()",),
    ),
    "relu_layer_max": (
        between(lambda: layers.ReLU(6, 0.1, 0.5, name="act")),
        between_reference(max_value=6.0, slope=0.1, threshold=0.5),
        ("act: ReLU(max_value=6.0, negative_slope=0.1, threshold=0.5)",),
    ),
    "leaky_layer": (
        between(lambda: layers.LeakyReLU(0.3, name="act")),
        between_reference(slope=0.3),
        ("act: LeakyReLU(negative_slope=0.3)",),
    ),
    "guided_layer": (
        between(lambda: GuidedReLU("vanilla", max_value=6.0, name="act")),
        between_reference(max_value=6.0),
        ("act: GuidedReLU(rule='vanilla', max_value=6.0)",),
    ),
    "relu6_argument": (
        lambda: stack((3,), layers.Dense(5, activation="relu6", name="d")),
        lambda x, w, relu: relu(x @ w[0] + w[1], max_value=6.0),
        ("d: activation='relu6'",),
    ),
    "leaky_argument": (
        lambda: stack((3,), layers.Dense(5, activation="leaky_relu", name="d")),
        lambda x, w, relu: relu(x @ w[0] + w[1], slope=0.2),
        ("d: activation='leaky_relu'",),
    ),
    "layer_argument": (
        lambda: stack(
            (3,),
            layers.Dense(
                5, activation=layers.LeakyReLU(0.1, name="leaky"), name="d"
            ),
        ),
        lambda x, w, relu: relu(x @ w[0] + w[1], slope=0.1),
        ("d/leaky: LeakyReLU(negative_slope=0.1)",),
    ),
    "tf_function": (
        lambda: stack((3,), layers.Dense(5, activation=tf.nn.relu, name="d")),
        lambda x, w, relu: relu(x @ w[0] + w[1]),
        ("d: activation='relu'",),
    ),
    "ops_relu": (
        between(lambda: keras.ops.relu),
        between_reference(),
        ("{op}: keras.ops.relu",),
    ),
    "ops_relu6": (
        between(lambda: keras.ops.relu6),
        between_reference(max_value=6.0),
        ("{op}: keras.ops.relu6",),
    ),
    "ops_leaky_relu": (
        between(lambda: keras.ops.leaky_relu),
        between_reference(slope=0.2),
        ("{op}: keras.ops.leaky_relu(negative_slope=0.2)",),
    ),
    "activations_relu": (
        between(lambda: lambda x: keras.activations.relu(x, max_value=2)),
        between_reference(max_value=2.0),
        ("{op}: keras.activations.relu(max_value=2.0)",),
    ),
    "nested_functional": (nested("functional"), nested_reference, NESTED_FOUND),
    "nested_sequential": (nested("sequential"), nested_reference, NESTED_FOUND),
    "shared": (
        shared,
        shared_reference,
        ("dense: activation='relu'", "relu: ReLU(threshold=0.5)"),
    ),
    "einsum_dense": (
        lambda: stack(
            (2, 3),
            layers.EinsumDense(
                "abc,cd->abd", (None, 4), activation="relu", name="e"
            ),
        ),
        lambda x, w, relu: relu(x @ w[0]),
        ("e: activation='relu'",),
    ),
    "time_distributed": (
        lambda: stack(
            (2, 3),
            layers.TimeDistributed(
                layers.Dense(4, activation="relu", name="d"), name="td"
            ),
        ),
        lambda x, w, relu: relu(x @ w[0] + w[1]),
        ("td/d: activation='relu'",),
    ),
    "simple_rnn": (
        lambda: stack(
            (3, 3), layers.SimpleRNN(4, activation="relu", name="rnn")
        ),
        rnn_reference,
        ("rnn/simple_rnn_cell: activation='relu'",),
    ),
    "bidirectional": (
        lambda: stack(
            (3, 3),
            layers.Bidirectional(
                layers.SimpleRNN(4, activation="relu", name="r"), name="bi"
            ),
        ),
        lambda x, w, relu: tf.concat(
            [
                rnn_reference(x, w[:3], relu),
                rnn_reference(x, w[3:], relu, backward=True),
            ],
            axis=-1,
        ),
        (
            "bi/forward_r/simple_rnn_cell: activation='relu'",
            "bi/backward_r/simple_rnn_cell: activation='relu'",
        ),
    ),
    "two_inputs": (
        two_inputs,
        two_inputs_reference,
        ("left: activation='relu'", "top: ReLU()"),
    ),
    "custom_layer": (
        block,
        block_reference,
        (
            "block/d: activation='relu'",
            "block: act='relu'",
            "block/inner/r: ReLU()",
        ),
    ),
}


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(3)


def random_inputs(model):
    rng = np.random.default_rng(0)
    inputs = [
        tf.constant(5 * rng.standard_normal((16, *x.shape[1:])), "float32")
        for x in model.inputs
    ]
    return inputs if len(inputs) > 1 else inputs[0]


def output_and_gradient(function, inputs):
    """Returns the outputs and the gradient of a sum with signs."""
    flat = tf.nest.flatten(inputs)
    with tf.GradientTape() as tape:
        tape.watch(flat)
        outputs = tf.nest.flatten(function(inputs))
        loss = 0.0
        for seed, y in enumerate(outputs):
            c = np.random.default_rng(seed).standard_normal(y.shape)
            loss += tf.reduce_sum(tf.cast(c, "float32") * tf.cast(y, "float32"))
    return outputs, tape.gradient(loss, flat)


def assert_equal(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def assert_close(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("form", FORMS)
def test_output_gradient_and_list_match_the_reference(form, rule):
    build, reference, found = FORMS[form]
    model = build()
    inputs = random_inputs(model)
    weights = [tf.constant(v.numpy()) for v in model.weights]
    before, plain = output_and_gradient(model, inputs)
    config = model.to_json()

    swapped = swap_activations(model, rule=rule)

    outputs, gradient = output_and_gradient(swapped, inputs)
    _, expected = output_and_gradient(
        lambda x: reference(x, weights, reference_relu(rule)), inputs
    )
    assert_equal(outputs, before)
    assert_close(gradient, expected)
    if rule == "vanilla":
        assert_close(gradient, plain)
    else:
        # The row can tell the rule from the plain gradient.
        assert np.abs(gradient[0] - plain[0]).max() > 0.1
    assert swapped.swapped_activations == tuple(
        # Keras numbers the operations, which have no name of their own.
        text.format(op=getattr(model, "operations", [None] * 3)[2].name)
        if "{op}" in text
        else text
        for text in found
    )
    # The same variables, and the user's model as it was.
    assert {id(v) for v in swapped.variables} == {
        id(v) for v in model.variables
    }
    assert len(swapped.variables) == len(model.variables)
    after, still_plain = output_and_gradient(model, inputs)
    assert_equal(after, before)
    assert_equal(still_plain, plain)
    assert model.to_json() == config


@pytest.mark.parametrize("form", FORMS)
def test_reloaded_model_has_equal_output_and_gradient(form, tmp_path):
    model = FORMS[form][0]()
    swapped = swap_activations(model, rule="deconvnet")
    inputs = random_inputs(model)
    swapped.save(tmp_path / "swapped.keras")

    reloaded = keras.saving.load_model(tmp_path / "swapped.keras")

    expected = output_and_gradient(swapped, inputs)
    actual = output_and_gradient(reloaded, inputs)
    assert_equal(actual[0], expected[0])
    assert_equal(actual[1], expected[1])
    assert len(reloaded.variables) == len(model.variables)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("form", ["conv", "ops_relu", "simple_rnn", "shared"])
def test_graph_and_xla_give_the_eager_gradient(form, jit_compile):
    model = FORMS[form][0]()
    swapped = swap_activations(model)
    inputs = random_inputs(model)
    expected = output_and_gradient(swapped, inputs)

    actual = tf.function(output_and_gradient, jit_compile=jit_compile)(
        swapped, inputs
    )

    assert_close(actual[0], expected[0])
    assert_close(actual[1], expected[1])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "rectify",
    [
        layers.ReLU,
        lambda: keras.ops.relu,
        lambda: layers.Dense(4, activation="relu"),
    ],
    ids=["layer", "operation", "argument"],
)
def test_mixed_precision_keeps_the_dtypes(rectify, rule):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = between(rectify)()
    finally:
        keras.config.set_dtype_policy(policy)
    inputs = random_inputs(model)

    swapped = swap_activations(model, rule=rule)

    before, plain = output_and_gradient(model, inputs)
    outputs, gradient = output_and_gradient(swapped, inputs)
    assert outputs[0].dtype == tf.float16
    assert_equal(outputs, before)
    if rule == "vanilla":
        assert_equal(gradient, plain)
    for layer in swapped.layers[1:]:
        assert layer.compute_dtype == "float16"


def test_training_one_model_shows_in_the_other():
    model = conv_stack()
    swapped = swap_activations(model)
    x = random_inputs(model)
    before = model(x)
    model.compile("sgd", "mse")
    model.fit(x, tf.ones_like(before), verbose=0)
    after = model(x)
    assert np.abs(after - before).max() > 0
    np.testing.assert_array_equal(swapped(x), after)
    swapped.set_weights([np.zeros_like(w) for w in swapped.get_weights()])
    np.testing.assert_array_equal(model(x), tf.zeros_like(after))


def test_compiled_model_keeps_its_optimizer_and_the_new_one_has_none():
    def unregistered_loss(y, y_pred):
        return keras.ops.mean(keras.ops.square(y - y_pred))

    model = two_inputs()
    model.compile("adam", [unregistered_loss, unregistered_loss])
    inputs = random_inputs(model)
    model.fit(inputs, list(model(inputs)), verbose=0)
    state = [v.numpy() for v in model.optimizer.variables]

    swapped = swap_activations(model)

    assert not swapped.compiled
    assert_equal(model.optimizer.variables, state)
    model.fit(inputs, list(model(inputs)), verbose=0)


def test_quantized_layer_is_swapped(tmp_path):
    model = stack((3,), layers.Dense(4, activation="relu", name="d"))
    model.layers[0].quantize("int8")
    swapped = swap_activations(model)
    x = random_inputs(model)
    np.testing.assert_array_equal(swapped(x), model(x))
    swapped.save(tmp_path / "swapped.keras")
    reloaded = keras.saving.load_model(tmp_path / "swapped.keras")
    np.testing.assert_array_equal(reloaded(x), model(x))


def test_shared_layer_stays_shared():
    swapped = swap_activations(shared())
    names = [layer.name for layer in swapped.layers]
    assert names.count("dense") == names.count("relu") == 1
    assert isinstance(swapped.get_layer("relu"), GuidedReLU)


def test_layers_without_a_rectifier_are_reused():
    model = stack((3,), layers.Dense(2), layers.ReLU(), layers.Softmax())
    swapped = swap_activations(model)
    assert isinstance(swapped, keras.Sequential)
    assert swapped.layers[0] is model.layers[0]
    assert swapped.layers[2] is model.layers[2]
    assert isinstance(model.layers[1], layers.ReLU)


@pytest.mark.filterwarnings("error:.*mask")
def test_mask_and_training_pass_through_a_swapped_layer():
    tokens = keras.Input((4,), dtype="int32")
    x = layers.Embedding(5, 3, "ones", mask_zero=True)(tokens)
    x = layers.Dense(3, activation="relu", kernel_initializer="ones")(x)
    rnn = layers.SimpleRNN(
        3,
        activation="relu",
        return_sequences=True,
        kernel_initializer="ones",
        recurrent_initializer="identity",
        dropout=0.5,
    )
    model = keras.Model(tokens, layers.GlobalAveragePooling1D()(rnn(x)))
    swapped = swap_activations(model)
    ids = tf.constant([[1, 2, 0, 0], [3, 4, 1, 2]])
    np.testing.assert_array_equal(swapped(ids), model(ids))
    # What is masked does not count.
    padded = tf.constant([[1, 2, 0, 0]])
    front = tf.constant([[0, 0, 1, 2]])
    np.testing.assert_allclose(swapped(padded), swapped(front), rtol=1e-5)
    assert np.abs(swapped(ids, training=True) - swapped(ids)).max() > 1e-3


def test_activity_and_weight_losses_count_once():
    model = stack(
        (3,),
        layers.Dense(
            4,
            activation="relu",
            activity_regularizer="l2",
            kernel_regularizer="l2",
        ),
    )
    x = random_inputs(model)
    swapped = swap_activations(model)
    model(x)
    expected = [float(loss) for loss in model.losses]
    swapped(x)
    assert [float(loss) for loss in swapped.losses] == expected
    assert len(expected) == 2


def test_swapped_model_can_be_swapped_again():
    model = conv_stack()
    inputs = random_inputs(model)
    plain = output_and_gradient(model, inputs)
    again = swap_activations(swap_activations(model, "guided"), "vanilla")
    assert again.swapped_activations == FORMS["conv"][2]
    assert again.get_layer("conv1").layer is model.get_layer("conv1")
    assert_equal(output_and_gradient(again, inputs)[1], plain[1])


def test_subclass_with_a_call_of_its_own_is_no_rectifier():
    class Shifted(layers.ReLU):
        def call(self, x):
            return super().call(x) + 1

    model = stack((3,), Shifted(name="shifted"), layers.ReLU(name="relu"))
    swapped = swap_activations(model)
    assert swapped.swapped_activations == ("relu: ReLU()",)
    x = random_inputs(model)
    np.testing.assert_array_equal(swapped(x), model(x))


@keras.saving.register_keras_serializable(package="tests")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(3, activation="relu")

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, x):
        return self.dense(x)


@keras.saving.register_keras_serializable(package="tests")
class CallOfItsOwn(keras.Model):
    def call(self, x):
        return 2 * super().call(x)


@keras.saving.register_keras_serializable(package="tests")
class StepOfItsOwn(keras.Model):
    def train_step(self, data):
        return {}


def of_class(cls):
    x = keras.Input((3,))
    return cls(x, layers.ReLU(name="r")(x))


def test_functional_model_with_a_train_step_of_its_own_is_swapped():
    swapped = swap_activations(of_class(StepOfItsOwn))
    assert swapped.swapped_activations == ("r: ReLU()",)


@pytest.mark.parametrize(
    "build",
    [
        Subclassed,
        lambda: stack((3,), layers.ReLU(), Subclassed(name="inner")),
        lambda: functional((3,), lambda x: Subclassed(name="inner")(x)),
        lambda: of_class(CallOfItsOwn),
    ],
    ids=["top", "in_sequential", "in_functional", "call_of_its_own"],
)
def test_subclassed_model_is_refused(build):
    message = (
        r"expects Sequential and functional models.* Received: model '.+' of "
        r"type .+, a subclassed model.*GuidedReLU"
    )
    with pytest.raises(TypeError, match=message):
        swap_activations(build())


@pytest.mark.parametrize("model", [3, None, layers.ReLU(), np.tanh])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(TypeError, match="Received: model=.*of type"):
        swap_activations(model)


@pytest.mark.parametrize(
    "rectify",
    [
        lambda x: layers.Activation("tanh")(x),
        lambda x: layers.Lambda(lambda x: keras.ops.relu(x))(x),
        lambda x: keras.ops.maximum(x, 0.0),
    ],
    ids=["tanh", "lambda", "maximum"],
)
def test_model_without_a_visible_rectifier_raises(rectify):
    model = functional((3,), rectify)
    with pytest.raises(ValueError, match="none of which is or holds one"):
        swap_activations(model)


def test_unknown_rule_raises():
    with pytest.raises(ValueError, match="expects `rule` to be one of"):
        swap_activations(conv_stack(), rule="saliency")


def test_model_that_is_not_built_raises():
    with pytest.raises(ValueError, match="expects a built model"):
        swap_activations(keras.Sequential([layers.ReLU(), layers.Dense(2)]))
