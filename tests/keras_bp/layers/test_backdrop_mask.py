import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp import ops
from keras_bp.layers import BackdropMask, BinaryNeuron

SHAPE = (6, 4, 5, 3)


def mask_of(layer, shape=SHAPE, training=True):
    """The mask of one call: the gradient of the sum."""
    x = tf.ones(shape)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training)
    np.testing.assert_array_equal(y, x)
    return tape.gradient(y, x).numpy()


def constant_along(mask, axes):
    first = np.take(mask, [0], axis=axes[0])
    for axis in axes[1:]:
        first = np.take(first, [0], axis=axis)
    return np.array_equal(np.broadcast_to(first, mask.shape), mask)


@pytest.mark.parametrize(
    ("arguments", "shared", "cells"),
    [
        ({"granularity": "sample"}, (1, 2, 3), (0,)),
        ({"granularity": "spatial"}, (3,), (1, 2)),
        ({"granularity": "spatial", "per_sample": False}, (0, 3), (1, 2)),
        ({"granularity": "channel"}, (1, 2), (3,)),
        (
            {"granularity": "channel", "data_format": "channels_first"},
            (2, 3),
            (1,),
        ),
        (
            {"granularity": "spatial", "data_format": "channels_first"},
            (1,),
            (2, 3),
        ),
        ({"granularity": "element"}, (), (1, 2, 3)),
        ({"mask_axes": (-1, 1)}, (2,), (1, 3)),
        ({"mask_axes": (0, 1)}, (2, 3), (0, 1)),
        ({"mask_axes": 2, "per_sample": False}, (0, 1, 3), (2,)),
    ],
)
def test_each_granularity_masks_its_cells_and_shares_the_rest(
    arguments, shared, cells
):
    mask = mask_of(BackdropMask(0.6, seed=1, **arguments))
    assert mask.shape == SHAPE
    if shared:
        assert constant_along(mask, shared)
    for axis in cells:
        assert not constant_along(mask, (axis,))
    # N/K: the mean over the cells is one, in each group of cells.
    np.testing.assert_allclose(mask.mean(axis=cells), 1, rtol=1e-6)
    if 0 not in cells and 0 not in shared:
        assert not constant_along(mask, (0,))


@pytest.mark.parametrize("shape", [(6, 6), (6, 5), (6, 1), (2, 3, 3, 3)])
def test_shapes_on_which_the_published_code_fails_work(shape):
    # It masks features, raises, or multiplies by the batch size there.
    mask = mask_of(BackdropMask(0.9, seed=0), shape)
    rows = mask.reshape(shape[0], -1)
    assert (rows == rows[:, :1]).all()
    np.testing.assert_allclose(rows[:, 0].mean(), 1, rtol=1e-6)
    assert 0 in rows


def test_a_sample_mask_is_minibatch_sgd_on_the_survivors(compiled):
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(16, 3)), "float32")
    y = tf.constant(rng.normal(size=(16, 1)), "float32")
    dense = keras.layers.Dense(1)
    dense.build((None, 3))
    layer = BackdropMask(0.7, seed=1)

    @compiled
    def step():
        with tf.GradientTape() as tape:
            z = dense(x)
            masked = layer(z, training=True)
            loss = tf.reduce_mean((masked - y) ** 2)
        return tape.gradient(loss, [z, *dense.trainable_weights])

    dz, *gradients = step()
    kept = np.flatnonzero(np.any(dz.numpy() != 0, axis=1))
    assert 0 < kept.size < 16
    with tf.GradientTape() as tape:
        chosen = tf.gather(dense(x), kept) - tf.gather(y, kept)
        loss = tf.reduce_mean(chosen**2)
    expected = tape.gradient(loss, dense.trainable_weights)
    for gradient, wanted in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-5)


def test_two_nested_masks_leave_the_gradient_of_every_weight_unbiased():
    rng = np.random.default_rng(1)
    keras.utils.set_random_seed(1)
    x = tf.constant(rng.normal(size=(4, 8, 8, 1)), "float32")
    inputs = keras.Input((8, 8, 1))
    h = keras.layers.Conv2D(3, 3, strides=2, activation="tanh")(inputs)
    h = BackdropMask(0.5, "spatial", seed=1)(h)
    h = keras.layers.Conv2D(2, 2, activation="tanh")(h)
    h = BackdropMask(0.6, "spatial", seed=2)(h)
    model = keras.Model(inputs, keras.layers.Dense(1)(h))

    @tf.function
    def gradients(training):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(x, training=training) ** 2)
        found = tape.gradient(loss, model.trainable_weights)
        return tf.concat([tf.reshape(g, [-1]) for g in found], axis=0)

    full = gradients(False).numpy()
    n = 4000
    draws = np.stack([gradients(True) for _ in range(n)])
    error = draws.std(axis=0, ddof=1) / np.sqrt(n)
    z = (draws.mean(axis=0) - full) / np.maximum(error, 1e-9)
    assert error.max() > 1e-4
    assert np.abs(z[error > 1e-7]).max() < 4.5


