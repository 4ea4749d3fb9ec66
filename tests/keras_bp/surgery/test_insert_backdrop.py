import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from keras_bp.layers import BackdropMask
from keras_bp.surgery import insert_backdrop, swap_activations
from keras_bp.surgery._compact_backdrop import CompactBackdrop

RNG = np.random.default_rng(0)
HALF = {"rate": 0.5}


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(3)


def stack(shape, *parts, name=None):
    return keras.Sequential([keras.Input(shape), *parts], name=name)


def conv_stack():
    return stack(
        (6, 6, 2),
        layers.Conv2D(3, 2, 2, activation="relu", name="conv"),
        layers.BatchNormalization(trainable=False, name="norm"),
        layers.Flatten(name="flat"),
        layers.Dense(2, name="head"),
    )


def two_inputs():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    hidden = layers.Concatenate(name="join")(
        [layers.Dense(4, name="left")(a), layers.Dense(4, name="right")(b)]
    )
    top = layers.Dense(2, name="top")(layers.Dense(5, name="mid")(hidden))
    return keras.Model([a, b], {"sum": top + a[:, :2], "top": top})


def nested():
    inner = stack(
        (4,), layers.Dense(3, name="in"), layers.ReLU(name="out"), name="block"
    )
    x = keras.Input((4,))
    outer = keras.Model(x, inner(layers.Dense(4, name="d")(x)), name="stage")
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(2, name="head")(outer(x)))


def operations():
    # Keras numbers the operations, which have no name of their own.
    keras.utils.clear_session()
    x = keras.Input((4,))
    y = ops.relu(layers.Dense(5, name="d")(x))
    return keras.Model(x, layers.Dense(1, name="head")(y))


FORMS = {
    "sequential": (conv_stack, "conv"),
    "two_inputs": (two_inputs, "join"),
    "nested": (nested, "stage/block/in"),
    "operation": (operations, "relu"),
}
COMPACT = {
    "sequential": (conv_stack, "conv"),
    "end": (conv_stack, "head"),
    "two_inputs": (two_inputs, "mid"),
    "model": (nested, "stage"),
    "operation": (operations, "relu"),
}
ALL = [(*FORMS[form], False) for form in FORMS]
ALL += [(*COMPACT[form], True) for form in COMPACT]
each_form = pytest.mark.parametrize(("make", "name", "compact"), ALL)


def inputs_of(model, n=8):
    x = [
        tf.constant(RNG.normal(size=(n, *x.shape[1:])), x.dtype)
        for x in model.inputs
    ]
    return x if len(x) > 1 else x[0]


def gradients(model, inputs, training=True):
    """By path: the gradient of a loss by each trainable weight."""
    with tf.GradientTape() as tape:
        y = tf.nest.flatten(model(inputs, training=training))
        loss = sum(tf.reduce_sum(tf.sin(each)) for each in y)
    weights = model.trainable_variables
    found = tape.gradient(loss, [v.value for v in weights])
    return {id(v): g.numpy() for v, g in zip(weights, found, strict=True)}


def assert_equal(actual, expected):
    actual, expected = tf.nest.flatten(actual), tf.nest.flatten(expected)
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@each_form
def test_outputs_are_equal_and_weights_are_shared(make, name, compact):
    model = make()
    config, inputs = model.to_json(), inputs_of(model)
    before = model(inputs)

    masked = insert_backdrop(model, {name: HALF}, compact)

    assert isinstance(masked, keras.Sequential) == isinstance(
        model, keras.Sequential
    )
    for training in (False, True):
        found = masked(inputs, training=training)
        tf.nest.assert_same_structure(found, before)
        assert_equal(found, before)
    assert [id(v) for v in masked.trainable_variables] == [
        id(v) for v in model.trainable_variables
    ]
    assert model.to_json() == config and not masked.compiled
    masked.set_weights([w + 1 for w in masked.get_weights()])
    assert_equal(masked(inputs), model(inputs))
    kind = "CompactBackdrop" if compact else "BackdropMask"
    assert masked.inserted_backdrops == (f"{name}: {kind}(rate=0.5)",)


