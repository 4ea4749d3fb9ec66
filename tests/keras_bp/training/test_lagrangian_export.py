"""Smaller models: what they keep, fold into biases, and leave as it is."""

import functools
import re
import sys

import keras
import numpy as np
import pytest
from keras import layers
from matplotlib.figure import Figure

from keras_bp.datasets import load_digits
from keras_bp.training import LagrangianModel
from keras_bp.training._lagrangian_chains import chains_of
from keras_bp.training._lagrangian_curve import SupportCurve, support_curve
from keras_bp.training._lagrangian_export import (
    Pruner,
    export_support_network,
)

CONV = {"activation": "tanh"}
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.fixture(scope="module", autouse=True)
def embedded_digits():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KERAS_BP_DATA", raising=False)
        yield


@pytest.fixture(scope="module")
def trained():
    """A model of digits, some of its examples, and those for testing."""
    keras.utils.set_random_seed(1)
    train, test = load_digits()
    net = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(40, activation="sigmoid", name="first"),
            layers.Dense(30, activation="sigmoid", name="second"),
            layers.Dense(10),
        ]
    )
    model = LagrangianModel(net, "abs", "phr", 0.02, 1.0, inner_steps=3)
    model.compile(keras.optimizers.Adam(0.02), loss=LOSS, metrics=["accuracy"])
    model.fit(*train, epochs=6, batch_size=128, verbose=0)
    return model, [a[:256] for a in train], test


# Their statistics and slopes are positive.
POSITIVE = (layers.BatchNormalization, layers.Normalization, layers.PReLU)


def random_weights(net, seed=0):
    """Gives a model weights that are no zeros and ones either."""
    rng = np.random.default_rng(seed)
    for layer in net.layers:
        shapes = [weight.shape for weight in layer.get_weights()]
        if isinstance(layer, POSITIVE):
            layer.set_weights([rng.uniform(0.5, 1, size=n) for n in shapes])
        else:
            layer.set_weights([0.5 * rng.normal(size=n) for n in shapes])
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()


def make_constant(layer, dropped):
    """Some neurons of a layer do not depend on its inputs any more."""
    kernel, *bias = layer.get_weights()
    kernel[..., dropped] = 0.0
    layer.set_weights([kernel, *bias])


NETWORKS = {
    "dense": lambda: [
        keras.Input((4,)),
        layers.Normalization(),
        layers.Dense(6, name="a"),
        layers.BatchNormalization(),
        layers.Activation("tanh"),
        layers.Dropout(0.5),
        # Without a bias it has to get one.
        layers.Dense(5, activation="elu", use_bias=False, name="b"),
        layers.Dense(3, activation="softmax"),
    ],
    "sequence": lambda: [
        keras.Input((3, 4)),
        layers.Dense(6, activation="gelu", name="a"),
        layers.Dense(5, name="b"),
        layers.PReLU(shared_axes=[1]),
        layers.Flatten(),
        layers.Dense(3),
    ],
    "images": lambda: [
        keras.Input((9, 9, 2)),
        layers.Conv2D(6, 3, padding="same", name="a", **CONV),
        layers.MaxPooling2D(),
        layers.SpatialDropout2D(0.3),
        layers.Conv2D(5, 2, name="b"),
        layers.BatchNormalization(axis=3),
        layers.LeakyReLU(),
        layers.Flatten(),
        layers.BatchNormalization(),
        layers.Dense(3),
    ],
    "signals": lambda: [
        keras.Input((12, 2)),
        layers.Conv1D(6, 3, strides=2, name="a", **CONV),
        layers.Conv1D(5, 2, dilation_rate=2, name="b", **CONV),
        layers.GlobalAveragePooling1D(),
        layers.Dense(3),
    ],
    "pointwise": lambda: [
        keras.Input((5, 5, 2)),
        layers.Conv2D(6, 3, name="a", **CONV),
        layers.Conv2D(5, 1, padding="same", name="b", **CONV),
        layers.GlobalMaxPooling2D(),
        layers.Dense(3),
    ],
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_dropping_constant_neurons_changes_nothing(kind):
    net = keras.Sequential(NETWORKS[kind]())
    random_weights(net)
    drop = {
        "a": np.array([1, 0, 0, 1, 1, 0], bool),
        "b": np.array([0, 1, 0, 0, 1], bool),
    }
    for name, dropped in drop.items():
        make_constant(net.get_layer(name), dropped)
    model = LagrangianModel(net)
    before = net.get_weights()
    x = np.random.default_rng(1).normal(size=(50, *net.input_shape[1:]))
    small, kept = export_support_network(model, x[:30], drop=drop, batch_size=9)
    np.testing.assert_allclose(outputs(small, x), outputs(net, x), atol=1e-5)
    for name, dropped in drop.items():
        np.testing.assert_array_equal(kept[name]["is_kept"], ~dropped)
        assert kept[name]["whole_because"] is None
        assert small.get_layer(name).kernel.shape[-1] == sum(~dropped)
    assert kept["a"]["units"] == 6 and kept["a"]["kept"] == 3
    assert small.get_layer("b").kernel.shape[-2] == 3
    assert small.count_params() < net.count_params()
    for old, new in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("how", [{"strides": 2}, {"dilation_rate": 2}])
def test_the_mean_before_a_reader_is_kept_on_images(how):
    net = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(4, 3, name="a", **CONV),
            layers.Conv2D(3, 2, name="b", **how),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    random_weights(net)
    x = np.random.default_rng(1).normal(size=(20, 6, 6, 1))
    # Each place has a mean of its own.
    x += np.arange(36).reshape(6, 6, 1) / 18
    dropped = np.array([0, 1, 0, 1], bool)
    small, _ = export_support_network(
        LagrangianModel(net), x, drop={"a": dropped}
    )
    before, after = (
        outputs(keras.Model(n.inputs[0], n.get_layer("b").output), x)
        for n in (net, small)
    )
    np.testing.assert_allclose(
        before.mean((0, 1, 2)), after.mean((0, 1, 2)), atol=1e-5
    )
    assert np.abs(before - after).max() > 0.1


def outputs(net, x):
    """Outputs in inference, as arrays."""
    found = net(keras.tree.map_structure(np.float32, x), training=False)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, found)


