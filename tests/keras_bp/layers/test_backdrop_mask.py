import keras
import numpy as np
import pytest
import tensorflow as tf
from mask_outcomes import give_noise, outcomes

from keras_bp import ops
from keras_bp.layers import BackdropMask, BinaryNeuron

SHAPE = (6, 4, 5, 3)


def mask_of(layer, shape=SHAPE, training=True, dtype="float32"):
    """The mask of one call: the gradient of the sum."""
    x = tf.ones(shape, dtype)
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
        ({"mask_axes": np.array([0, 1])}, (2, 3), (0, 1)),
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


@pytest.mark.parametrize(
    ("shape", "mask_axes"),
    [
        ((6, 6), 0),  # masks features there
        ((6, 5), 0),  # raises there
        ((6, 1), 0),  # multiplies by the batch size there
        ((1, 4, 4), 1),  # masks the last axis there
        ((2, 3, 3, 3), (0, 1)),  # raises there
    ],
)
def test_shapes_on_which_the_published_code_fails_work(shape, mask_axes):
    layer = BackdropMask(
        0.8, mask_axes=mask_axes, per_sample=False, scale="none", seed=0
    )
    mask = mask_of(layer, shape)
    axes = mask_axes if isinstance(mask_axes, tuple) else (mask_axes,)
    rest = tuple(axis for axis in range(len(shape)) if axis not in axes)
    assert constant_along(mask, rest)
    cells = mask.mean(axis=rest)
    assert 0 < cells.sum() < cells.size
    layer.scale = "empirical"
    np.testing.assert_allclose(mask_of(layer, shape).mean(), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "arguments", "cells"),
    [
        ((5, 2), {"granularity": "sample"}, 5),
        ((2, 4, 2), {"granularity": "spatial"}, 4),
        ((5, 2), {"granularity": "sample", "scale": "inverse"}, 5),
        ((2, 2, 2, 2), {"granularity": "spatial", "per_sample": False}, 4),
        ((2, 2, 4), {"granularity": "channel"}, 4),
        ((2, 2, 3), {"granularity": "element"}, 6),
        ((2, 4, 3), {"mask_axes": (-1, 0)}, 6),
        # The last block has one cell, and an axis is one block.
        ((2, 5, 1), {"granularity": "spatial", "block_size": 2}, 3),
        (
            (2, 5, 3, 1),
            {"granularity": "spatial", "block_size": (2, 4)},
            3,
        ),
        ((2, 3, 4), {"mask_axes": (2, 1), "block_size": (3, 2)}, 4),
    ],
)
def test_the_mean_of_the_mask_is_exactly_one(
    monkeypatch, shape, arguments, cells
):
    layer = BackdropMask(0.7, dtype="float64", **arguments)
    given = give_noise(monkeypatch, [layer])
    grid = layer.cells(len(shape))
    inner = [
        size if axis in grid.axes else 1
        for axis, size in enumerate(grid.noise_shape(shape))
    ]
    mean = 0
    for noise, chance in outcomes(cells, 0.7):
        given[0] = noise.reshape(inner)
        mean = mean + chance * mask_of(layer, shape, dtype="float64")
    np.testing.assert_allclose(mean, np.ones(shape), rtol=1e-6)


def test_scale_none_has_the_mean_of_the_survivors(monkeypatch):
    layer = BackdropMask(0.7, scale="none")
    given = give_noise(monkeypatch, [layer])
    mean = 0
    for noise, chance in outcomes(4, 0.7):
        given[0] = noise[:, None]
        mean = mean + chance * mask_of(layer, (4, 1))
    # Each survives by itself, or is the one of four that is forced to.
    want = 0.3 + 0.7**4 / 4
    np.testing.assert_allclose(mean, np.full((4, 1), want), rtol=1e-6)