@pytest.mark.parametrize(
    ("make", "name", "compact"), [ALL[1], ALL[2], ALL[4], ALL[6]]
)
def test_a_reloaded_model_goes_on_as_the_saved_one(
    make, name, compact, tmp_path
):
    masked = insert_backdrop(make(), {name: {"rate": 0.5, "seed": 1}}, compact)
    masked.save(tmp_path / "masked.keras")
    reloaded = keras.models.load_model(tmp_path / "masked.keras")
    inputs = inputs_of(masked)
    assert_equal(reloaded(inputs), masked(inputs))
    assert len(reloaded.variables) == len(masked.variables)
    for a, b in zip(
        gradients(reloaded, inputs).values(),
        gradients(masked, inputs).values(),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_below_a_mask_learns_from_the_survivor(form):
    make, name = FORMS[form]
    model = make()
    inputs = inputs_of(model)
    plain = gradients(model, inputs)
    masked = insert_backdrop(model, {name: {"rate": 0.5, "location": 2}})
    one = tf.nest.map_structure(lambda x: x[2:3], inputs)
    alone = gradients(model, one)

    found = gradients(masked, inputs)

    below = {
        "sequential": ["conv"],
        "two_inputs": ["left", "right"],
        "nested": ["d", "in"],
        "operation": ["d"],
    }[form]
    for weight in model.trainable_variables:
        layer = weight.path.split("/")[-2]
        due = 8 * alone[id(weight)] if layer in below else plain[id(weight)]
        np.testing.assert_allclose(
            found[id(weight)], due, rtol=1e-4, atol=1e-5, err_msg=weight.path
        )
    assert_equal(
        [*gradients(masked, inputs, training=False).values()],
        [*plain.values()],
    )


@pytest.mark.parametrize("form", COMPACT)
def test_a_compact_mask_gives_the_gradient_of_the_same_mask(form):
    make, name = COMPACT[form]
    model = make()
    inputs = inputs_of(model)
    plain = insert_backdrop(model, {name: {"rate": 0.7, "name": "mask"}})
    compact = insert_backdrop(
        model, {name: {"rate": 0.7, "seed": 1, "name": "it"}}, compact=True
    )
    layer = compact.get_layer("it")
    assert isinstance(layer, CompactBackdrop)
    state = layer.seed_generator.state.numpy()
    kept, _ = layer.survivors(8)
    layer.seed_generator.state.assign(state)
    mask = np.zeros(8, "float32")
    mask[kept.numpy()] = 8 / 2
    place = plain.get_layer("mask")
    rank = len(place.output.shape)
    place.forced_mask = tf.constant(mask.reshape(-1, *[1] * (rank - 1)))

    expected, found = gradients(plain, inputs), gradients(compact, inputs)

    assert expected.keys() == found.keys() and len(kept) == 2
    for key, due in expected.items():
        np.testing.assert_allclose(found[key], due, rtol=1e-5, atol=1e-6)


def test_several_masks_stand_after_their_layers():
    masked = insert_backdrop(
        nested(),
        {
            "head": {"rate": 0.1, "name": "last"},
            "stage/d": HALF,
            "stage/block/out": {"rate": 0.2, "granularity": "element"},
        },
    )
    # In the order of the graph.
    assert masked.inserted_backdrops == (
        "stage/d: BackdropMask(rate=0.5)",
        "stage/block/out: BackdropMask(rate=0.2, granularity='element')",
        "head: BackdropMask(rate=0.1, name='last')",
    )
    stage = masked.get_layer("stage")
    assert stage.get_layer("d_backdrop").initial_rate == 0.5
    names = [layer.name for layer in stage.get_layer("block").layers]
    assert names == ["in", "out", "out_backdrop"]
    assert masked.layers[-1].name == "last"


def test_masks_can_be_inserted_into_swapped_and_masked_models():
    swapped = swap_activations(conv_stack())
    masked = insert_backdrop(swapped, {"conv": HALF})
    again = insert_backdrop(masked, {"norm": HALF, "conv_backdrop": HALF})
    names = [layer.name for layer in again.layers]
    assert names[:4] == [
        *("conv", "conv_backdrop", "conv_backdrop_backdrop", "norm")
    ]
    x = inputs_of(again)
    assert_equal(again(x), swapped(x))


@pytest.mark.parametrize("compact", [False, True])
def test_mixed_precision_keeps_the_dtypes(compact):
    model = stack(
        (4,),
        layers.Dense(3, dtype="mixed_float16", name="d"),
        layers.Dense(1, dtype="float32"),
    )
    masked = insert_backdrop(model, {"d": HALF}, compact)
    assert masked.get_layer("d_backdrop").output.dtype == "float16"
    x = inputs_of(model)
    assert_equal(masked(x), model(x))


def test_a_compact_model_trains_by_fit():
    model = nested()
    masked = insert_backdrop(model, {"stage": HALF}, compact=True)
    masked.compile("sgd", "mse", jit_compile=False)
    before = model.get_weights()[0]
    # The last batch is smaller.
    masked.fit(inputs_of(model), tf.ones((8, 2)), batch_size=5, verbose=0)
    assert np.any(model.get_weights()[0] != before)
    assert np.all(np.isfinite(model.get_weights()[0]))


def shared():
    x = keras.Input((4,))
    inner = stack((4,), layers.Dense(4, name="in"), name="block")
    layer = layers.Dense(4, name="d")
    return keras.Model(
        x, layers.Dense(1, name="e")(layer(layer(inner(inner(x)))))
    )


def several_outputs():
    x = keras.Input((4, 3))
    y, *_ = layers.LSTM(2, return_state=True, name="rnn")(x)
    return keras.Model(x, y)


def integers():
    x = keras.Input((4,))
    return keras.Model(x, ops.argmax(x, axis=-1))


def skip():
    x = keras.Input((4,))
    y = layers.Dense(4, name="a")(x)
    z = layers.Dense(4, name="b")(y)
    return keras.Model(x, layers.Add(name="join")([y, z]))


def reused():
    x = keras.Input((4,))
    layer = layers.Dense(4, name="d")
    y = layers.ReLU(name="mid")(layer(x))
    return keras.Model(x, layers.Dense(1, name="head")(layer(y)))


REFUSED = [
    (conv_stack, {}, False, "an empty dictionary"),
    (
        conv_stack,
        {"cnov": HALF},
        False,
        r"Received: 'cnov'.*\['conv', 'norm', 'flat', 'head'\]",
    ),
    (
        nested,
        {"block/in": HALF},
        False,
        r"'block/in'.*'stage', 'stage/d', 'stage/block', 'stage/block/in'",
    ),
    (shared, {"d": HALF}, False, r"'d' is applied 2 times.*\['e'\]"),
    (shared, {"block/in": HALF}, False, "'block' is applied 2 times"),
    (several_outputs, {"rnn": HALF}, False, "'rnn', which returns 3 of"),
    (integers, {"argmax": HALF}, False, "'argmax', which returns 1 of.*int32"),
    (
        conv_stack,
        {"conv": {**HALF, "name": "flat"}},
        False,
        "Received: 'flat'. Give another `name`",
    ),
    (conv_stack, {"conv": {"rate": 1.5}}, False, "'conv': .*`rate` to be in"),
    (conv_stack, {"conv": {"rate": 1.5}}, True, "`rate` to be in"),
    (conv_stack, {"conv": HALF, "head": HALF}, True, "one mask with"),
    (
        conv_stack,
        {"conv": {**HALF, "granularity": "spatial"}},
        True,
        "'conv' with .*'spatial'",
    ),
    (conv_stack, {"conv": {**HALF, "location": 0}}, True, "'location': 0"),
    (nested, {"stage/d": HALF}, True, "Name the model 'stage'"),
    (skip, {"b": HALF}, True, "from 'a' to join. Name the layer in which"),
    (reused, {"mid": HALF}, True, r"\['d'\], applied in both"),
    (
        lambda: stack((4,), layers.Dropout(0.5, name="d"), layers.Dense(1)),
        {"d": HALF},
        True,
        "insert_backdrop expects a trunk .*noise .*: d, where",
    ),
    (
        lambda: keras.Sequential([layers.Dense(1, name="d")]),
        {"d": HALF},
        False,
        "expects a built model",
    ),
]


@pytest.mark.parametrize(("make", "backdrops", "compact", "message"), REFUSED)
def test_what_cannot_be_masked_is_refused(make, backdrops, compact, message):
    with pytest.raises(ValueError, match=message):
        insert_backdrop(make(), backdrops, compact)


class Subclassed(keras.Model):
    def call(self, x):
        return x


@pytest.mark.parametrize(
    ("model", "backdrops", "message"),
    [
        (Subclassed(), {"d": HALF}, "a subclassed model.*BackdropMask"),
        (3, {"d": HALF}, r"Received: model=3 \(of type builtins.int\)"),
        (conv_stack(), ["conv"], r"Received: \['conv'\]"),
        (conv_stack(), {"conv": 0.5}, "Received: 0.5 for 'conv'"),
    ],
)
def test_what_is_no_graph_or_no_dictionary_is_refused(
    model, backdrops, message
):
    with pytest.raises(TypeError, match=message):
        insert_backdrop(model, backdrops)


def test_input_values_may_go_around_a_trunk():
    a = keras.Input((3,))
    y = layers.Add(name="join")([layers.Dense(3, name="d")(a), a])
    model = keras.Model(a, y)
    compact = insert_backdrop(model, {"d": HALF}, compact=True)
    assert [type(x).__name__ for x in compact.layers] == [
        *("InputLayer", "CompactBackdrop", "Add")
    ]
    x = inputs_of(model)
    assert_equal(compact(x, training=True), model(x))


def test_a_trunk_takes_the_inputs_that_it_reads():
    model = two_inputs()
    compact = insert_backdrop(model, {"left": HALF}, compact=True)
    trunk = compact.get_layer("left_backdrop").trunk
    assert [x.name for x in trunk.inputs] == ["a"]
    x = inputs_of(model)
    assert_equal(compact(x, training=True), model(x))


SPATIAL = {"rate": 0.5, "granularity": "spatial"}


def overlapping():
    return stack(
        (12, 12, 1),
        layers.Conv2D(2, 3, 2, padding="same", name="one"),
        layers.Conv2D(2, 2, 2, name="two"),
        layers.Conv2D(2, 1, name="three"),
    )


def test_overlapping_patches_are_warned_of_once_with_the_numbers():
    backdrops = {"one": SPATIAL, "three": {**SPATIAL, "block_size": (2, 3)}}
    with pytest.warns(UserWarning, match="patches") as caught:
        insert_backdrop(overlapping(), backdrops)
    (warning,) = caught
    assert warning.filename == __file__
    text = str(warning.message)
    # Of two by two cells: 0.5 ** 4, and the fourth root of 0.5.
    assert (
        "After 'one', a cell sees 3x3 positions of the input, and the next is "
        "2x2 on: a position is seen by up to 4 of them, so that the rate 0.5 "
        "leaves out 26.6% of the positions, and 0.7152 would leave out 50.0%."
    ) in text
    assert "After 'three', a block of cells sees 9x13 positions" in text
    assert "`block_size`" in text


def test_cells_that_may_see_everything_are_warned_of():
    model = stack((8, 1), layers.LSTM(2, return_sequences=True, name="rnn"))
    with pytest.warns(UserWarning, match="After 'rnn'.* may be everything"):
        insert_backdrop(model, {"rnn": SPATIAL})


def test_a_wrong_name_in_a_deep_model_is_told_those_like_it():
    deep = [layers.Dense(2, name=f"dense_{i}") for i in range(30)]
    with pytest.raises(ValueError, match="has 30, such as.*'dense_17'") as told:
        insert_backdrop(stack((2,), *deep), {"dens_17": HALF})
    assert len(str(told.value)) < 300


@pytest.mark.parametrize(
    ("make", "backdrops"),
    [
        (conv_stack, {"conv": SPATIAL}),
        (overlapping, {"one": HALF}),
        (overlapping, {"one": {**SPATIAL, "mask_axes": (1,)}}),
    ],
)
def test_other_masks_are_inserted_without_a_warning(make, backdrops):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        masked = insert_backdrop(make(), backdrops)
    assert len(masked.inserted_backdrops) == len(backdrops)


def test_a_mask_stands_where_backdrop_schedules_find_it():
    masked = insert_backdrop(conv_stack(), {"conv": HALF})
    (weight,) = [
        v for v in masked.non_trainable_variables if "backdrop_rate" in v.path
    ]
    assert isinstance(masked.get_layer("conv_backdrop"), BackdropMask)
    assert float(weight) == 0.5


@pytest.mark.parametrize("name", ["conv", "act"])
def test_masks_follow_the_data_format_of_the_layer_below(name):
    model = keras.Sequential(
        [
            keras.Input((1, 8, 8)),
            layers.Conv2D(4, 2, 2, data_format="channels_first", name="conv"),
            layers.ReLU(name="act"),
        ]
    )
    masked = insert_backdrop(
        model, {name: {"rate": 0.5, "granularity": "spatial"}}
    )
    mask = masked.get_layer(f"{name}_backdrop")
    assert mask.data_format == "channels_first"


def test_compact_trunks_that_compare_samples_are_refused():
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Softmax(axis=0),
            layers.Dense(4, name="last"),
            layers.Dense(1),
        ]
    )
    with pytest.raises(ValueError, match="each sample from that"):
        insert_backdrop(model, {"last": {"rate": 0.9}}, compact=True)


def test_arguments_that_a_mask_has_not_are_told_with_the_layer():
    with pytest.raises(TypeError, match="after 'conv': .*'rate'"):
        insert_backdrop(conv_stack(), {"conv": {"rte": 0.5}})