def test_a_channel_is_dropped_if_it_is_at_every_position():
    net = keras.Sequential(NETWORKS["images"]())
    dropped = np.zeros((3, 3, 5), bool)
    dropped[..., [1, 3]] = True
    dropped[1, 1, 3] = False
    _, kept = export_support_network(
        LagrangianModel(net), np.ones((1, 9, 9, 2)), drop={"b": dropped.ravel()}
    )
    assert kept["b"]["is_kept"].tolist() == [True, False, True, True, True]


def accuracy(net, data):
    return np.mean(outputs(net, data[0]).argmax(-1) == data[1])


def test_folding_means_beats_dropping_outright(trained):
    model, train, test = trained
    small, kept = export_support_network(model, *train, drop=0.3)
    outright = keras.models.clone_model(model.model)
    outright.set_weights(model.model.get_weights())
    for name, reader in (("first", 2), ("second", 3)):
        kernel, bias = outright.layers[reader].get_weights()
        kernel[~kept[name]["is_kept"]] = 0.0
        outright.layers[reader].set_weights([kernel, bias])
    assert accuracy(model, test) > 0.85
    assert accuracy(small, test) > accuracy(outright, test) + 0.1


def test_an_exported_model_is_smaller_and_reloads(trained, tmp_path):
    model, train, test = trained
    small, kept = export_support_network(
        model, *train, drop={"first": 0.25, "second": 0.5}
    )
    shapes = [w.shape for w in small.weights]
    assert shapes == [(64, 30), (30,), (30, 15), (15,), (15, 10), (10,)]
    assert [kept[name]["kept"] for name in kept] == [30, 15]
    assert not isinstance(small, LagrangianModel)
    small.save(tmp_path / "small.keras")
    loaded = keras.saving.load_model(tmp_path / "small.keras")
    np.testing.assert_array_equal(
        outputs(loaded, test[0]), outputs(small, test[0])
    )


def test_neurons_that_are_not_support_neurons_are_dropped(trained):
    model, train, _ = trained
    x, y = train[0][:3], train[1][:3]
    found = model.support(x, y)
    assert 0 < found["first"]["neurons"] < 1
    _, kept = export_support_network(model, x, y)
    for name in ("first", "second"):
        np.testing.assert_array_equal(
            kept[name]["is_kept"], found[name]["is_support"]
        )