def test_cells_of_a_block_share_their_fate(compiled):
    layer = BackdropMask(0.5, "spatial", block_size=(2, 3), seed=1)
    signature = tf.TensorSpec((None, 5, 7, 2))

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return tape.gradient(y, x)

    mask = compiled(run)(tf.ones((9, 5, 7, 2))).numpy()
    again = BackdropMask(0.5, "spatial", block_size=(2, 3), seed=1)
    np.testing.assert_array_equal(mask, mask_of(again, mask.shape))
    for top, bottom in ((0, 2), (2, 4), (4, 5)):
        for left, right in ((0, 3), (3, 6), (6, 7)):
            block = mask[:, top:bottom, left:right]
            assert constant_along(block, (1, 2, 3))
    starts = mask[:, ::2, ::3, 0]
    # N/K of nine blocks, though they hold 35 cells.
    np.testing.assert_allclose(starts.mean(axis=(1, 2)), 1, rtol=1e-6)
    assert len(np.unique(starts.reshape(9, -1), axis=0)) > 5
    dynamic = tf.function(run, input_signature=[signature])
    assert dynamic(tf.ones((4, 5, 7, 2))).shape == (4, 5, 7, 2)


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
    # Of a size that is random.
    sizes = {np.count_nonzero(mask_of(layer, (16, 1))) for _ in range(9)}
    assert len(sizes) > 2


def pyramid():
    """A fine mask of three cells, and a coarse one of two, on one example."""
    keras.utils.set_random_seed(1)
    fine = BackdropMask(0.6, "spatial", name="fine", dtype="float64")
    coarse = BackdropMask(0.8, "spatial", name="coarse", dtype="float64")
    inputs = keras.Input((6, 1), dtype="float64")
    settings = {"activation": "tanh", "dtype": "float64"}
    h = keras.layers.Conv1D(2, 2, strides=2, **settings)(inputs)
    h = fine(h)
    h = keras.layers.Conv1D(2, 2, **settings)(h)
    h = coarse(h)
    outputs = keras.layers.Dense(1, dtype="float64")(h)
    model = keras.Model(inputs, outputs)
    x = np.random.default_rng(1).normal(size=(1, 6, 1))

    def gradients(training=True):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(x, training=training)) ** 2
        found = tape.gradient(loss, model.trainable_weights)
        return np.concatenate([np.ravel(part) for part in found])

    return [fine, coarse], gradients


def test_two_nested_masks_leave_the_gradient_of_every_weight_unbiased(
    monkeypatch,
):
    masks, gradients = pyramid()
    given = give_noise(monkeypatch, masks)
    full = gradients(training=False)
    mean = 0
    for given[0], one in outcomes(3, 0.6):
        given[0] = given[0][:, None]
        for coarse, other in outcomes(2, 0.8):
            given[1] = coarse[:, None]
            mean = mean + one * other * gradients()
    np.testing.assert_allclose(mean, full, rtol=1e-6)
    assert np.abs(full).min() > 1e-5


def test_the_variance_of_every_weight_has_its_closed_form(monkeypatch):
    # The mask above is open.
    masks, gradients = pyramid()
    given = give_noise(monkeypatch, masks)
    given[1] = np.full((2, 1), 0.9)
    full = gradients(training=False)
    estimates, chances, inverse = [], [], 0
    for noise, chance in outcomes(3, 0.6):
        given[0] = noise[:, None]
        estimates.append(gradients())
        chances.append(chance)
        inverse += chance / max(1, (noise > 0.6).sum())
    variance = chances @ (np.array(estimates) - full) ** 2
    cells = []
    for masks[0].location in range(3):
        cells.append(gradients())
    squares = np.var(cells, axis=0, ddof=1)
    np.testing.assert_allclose(
        variance, (inverse - 1 / 3) * squares, rtol=1e-5, atol=1e-12
    )
    np.testing.assert_allclose(np.mean(cells, axis=0), full, rtol=1e-6)


def test_a_gradient_of_second_order_is_masked_by_both_passes(compiled):
    layer = BackdropMask(0.5, "element", seed=1)
    x = tf.constant([[0.5, -1.0, 2.0, 1.5, 3.0]])
    direction = np.array([1.0, 2.0, -1.0, 0.5, 1.0], "float32")

    @compiled
    def run(x):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = layer(x, training=True)
                # Its Hessian is 6 y on the diagonal, and 1 next to it.
                loss = tf.reduce_sum(y**3) + tf.reduce_sum(y[:, 1:] * y[:, :-1])
            gradient = inner.gradient(loss, x)
            along = tf.reduce_sum(gradient * direction)
        return gradient, outer.gradient(along, x)

    gradient, product = run(x)
    again = BackdropMask(0.5, "element", seed=1)
    m = np.diag(mask_of(again, (1, 5))[0])
    assert 0 < np.count_nonzero(m) < 5
    n = x.numpy()[0]
    near = np.eye(5, k=1) + np.eye(5, k=-1)
    hessian = np.diag(6 * n) + near
    np.testing.assert_allclose(gradient[0], m @ (3 * n**2 + near @ n))
    np.testing.assert_allclose(product[0], m @ hessian @ m @ direction)


