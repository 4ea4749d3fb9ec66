import itertools

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_bp.layers import BackdropMask, BinaryNeuron, GuidedReLU
from keras_bp.surgery import receptive_field, swap_activations

RNG = np.random.default_rng(0)


def stack(shape, *parts):
    return keras.Sequential([keras.Input(shape), *parts])


def functional(shape, function):
    x = keras.Input(shape)
    return keras.Model(x, function(x))


def conv(kernel, strides=1, padding="valid", **kwargs):
    return layers.Conv2D(
        2, kernel, strides, padding, data_format="channels_last", **kwargs
    )


def branches(x):
    one = conv(5, 2, "same")(x)
    other = layers.AveragePooling2D(2)(conv(1)(x))
    return layers.Concatenate()([one, other])


def residual(x):
    y = conv((3, 2), padding="same", activation="relu")(x)
    y = layers.Activation("relu")(layers.Add()([y, conv(1)(x)]))
    return ops.relu(y * 2.0) + conv(2, padding="same")(y)


def nested(x):
    inner = stack((12, 11, 1), conv(3, 2, name="in"), conv(2, name="out"))
    inner.name = "block"
    return layers.MaxPooling2D(2, 1)(inner(x))


FORMS = {
    "valid": lambda: stack((12, 11, 1), conv(3, 2), conv((2, 3))),
    "same": lambda: stack((11, 1), layers.Conv1D(2, 5, padding="same")),
    "same_even": lambda: stack((11, 1), layers.Conv1D(2, 4, padding="same")),
    # What is padded before the first position depends on the size.
    "same_strides_odd": lambda: stack(
        (31, 1), *[layers.Conv1D(2, 4, 3, padding="same") for _ in range(2)]
    ),
    "same_strides_even": lambda: stack(
        (24, 1), *[layers.Conv1D(2, 5, 2, padding="same") for _ in range(2)]
    ),
    "same_kernel_below_stride": lambda: stack(
        (12, 1), layers.Conv1D(2, 2, 3, padding="same")
    ),
    "causal": lambda: stack(
        (14, 1),
        layers.Conv1D(2, 3, padding="causal", dilation_rate=2),
        layers.Conv1D(2, 2, padding="causal"),
    ),
    "dilated": lambda: stack(
        (12, 11, 1), conv(2, dilation_rate=(3, 2), padding="same"), conv(2)
    ),
    "three_axes": lambda: stack(
        (6, 5, 7, 1), layers.Conv3D(2, (2, 3, 2), (1, 1, 2)), layers.ReLU()
    ),
    "pooling": lambda: stack(
        (13, 12, 1),
        layers.AveragePooling2D(3, 2, padding="same"),
        layers.MaxPooling2D((2, 3)),
    ),
    "depthwise": lambda: stack(
        (9, 8, 2),
        layers.DepthwiseConv2D(3, 2, padding="same"),
        layers.SeparableConv2D(2, 2),
    ),
    "separable": lambda: stack(
        (12, 2),
        layers.SeparableConv1D(2, 3, 2),
        layers.DepthwiseConv1D(2),
    ),
    "padding": lambda: stack(
        (8, 9, 1),
        layers.ZeroPadding2D(((2, 1), (0, 3))),
        conv(2, 2),
        layers.Cropping2D(((1, 0), (0, 1))),
    ),
    "padding_1d": lambda: stack(
        (8, 1), layers.ZeroPadding1D((3, 1)), layers.Cropping1D((1, 1))
    ),
    "entries": lambda: stack(
        (9, 8, 2),
        conv(2, 2),
        layers.BatchNormalization(),
        layers.LayerNormalization(),
        layers.Dense(3),
        layers.Dropout(0.5),
        BackdropMask(0.5, "spatial"),
        GuidedReLU(),
        layers.Softmax(),
    ),
    "branches": lambda: functional((12, 10, 1), branches),
    "residual": lambda: functional((9, 8, 1), residual),
    "nested": lambda: functional((12, 11, 1), nested),
    "swapped": lambda: swap_activations(
        stack((9, 8, 1), conv(3, 2, activation="relu"))
    ),
}