def test_forces_are_root_mean_squares_over_batches(trained, monkeypatch):
    model, train, _ = trained
    pruner = Pruner(model, train[0], train[1])
    rng = np.random.default_rng(0)
    pulls = rng.normal(size=(6, 40)), rng.normal(size=(6, 30))
    parts = [[p[:4] for p in pulls], [p[4:] for p in pulls]]
    monkeypatch.setattr(pruner, "_pulls", lambda: parts)
    for place, pull in enumerate(pulls):
        np.testing.assert_allclose(
            pruner.forces()[0][place], np.abs(pull).max(axis=0)
        )
        np.testing.assert_allclose(
            pruner.forces()[1][place], np.sqrt(np.mean(pull**2, axis=0))
        )
    _, kept = pruner.export(0.5)
    rank = np.mean(pulls[1] ** 2, axis=0)
    np.testing.assert_array_equal(
        kept["second"]["is_kept"], rank > np.median(rank)
    )
    _, kept = pruner.export({"second": np.ones(30, bool)})
    assert np.flatnonzero(kept["second"]["is_kept"]) == np.argmax(rank)
    # Rounded up to all of it, too.
    _, kept = pruner.export(0.99)
    assert np.flatnonzero(kept["second"]["is_kept"]) == np.argmax(rank)


def test_rankings_drop_as_many_of_each_layer(trained):
    model, train, _ = trained
    x, y = train[0][:64], train[1][:64]
    masks = []
    for by, seed in (("magnitude", 0), ("random", 0), ("random", 1)):
        _, kept = export_support_network(model, x, y, 0.6, by, seed)
        assert [kept[name]["kept"] for name in kept] == [16, 12]
        masks.append(kept["second"]["is_kept"])
    assert not np.array_equal(masks[1], masks[2])
    _, again = export_support_network(model, x, drop=0.6, by="random", seed=1)
    np.testing.assert_array_equal(again["second"]["is_kept"], masks[2])
    incoming = np.linalg.norm(model.model.layers[2].get_weights()[0], axis=0)
    outgoing = np.linalg.norm(model.model.layers[3].get_weights()[0], axis=1)
    least = np.argsort(incoming * outgoing)[:18]
    np.testing.assert_array_equal(np.flatnonzero(~masks[0]), np.sort(least))


def test_a_layer_without_forces_keeps_one_neuron_in_each_ranking():
    net = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, activation="tanh", name="a"),
            layers.Dense(2),
        ]
    )
    # The tolerance is too wide for any force.
    model = LagrangianModel(net, "abs", "phr", epsilon=100.0, rho=1.0)
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    x, y = np.ones((8, 3), "float32"), np.ones((8, 2), "float32")
    pruner = Pruner(model, x, y)
    for by in ("support", "magnitude", "random"):
        small, kept = pruner.export(by=by, seed=0)
        assert kept["a"]["kept"] == 1
        assert small.get_layer("a").units == 1


def test_persistent_multipliers_rank_without_targets():
    net = keras.Sequential(
        [keras.Input((2,)), layers.Dense(3, name="a"), layers.Dense(1)]
    )
    model = LagrangianModel(net, states="persistent", num_examples=4)
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    model.tables.multipliers[0].assign(
        [[0, 0, -2], [0, 1, 0], [0, 1, 0], [0, 0, 0]]
    )
    x = {"example_index": np.arange(4), "inputs": np.ones((4, 2), "float32")}
    _, kept = export_support_network(model, x)
    np.testing.assert_array_equal(kept["a"]["is_kept"], [False, True, True])
    _, kept = export_support_network(model, x, drop=0.6)
    np.testing.assert_array_equal(kept["a"]["is_kept"], [False, False, True])


def branches():
    """Two inputs, two outputs, a sum, and models in the model."""
    inputs = {name: keras.Input((4,), name=name) for name in ("u", "v")}
    h = inputs["u"]
    for size in (4, 6):
        inner = [keras.Input((size,)), layers.Dense(6, "tanh", name="a")]
        h = keras.Sequential(inner)(h)
    twice = layers.Dense(6, activation="tanh", name="twice")
    h = twice(twice(h))
    skipped = layers.Dense(6, activation="tanh", name="skipped")(h)
    h = layers.add([skipped, layers.Dense(6)(skipped)])
    k = layers.Dense(5, activation="relu", name="plain")(inputs["v"])
    h = layers.concatenate([h, layers.Dense(3)(k)])
    return keras.Model(inputs, {"p": layers.Dense(2)(h), "q": skipped})