def test_a_location_is_the_one_survivor_with_the_weight_of_all(compiled):
    layer = BackdropMask(0.5, "spatial", location=(1, -1))

    @compiled
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return tape.gradient(y, x)

    want = np.zeros(SHAPE)
    want[:, 1, 4] = 20
    np.testing.assert_array_equal(run(tf.ones(SHAPE)), want)


def test_a_location_counts_blocks_and_samples():
    layer = BackdropMask(
        0.5, "spatial", location=(0, 2), block_size=2, scale="none"
    )
    want = np.zeros(SHAPE)
    want[:, :2, 4:] = 1
    np.testing.assert_array_equal(mask_of(layer), want)
    layer = BackdropMask(0.5, location=2)
    want = [[0], [0], [4], [0]]
    np.testing.assert_array_equal(mask_of(layer, (4, 1)), want)
    assert (mask_of(layer, (2, 1)) == 0).all()
    # In the order in which the axes were named.
    layer = BackdropMask(
        0.5, mask_axes=(2, 1), location=(4, 3), block_size=(1, 2), scale="none"
    )
    with pytest.raises(ValueError, match="within the 2 cells or blocks of"):
        mask_of(layer)
    layer = BackdropMask(0.5, mask_axes=(2, 1), location=(4, 3), scale="none")
    assert mask_of(layer)[:, 3, 4].all() and mask_of(layer).sum() == 18


def two_heads(**arguments):
    """Two inputs, with a mask each."""
    settings = {"granularity": "element", "share_key": "both", **arguments}
    inputs = [keras.Input((8,)), keras.Input((2, 8))]
    first = BackdropMask(0.5, name="a", **settings)(inputs[0])
    second = keras.layers.Reshape((8,))(inputs[1][:, 0])
    second = BackdropMask(0.5, name="b", **settings)(second)
    return keras.Model(inputs, [first, second])


def masks_of(model, compiled=lambda function: function):
    x = [tf.ones((3, 8)), tf.ones((3, 2, 8))]

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = model(x, training=True)
        return tape.gradient(y, x)

    first, second = compiled(run)(x)
    return first.numpy(), second.numpy()[:, 0]


def test_layers_of_one_key_draw_one_mask_in_each_step(compiled):
    model = two_heads()
    first, second = masks_of(model, compiled)
    np.testing.assert_array_equal(first, second)
    assert len(np.unique(first, axis=0)) > 1
    later, again = masks_of(model, compiled)
    np.testing.assert_array_equal(later, again)
    assert not np.array_equal(first, later)


def test_a_shared_mask_is_still_shared_in_a_copy(tmp_path):
    model = two_heads()
    masks_of(model)
    model.save(tmp_path / "model.keras")
    clone = keras.models.clone_model(model)
    second_step = masks_of(model)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    goes_on = masks_of(loaded)
    np.testing.assert_array_equal(goes_on[0], goes_on[1])
    np.testing.assert_array_equal(goes_on[0], second_step[0])
    # A clone counts from one, whatever other models have drawn.
    starts = masks_of(clone)
    np.testing.assert_array_equal(starts[0], starts[1])
    np.testing.assert_array_equal(starts[0], masks_of(two_heads())[0])


def test_keys_and_seeds_tell_masks_apart():
    found = [
        masks_of(two_heads(**arguments))[0].tobytes()
        for arguments in (
            {},
            {"seed": 1},
            {"share_key": "other"},
            {"share_key": None, "seed": 1},
        )
    ]
    assert len(set(found)) == 4
    first, second = masks_of(two_heads(share_key=None))
    assert not np.array_equal(first, second)


def test_a_shared_mask_takes_two_ranks_and_nests_two_rates():
    arguments = {"share_key": "key", "scale": "none"}
    flat = mask_of(BackdropMask(0.5, **arguments), (16, 1))
    image = mask_of(BackdropMask(0.5, **arguments), (16, 2, 2, 3))
    np.testing.assert_array_equal(image[:, 0, 0, :1], flat)
    few = mask_of(BackdropMask(0.8, **arguments), (16, 1))
    assert (few <= flat).all() and few.sum() < flat.sum()