def seen(model):
    """Which positions change which cells: (positions, cells), by trying."""
    shape = model.inputs[0].shape[1:]
    for weight in model.trainable_weights:
        weight.assign(RNG.uniform(0.5, 1.5, weight.shape))
    x = RNG.uniform(0.5, 1.5, (1, *shape))
    x = np.repeat(x, 1 + np.prod(shape[:-1]), axis=0)
    for row, position in enumerate(np.ndindex(*shape[:-1])):
        # Not all channels alike, which a normalization would take away.
        x[1 + row][position] += 100.0 * np.arange(1, shape[-1] + 1)
    y = np.asarray(model.predict_on_batch(x))
    changed = np.any(abs(y[1:] - y[:1]) > 1e-6, axis=-1)
    return changed.reshape(*shape[:-1], *changed.shape[1:])


@pytest.mark.parametrize("form", FORMS)
def test_patches_are_those_that_change_a_cell(form):
    model = FORMS[form]()
    operations = getattr(model, "operations", model.layers)
    field = receptive_field(model, operations[-1].name)

    changed = seen(model)
    rank = changed.ndim // 2
    sizes = changed.shape[:rank]
    whole = 0
    for cell in np.ndindex(*changed.shape[rank:]):
        found = np.argwhere(changed[(..., *cell)])
        patch = field.patch(cell)
        inside = [
            (max(0, start), min(size, end))
            for (start, end), size in zip(patch, sizes, strict=True)
        ]
        whole += inside == list(patch)
        if inside != list(patch) and form == "dilated":
            # At the edge may lie a gap.
            continue
        if any(start >= end for start, end in inside):
            assert not len(found)
            continue
        assert [*zip(found.min(0), found.max(0) + 1, strict=True)] == inside
    # The size is not only that of the input.
    assert whole
    assert len(field.size) == len(field.stride) == len(field.offset) == rank


def test_a_layer_in_a_model_that_is_a_layer_is_found_by_its_path():
    model = FORMS["nested"]()
    assert receptive_field(model, "block/in").size == (3, 3)
    field = receptive_field(model, "block/out")
    assert (field.size, field.stride) == ((5, 5), (2, 2))
    assert receptive_field(model, "block") == field


def test_overlap_is_the_part_that_neighbors_share():
    model = stack((16, 16, 1), conv((4, 2), 2, name="a"), conv(2, 2, name="b"))
    assert receptive_field(model, "a").overlap == (0.5, 0.0)
    # Of 6 by 4 positions each 4 apart.
    assert receptive_field(model, "b").overlap == (2 / 6, 0.0)
    apart = stack((16, 1), layers.Conv1D(1, 2, 5, name="c"))
    assert receptive_field(apart, "c").overlap == (0.0,)


def test_a_block_sees_what_its_cells_see():
    model = stack((16, 16, 1), conv((3, 2), 2, "same", name="a"))
    field = receptive_field(model, "a")
    block = field.block((3, 2))
    assert (block.stride, block.offset) == ((6, 4), field.offset)
    cells = itertools.product((3, 4, 5), (2, 3))
    patches = np.array([field.patch(cell) for cell in cells])
    expected = np.stack([patches[..., 0].min(0), patches[..., 1].max(0)], 1)
    np.testing.assert_array_equal(block.patch((1, 1)), expected)
    assert field.block(1) == field
    assert field.block(2) == field.block((2, 2))


def test_axes_follow_the_data_format():
    model = stack(
        (1, 12, 9),
        layers.Conv2D(2, (3, 2), (2, 1), "same", data_format="channels_first"),
        layers.BatchNormalization(axis=1),
        layers.MaxPooling2D((2, 3), data_format="channels_first", name="a"),
    )
    field = receptive_field(model, "a")
    assert (field.size, field.stride) == ((5, 4), (4, 3))
    assert field.offset == (0, 0)


def test_tokens_have_positions():
    model = stack(
        (12,), layers.Embedding(5, 3), layers.Conv1D(2, 4, 2, name="a")
    )
    field = receptive_field(model, "a")
    assert (field.size, field.stride, field.offset) == ((4,), (2,), (0,))