def test_masks_differ_between_calls_and_are_the_same_in_every_mode(compiled):
    layer = BackdropMask(0.5, "element", seed=4)

    @compiled
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return tape.gradient(y, x)

    first, second = run(tf.ones((2, 20))).numpy(), run(tf.ones((2, 20))).numpy()
    assert not np.array_equal(first, second)
    again = BackdropMask(0.5, "element", seed=4)
    np.testing.assert_array_equal(mask_of(again, (2, 20)), first)
    np.testing.assert_array_equal(mask_of(again, (2, 20)), second)


def test_equal_seeds_of_a_neuron_and_a_mask_do_not_couple_them():
    neuron = BinaryNeuron("stochastic", seed=0)
    layer = BackdropMask(0.25, "element", seed=0)
    x = tf.fill((4096, 64), -1.3863)
    b = neuron(x)
    with tf.GradientTape() as tape:
        tape.watch(b)
        y = layer(b, training=True)
    mask = tape.gradient(y, b).numpy()
    for state in (0, 1):
        chosen = mask[b.numpy() == state]
        # m is 4/3 with chance 3/4: a standard deviation of 0.577.
        assert abs(chosen.mean() - 1) < 4 * 0.577 / np.sqrt(chosen.size)


def test_a_mask_in_a_recurrent_cell_compiles_for_a_partial_batch():
    class Cell(keras.layers.Layer):
        state_size = output_size = 3

        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)
            self.mask = BackdropMask(0.5, "element", seed=0)

        def build(self, input_shape):
            self.dense.build((None, input_shape[-1] + 3))

        def call(self, x, states, training=False):
            h = self.dense(tf.concat([x, states[0]], axis=-1))
            h = self.mask(h, training=training)
            return h, [h]

    model = keras.Sequential([keras.Input((4, 2)), keras.layers.RNN(Cell())])
    model.compile("sgd", "mse", jit_compile=True)
    x = np.ones((6, 4, 2), "float32")
    history = model.fit(x, np.ones((6, 3)), batch_size=4, verbose=0).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize("granularity", ["sample", "element"])
def test_an_empty_batch_is_left_alone(granularity):
    layer = BackdropMask(0.5, granularity, seed=0)
    assert mask_of(layer, (0, 3)).shape == (0, 3)


def test_the_product_is_taken_in_the_dtype_of_the_mask():
    # 1.5 * 2049 in float32, then rounded; 2049 is no float16.
    with tf.GradientTape() as tape:
        x = tf.ones((1,), "float16")
        tape.watch(x)
        y = ops.mask_gradient(x, tf.constant([2049.0]))
    upstream = tf.constant([1.5], "float16")
    dx = tape.gradient(y, x, output_gradients=upstream)
    assert dx.numpy() == np.float16(1.5 * 2049)


def test_no_mask_at_rate_zero_or_out_of_training():
    assert (mask_of(BackdropMask(0.0)) == 1).all()
    assert (mask_of(BackdropMask(0.9), training=False) == 1).all()


def test_a_mask_is_never_empty_and_scale_none_has_no_factor():
    layer = BackdropMask(0.999, scale="none", seed=0)
    for _ in range(20):
        mask = mask_of(layer, (4, 2))
        assert mask[:, 0].sum() == 1 and set(np.unique(mask)) == {0.0, 1.0}


def test_the_scale_of_a_half_precision_mask_does_not_round_early():
    layer = BackdropMask(0.5, dtype="mixed_float16", seed=0)
    x = tf.ones((3, 1), "float16")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    mask = tape.gradient(y, x)
    assert mask.dtype == "float16"
    np.testing.assert_allclose(tf.reduce_sum(mask), 3, rtol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rate": 1.0}, r"BackdropMask expects `rate`.*\[0, 1\).*rate=1.0"),
        ({"rate": -0.1}, r"\[0, 1\).*rate=-0.1"),
        ({"rate": "half"}, "rate='half'"),
        ({"rate": 0.5, "granularity": "pixel"}, "granularity.*'pixel'"),
        ({"rate": 0.5, "scale": "mean"}, "scale.*'inverse'.*'mean'"),
        ({"rate": 0.5, "mask_axes": ()}, "at least one axis"),
        ({"rate": 0.5, "data_format": "nhwc"}, "data_format.*'nhwc'"),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        BackdropMask(**arguments)


def test_an_input_of_too_low_a_rank_is_refused():
    with pytest.raises(ValueError, match=r"rank 3 or more.*shape=\(None, None"):
        BackdropMask(0.5, "spatial").build((2, 3))
    with pytest.raises(ValueError, match="rank of its input, 2.*3"):
        BackdropMask(0.5, mask_axes=(3,)).build((2, 3))