@pytest.mark.parametrize(
    "policy", ["float32", "float64", "mixed_float16", "mixed_bfloat16"]
)
def test_the_rate_is_a_float32_weight_that_a_graph_reads(policy):
    layer = BackdropMask(0.0, scale="none", dtype=policy, seed=0)
    assert layer.rate == 0.0
    layer.build((None, 1))
    assert layer.rate.dtype == "float32" and not layer.trainable_weights
    dtype = policy.removeprefix("mixed_")

    @tf.function
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return tape.gradient(y, x)

    x = tf.ones((16384, 1), dtype)
    assert (run(x).numpy() == 1).all()
    # That is 1 in bfloat16, with one survivor. Four standard deviations.
    layer.rate.assign(0.998)
    survivors = np.count_nonzero(run(x).numpy())
    assert abs(survivors - 32.8) < 4 * np.sqrt(32.8)
    assert layer.get_config()["rate"] == 0.0


def test_the_rate_is_saved_with_the_model(tmp_path):
    model = keras.Sequential([keras.Input((3,)), BackdropMask(0.25, name="m")])
    model.get_layer("m").rate.assign(0.75)
    model.save(tmp_path / "model.keras")
    layer = keras.models.load_model(tmp_path / "model.keras").get_layer("m")
    assert float(layer.rate) == 0.75 and layer.initial_rate == 0.25


def test_a_double_gradient_is_masked_in_double():
    layer = BackdropMask(0.5, "element", dtype="float64", seed=1)
    x = tf.ones((1, 7), "float64")
    upstream = x + tf.constant(2.0**-40, "float64")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    dx = tape.gradient(y, x, output_gradients=upstream).numpy()
    survivors = np.count_nonzero(dx)
    # Of which the factor is no float32.
    assert survivors in (3, 5, 6)
    np.testing.assert_allclose(
        dx[dx != 0], 7 / survivors * (1 + 2.0**-40), rtol=1e-15
    )


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
        ({"rate": 0.5, "block_size": 0}, "block_size.*1 or greater.*=0"),
        ({"rate": 0.5, "block_size": (2, -1)}, "block_size.*1 or greater"),
        ({"rate": 0.5, "block_size": ()}, "block_size.*at least one axis"),
        (
            {"rate": 0.5, "location": 0, "scale": "inverse"},
            "no rate chooses.*'inverse'",
        ),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        BackdropMask(**arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"share_key": 3}, "share_key.*a string or None.*=3"),
        ({"block_size": 1.5}, "block_size.*an integer"),
        ({"location": (0.5, 1)}, "location.*an integer"),
        ({"mask_axes": "all"}, "mask_axes.*an integer"),
    ],
)
def test_arguments_of_a_wrong_type_are_refused(arguments, words):
    with pytest.raises(TypeError, match=words):
        BackdropMask(0.5, **arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"block_size": (2, 2, 2)}, r"block_size.*axes \(1, 2\).*\(2, 2, 2\)"),
        ({"location": 0}, r"location.*axes \(1, 2\).*location=0"),
        ({"location": (4, 0)}, r"the 4 cells or blocks of axis 1.*\(4, 0\)"),
        ({"location": (0, -6)}, "the 5 cells or blocks of axis 2"),
    ],
)
def test_sizes_and_places_that_do_not_fit_the_axes_are_refused(
    arguments, words
):
    with pytest.raises(ValueError, match=words):
        BackdropMask(0.5, "spatial", **arguments).build((None, 4, 5, 3))


def test_an_input_of_too_low_a_rank_is_refused():
    with pytest.raises(ValueError, match=r"rank 3 or more.*shape=\(None, None"):
        BackdropMask(0.5, "spatial").build((2, 3))
    with pytest.raises(ValueError, match="rank of its input, 2.*3"):
        BackdropMask(0.5, mask_axes=(3,)).build((2, 3))


def test_the_rate_can_be_set_before_and_after_it_is_a_weight():
    layer = BackdropMask(0.5)
    layer.rate = 0.25
    assert layer.get_config()["rate"] == 0.25
    layer.build((None, 3))
    weight = layer.rate
    layer.rate = 0.75
    assert layer.rate is weight and float(weight) == 0.75
    with pytest.raises(ValueError, match="`rate`"):
        layer.rate = 1.5


def test_weights_of_before_the_rate_was_one_can_be_loaded():
    layer = BackdropMask(0.5, seed=1)
    layer.build((None, 3))
    store = {}
    layer.save_own_variables(store)
    store.pop("0")
    other = BackdropMask(0.25, seed=1)
    other.build((None, 3))
    other.load_own_variables(store)
    assert float(other.rate) == 0.25
