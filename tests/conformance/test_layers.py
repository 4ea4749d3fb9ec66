"""Every public layer, through every property of the Keras contract."""

import inspect
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_rows import ROWS, make, model_of

import keras_bp
from keras_bp import layers

every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
every_trained_row = pytest.mark.parametrize(
    "row", [row for row in ROWS if row.trains], ids=lambda row: row.name
)


def batch(row, dtype="float32"):
    x = tf.random.stateless_normal(row.shape, seed=[1, 2])
    return tf.cast(x, dtype)


def test_every_public_layer_has_a_row():
    tried = {row.cls.__name__ for row in ROWS}
    missing = set(layers.__all__) - tried
    assert not missing, f"Add rows to layer_rows.py for {sorted(missing)}."


@every_row
def test_config_round_trips_and_holds_every_argument(row):
    layer = make(row)
    config = layer.get_config()
    signature = inspect.signature(row.cls.__init__).parameters
    arguments = [
        name
        for name, parameter in signature.items()
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    ]
    assert set(arguments) <= set(config)
    assert row.cls.from_config(config).get_config() == config
    serialized = keras.saving.serialize_keras_object(layer)
    assert serialized["registered_name"] == f"keras_bp>{row.cls.__name__}"
    reloaded = keras.saving.deserialize_keras_object(serialized)
    assert reloaded.get_config() == config


@every_row
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_symbolic_eager_and_computed_shapes_and_dtypes_agree(row, policy):
    layer = make(row, dtype=policy)
    symbolic = layer(keras.KerasTensor((None, *row.shape[1:])))
    computed = layer.compute_output_shape((None, *row.shape[1:]))
    eager = layer(batch(row))
    assert tuple(symbolic.shape) == tuple(computed)
    assert tuple(layer.compute_output_shape(row.shape)) == tuple(eager.shape)
    assert symbolic.shape[1:] == tuple(eager.shape[1:])
    assert symbolic.dtype == keras.backend.standardize_dtype(eager.dtype)


@every_row
def test_build_creates_all_weights_and_call_none(row):
    layer = make(row)
    layer.build((None, *row.shape[1:]))
    after_build = [weight.path for weight in layer.weights]
    layer(batch(row), **training_of(layer, row))
    assert [weight.path for weight in layer.weights] == after_build
    called = make(row)
    called(batch(row))
    assert len(called.weights) == len(after_build)


@every_trained_row
def test_the_input_and_every_trainable_weight_get_a_gradient(row, compiled):
    layer = make(row)
    layer.build((None, *row.shape[1:]))

    @compiled
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, **training_of(layer, row))
            loss = tf.reduce_sum(y * y) + tf.reduce_sum(y)
        weights = [weight.value for weight in layer.trainable_weights]
        return tape.gradient(loss, [x, *weights])

    for gradient in run(batch(row)):
        assert gradient is not None
        assert np.isfinite(gradient.numpy()).all()
        assert np.any(gradient.numpy() != 0)


def training_of(layer, row):
    parameters = inspect.signature(layer.call).parameters
    return {"training": row.trains} if "training" in parameters else {}


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in ROWS
        if row.trains
        and "seed" in inspect.signature(row.cls.__init__).parameters
    ],
    ids=lambda row: row.name,
)
def test_the_same_seed_gives_the_same_output_and_gradient(row):
    def run(seed):
        layer = row.cls(**{**row.arguments, "seed": seed})
        x = batch(row)
        found = []
        for _ in range(2):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=True)
            found += [y.numpy(), tape.gradient(y, x).numpy()]
        return found

    for first, again in zip(run(3), run(3), strict=True):
        np.testing.assert_array_equal(first, again)


@every_row
@pytest.mark.parametrize(
    "policy", ["float32", "float64", "mixed_float16", "mixed_bfloat16"]
)
def test_the_output_follows_the_dtype_policy(row, policy):
    layer = make(row, dtype=policy)
    y = layer(batch(row))
    half = policy.startswith("mixed_") and row.half_output
    wide = "float64" if policy == "float64" else "float32"
    expected = policy.removeprefix("mixed_") if half else wide
    assert y.dtype == ("int32" if row.integers else expected)
    assert np.isfinite(tf.cast(y, "float32")).all()