def test_a_model_with_branches_is_pruned_where_it_can_be():
    net = branches()
    rng = np.random.default_rng(0)
    net.set_weights([rng.normal(size=w.shape) for w in net.get_weights()])
    dropped = np.array([1, 1, 0, 0, 0], bool)
    make_constant(net.get_layer("plain"), dropped)
    model = LagrangianModel(net)
    x = {name: rng.normal(size=(7, 4)) for name in ("u", "v")}
    small, kept = export_support_network(model, x, drop={"plain": dropped})
    found = outputs(small, x)
    for name, values in outputs(net, x).items():
        np.testing.assert_allclose(found[name], values, atol=1e-5)
    # Names that were those of layers in different models.
    assert small.get_layer("a_1").units == 6
    # Two neurons with four weights and a bias, that three neurons read.
    assert small.count_params() == net.count_params() - 2 * (4 + 1 + 3)
    assert kept["plain"]["kept"] == 3 and kept["a"]["kept"] == 6
    assert kept["skipped"]["whole_because"] == "it is an output of the model"
    assert kept["skipped"]["kept"] == kept["skipped"]["units"] == 6
    with pytest.raises(ValueError, match="`drop` to name.*'skipped': it is an"):
        export_support_network(model, x, drop={"skipped": 0.5})


def residual(x):
    h = layers.Dense(3, activation="tanh")(x)
    return layers.add([h, layers.Dense(3)(h)])


def scaled(x):
    """An activation for four neurons."""
    return layers.Dense(4, lambda h: h * np.float32([1, 2, 3, 4]))(x)


def shared(x):
    dense = layers.Dense(4, activation="tanh")
    return dense(dense(x))


def adapted(x):
    dense = layers.Dense(4)
    h = dense(x)
    dense.enable_lora(2)
    return h


LEFT_WHOLE = {
    "several operations read it": ((4,), [residual]),
    "'add.*Add.* keep neurons": ((4,), [residual]),
    "applied several times": ((4,), [shared]),
    "its activation does not": ((4,), [scaled]),
    "activation does not treat": ((4,), [layers.Dense(4, "glu")]),
    "not treat each neuron": ((4,), [layers.Dense(4, "softmax")]),
    "treat each neuron by itself": ((4,), [layers.Dense(32, "sparsemax")]),
    "'activ.* keep neurons": (
        (4,),
        [layers.Dense(4), layers.Activation("softmax")],
    ),
    "it is recurrent": ((4, 1), [layers.SimpleRNN(2)]),
    "no Dense or Conv": ((4, 1), [layers.Dense(3), layers.SimpleRNN(2)]),
    "with zeros around it": (
        (5, 2),
        [layers.Conv1D(3, 2), layers.Conv1D(2, 2, padding="causal")],
    ),
    "channels first": (
        (2, 5),
        [layers.Conv1D(3, 2, data_format="channels_first"), layers.Flatten()],
    ),
    "beside kernel and bias": ((4,), [adapted]),
    "groups of channels": ((5, 4), [layers.Conv1D(4, 2, groups=2)]),
    "LayerN.* keep neurons": (
        (4,),
        [layers.Dense(3), layers.LayerNormalization()],
    ),
    "another axis": (
        (3, 4),
        [layers.Dense(3), layers.BatchNormalization(axis=1)],
    ),
    "no weights for each neuron": (
        (3, 4),
        [layers.Dense(4), layers.PReLU(shared_axes=[1, 2])],
    ),
}


@pytest.mark.parametrize("words", LEFT_WHOLE)
def test_what_cannot_be_pruned_says_why(words):
    shape, parts = LEFT_WHOLE[words]
    x = h = keras.Input(shape)
    for part in parts:
        h = part(h)
    net = keras.Model(x, layers.Dense(2)(h))
    _, whole = chains_of(LagrangianModel(net).graph)
    assert any(re.search(words, reason) for reason in whole.values()), whole