def test_other_inputs_do_not_matter_where_they_are_not_read():
    a, b = keras.Input((9, 1)), keras.Input((4,))
    y = layers.Conv1D(2, 3, name="a")(a)
    top = layers.Dense(2)(layers.Concatenate()([layers.Flatten()(y), b]))
    model = keras.Model([a, b], top)
    assert receptive_field(model, "a").size == (3,)


def size_unknown():
    return stack((None, 1), layers.Conv1D(2, 3, 2, "same", name="a"))


def test_an_unknown_size_matters_only_where_padding_depends_on_it():
    with pytest.raises(ValueError, match="'a' .*give the model one"):
        receptive_field(size_unknown(), "a")
    model = stack((None, 1), layers.Conv1D(2, 3, padding="same", name="a"))
    assert receptive_field(model, "a").offset == (-1,)


def two_inputs():
    a, b = keras.Input((9, 1)), keras.Input((9, 1))
    return keras.Model([a, b], layers.Add(name="a")([a, b]))


def strides_differ(x):
    one, other = conv(2, 2)(x), layers.Cropping2D(2)(conv(1)(x))
    return layers.Add(name="a")([one, other])


def broadcast(x):
    return layers.Multiply(name="a")([x, layers.Conv1D(1, 8)(x)])


def shared(x):
    layer = layers.Conv1D(1, 3, name="a")
    return layer(layer(x))


class Own(layers.Conv1D):
    def call(self, x):
        return super().call(x) + ops.mean(x)


REFUSED = {
    "global": (
        lambda: stack((8, 8, 1), layers.GlobalMaxPooling2D(name="a")),
        "'a' of type keras.*no positions",
    ),
    "flatten": (
        lambda: stack(
            (8, 1), layers.Flatten(), layers.Reshape((8, 1), name="a")
        ),
        "flatten.*no positions",
    ),
    "recurrent": (
        lambda: stack((8, 1), layers.LSTM(2, return_sequences=True, name="a")),
        "'a' of type keras.*recurrent layers",
    ),
    "upsampling": (
        lambda: stack((8, 8, 1), layers.UpSampling2D(name="a")),
        "'a' of type keras.*not evenly spaced",
    ),
    "group_norm": (
        lambda: stack((8, 2), layers.GroupNormalization(2, name="a")),
        "'a' of type keras",
    ),
    "norm_over_positions": (
        lambda: stack((8, 2), layers.LayerNormalization(axis=1, name="a")),
        "'a' of type keras",
    ),
    "joined_along_positions": (
        lambda: functional(
            (None, 2), lambda x: layers.Concatenate(axis=1, name="a")([x, x])
        ),
        "'a' of type keras",
    ),
    "broadcast": (
        lambda: functional((8, 1), broadcast),
        "'a' of type keras",
    ),
    "two_inputs": (two_inputs, "'a' .*joins two inputs"),
    "strides": (
        lambda: functional((8, 8, 1), strides_differ),
        "'a' .*other strides",
    ),
    "call_of_its_own": (
        lambda: stack((8, 1), Own(1, 3, name="a")),
        "'a' of type .*Own",
    ),
    "data_formats": (
        lambda: stack(
            (8, 8, 8),
            conv(2),
            layers.Conv2D(1, 2, data_format="channels_first", name="a"),
        ),
        "'a' .*another than that before it",
    ),
    "shared": (
        lambda: functional((9, 1), shared),
        "'a' is applied 2 times",
    ),
    "unknown_name": (
        lambda: stack((9, 1), layers.ReLU(name="b")),
        r"Received: 'a'. The model has: \['b'\]",
    ),
    "not_built": (
        lambda: keras.Sequential([layers.ReLU(name="a")]),
        "receptive_field expects a built model",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_even_patches_is_refused(case):
    build, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        receptive_field(build(), "a")


class Subclassed(keras.Model):
    def call(self, x):
        return x


@pytest.mark.parametrize("model", [3, Subclassed(), BinaryNeuron()])
def test_what_has_no_graph_is_refused(model):
    with pytest.raises(TypeError, match="receptive_field expects"):
        receptive_field(model, "a")