@every_trained_row
@pytest.mark.parametrize(
    ("mode", "policy"),
    [
        ("eager", "float32"),
        ("graph", "float32"),
        # Gradients of float32 under XLA are tested above.
        ("xla", "mixed_float16"),
        ("graph", "mixed_bfloat16"),
    ],
)
def test_one_step_of_fit(row, mode, policy):
    # Weights of which some rectifier lets a gradient through.
    keras.utils.set_random_seed(0)
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = model_of(row)
    finally:
        keras.config.set_dtype_policy(previous)
    optimizer = keras.optimizers.SGD(0.01)
    if policy == "mixed_float16":
        # The default scale overflows at first, and the step is skipped.
        optimizer = keras.optimizers.LossScaleOptimizer(
            optimizer, initial_scale=16.0
        )
    model.compile(
        optimizer,
        "mse",
        run_eagerly=mode == "eager",
        jit_compile=mode == "xla",
    )
    x = batch(row).numpy()
    before = model.layers[1].get_weights()[0]
    history = model.fit(
        x,
        np.ones((len(x), 1)),
        sample_weight=np.arange(len(x)) + 1.0,
        verbose=0,
    )
    assert np.isfinite(history.history["loss"]).all()
    assert not np.array_equal(model.layers[1].get_weights()[0], before)


@every_row
def test_masking_is_set_on_purpose(row):
    layer = make(row)
    # Layers that keep every position pass a mask on; a filter mixes them, and
    # a cost has none.
    mixes = getattr(layer, "power_taps", getattr(layer, "num_taps", 1)) > 1
    mixes = mixes or row.cls is layers.CostNode
    assert layer.supports_masking is not mixes


RELOAD = """
import sys, numpy as np, keras, keras_bp
sys.path.append(sys.argv[3])
import row_costs
folder = sys.argv[1]
for index in range(int(sys.argv[2])):
    model = keras.models.load_model(f"{folder}/{index}.keras")
    data = np.load(f"{folder}/{index}.npz")
    found = model(data["x"])
    np.testing.assert_array_equal(found, data["y"], err_msg=str(index))
print("equal")
"""


@pytest.mark.slow
def test_reloaded_models_give_equal_outputs_in_a_fresh_process(tmp_path):
    for index, row in enumerate(ROWS):
        model = model_of(row)
        x = batch(row).numpy()
        # A step of training first, so that saved weights are not initial.
        model.compile("sgd", "mse", run_eagerly=True)
        if row.trains:
            model.fit(x, np.ones((len(x), 1)), verbose=0)
        model.save(tmp_path / f"{index}.keras")
        np.savez(tmp_path / f"{index}.npz", x=x, y=model(x))
        reloaded = keras.models.load_model(tmp_path / f"{index}.keras")
        assert len(reloaded.weights) == len(model.weights)
    done = subprocess.run(
        [
            *(sys.executable, "-c", RELOAD, str(tmp_path), str(len(ROWS))),
            str(pathlib.Path(__file__).parent),
        ],
        capture_output=True,
        text=True,
        cwd=pathlib.Path(keras_bp.__file__).parents[1],
    )
    assert done.stdout.strip().endswith("equal"), done.stderr[-2000:]


@every_trained_row
def test_two_replicas_train_together(row, two_replicas):
    strategy = two_replicas
    with strategy.scope():
        model = model_of(row)
        optimizer = keras.optimizers.SGD(0.01)
        optimizer.build(model.trainable_variables)

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(x, training=True) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    @tf.function
    def run(x):
        return strategy.experimental_local_results(
            strategy.run(step, args=(x,))
        )

    before = model.layers[1].get_weights()[0]
    assert np.isfinite([float(loss) for loss in run(batch(row))]).all()
    assert not np.array_equal(model.layers[1].get_weights()[0], before)