def test_arguments_that_do_not_fit_are_refused(trained):
    model, (x, y), test = trained
    export = functools.partial(export_support_network, model, x[:9], y[:9])
    with pytest.raises(ValueError, match="`by` to be one of .*by='size'"):
        export(by="size")
    with pytest.raises(ValueError, match="`drop` to be in .*drop=1.0"):
        export(drop=1.0)
    with pytest.raises(ValueError, match="`drop` to be in .*drop=-0.1"):
        export(drop={"first": -0.1})
    with pytest.raises(ValueError, match="boolean array of shape \\(40,\\)"):
        export(drop={"first": np.zeros(4, bool)})
    with pytest.raises(ValueError, match="name layers.*'second'.*'third'"):
        export(drop={"third": 0.5})
    with pytest.raises(ValueError, match="`batch_size` to be 1 or greater"):
        export(batch_size=0)
    with pytest.raises(ValueError, match="expects `y` for the forces"):
        export_support_network(model, x[:9], drop=0.5)
    with pytest.raises(ValueError, match=r"as many examples.*\[9, 8\]"):
        export_support_network(model, x[:9], y[:8])
    with pytest.raises(ValueError, match=r"one at least.*\[0\]"):
        export_support_network(model, x[:0])
    with pytest.raises(TypeError, match="arrays of examples.*y of type list"):
        export_support_network(model, x[:9], [1] * 9)
    net = keras.Sequential([keras.Input((4,)), layers.Dense(3), *output()])
    with pytest.raises(ValueError, match="expects a compiled model"):
        export_support_network(LagrangianModel(net), np.ones((2, 4)), y[:2])
    net = keras.Sequential([keras.Input((4, 1)), layers.GRU(3), *output()])
    with pytest.raises(ValueError, match="found no layer.*'gru.*is recurrent"):
        export_support_network(LagrangianModel(net), np.ones((2, 4, 1)), y[:2])
    with pytest.raises(ValueError, match="`fractions` to be in .*2"):
        support_curve(model, x[:9], y[:9], test, [0.5, 2])
    with pytest.raises(ValueError, match="`num_seeds` to be 1 or greater"):
        support_curve(model, x[:9], y[:9], test, num_seeds=0)


def output():
    return [layers.Dense(2)]


def test_a_curve_measures_each_ranking_and_is_drawn(trained, tmp_path):
    model, train, test = trained
    metric = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")
    curve = support_curve(
        model, *train, test, [0.75, 0.0], ["accuracy", metric], num_seeds=2
    )
    assert [row["by"] for row in curve.rows].count("random") == 4
    assert len(curve.rows) == 8
    assert sorted(curve.metrics) == ["accuracy", "loss", "top2"]
    fractions, mean, low, high = curve.curve("random")
    np.testing.assert_array_equal(fractions, [0.0, 0.75])
    assert mean[0] == low[0] == high[0]
    np.testing.assert_allclose(mean[0], accuracy(model, test))
    assert low[1] < high[1] < mean[0] and mean[1] == (low[1] + high[1]) / 2
    row = next(row for row in curve.rows if row["by"] == "support")
    assert row["kept"] == {"first": 10, "second": 8}
    small, _ = export_support_network(model, *train, drop=0.75)
    np.testing.assert_allclose(row["accuracy"], accuracy(small, test))
    assert row["parameters"] == small.count_params()
    assert row["top2"] > row["accuracy"]
    axes = Figure().subplots()
    assert curve.plot(axes, "loss") is axes
    told = [text.get_text() for text in axes.get_legend().get_texts()]
    assert told == ["support", "magnitude", "random"]
    assert axes.get_ylabel() == "loss"
    axes = curve.plot(tmp_path / "curve.png")
    assert axes.get_ylabel() == "accuracy"
    np.testing.assert_allclose(axes.lines[2].get_ydata(), mean)
    assert (tmp_path / "curve.png").read_bytes()[1:4] == b"PNG"


def test_questions_that_rows_do_not_answer_are_refused(monkeypatch):
    row = {"by": "random", "fraction": 0.5, "seed": 0, "kept": {}}
    curve = SupportCurve([{**row, "parameters": 3, "loss": 2.0}])
    np.testing.assert_array_equal(curve.curve("random")[1], [2.0])
    with pytest.raises(ValueError, match="expects rows. Received: none"):
        SupportCurve([])
    with pytest.raises(ValueError, match="`by` to be one of.*'random'"):
        curve.curve("support")
    with pytest.raises(ValueError, match="`metric` to be one of.*'loss'"):
        curve.plot("curve.png", "accuracy")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="pip install.*examples"):
        curve.plot("curve.png")
