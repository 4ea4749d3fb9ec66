"""Layers that a generator may have, and what becomes of each Jacobian.

The table of docs/spectral.md is made of `ROWS`; run
`python tests/support/spectral_coverage.py --update` after a change.
"""

import dataclasses
import pathlib
import re
import sys

import keras
import tensorflow as tf
from keras import layers

from keras_bp import layers as ours
from keras_bp.ops import FixedPoint

LATENTS = 6
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "spectral.md"
BEGIN = "<!-- coverage: made by tests/support/spectral_coverage.py -->"
END = "<!-- end of coverage -->"


@dataclasses.dataclass(frozen=True)
class Row:
    """What is expected of a model with some layer.

    Attributes:
        name: String, the layers as the table calls them.
        layers: Function that makes the list of layers behind the latents.
        outcome: String, `"right"`, `"substituted"` or `"refused"`.
        words: String, a part of the error, or how it is computed instead.
        training: Boolean, the mode of the model.
        policy: String, in which it is computed; float32 where TensorFlow has
            no other kernel.
        dtype: String, of latents, or None for that of the policy.
    """

    name: str
    layers: object
    outcome: str = "right"
    words: str = ""
    training: bool = False
    policy: str = "float64"
    dtype: str | None = None

    def model(self):
        keras.utils.set_random_seed(0)
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.policy)
        try:
            return self._made(self.layers(), self.dtype or self.policy)
        finally:
            keras.config.set_dtype_policy(before)

    def _made(self, made, dtype):
        if callable(made):
            x = keras.Input((LATENTS,), dtype=dtype)
            return keras.Model(x, made(x))
        return keras.Sequential([keras.Input((LATENTS,), dtype=dtype), *made])


def image(*behind, shape=(3, 2, 2)):
    """Layers on images made of the latents."""
    units = shape[0] * shape[1] * shape[2]
    return [layers.Dense(units), layers.Reshape(shape), *behind]


def sequence(*behind, shape=(3, 2)):
    """Layers on sequences made of the latents."""
    return [layers.Reshape(shape), *behind]


def volume(*behind):
    return [layers.Dense(16), layers.Reshape((2, 2, 2, 2)), *behind]


def merged(x):
    """Two branches, put together in all ways."""
    given = [layers.Dense(4)(x), layers.Dense(4, activation="tanh")(x)]
    kinds = (
        *(layers.Add, layers.Subtract, layers.Multiply, layers.Average),
        *(layers.Maximum, layers.Minimum, layers.Concatenate),
    )
    found = [kind()(given) for kind in kinds]
    return layers.Concatenate()([*found, layers.Dot(1)(given)])


def activated(x):
    """All activations, of one dense layer."""
    x = layers.Dense(3)(x)
    return layers.Concatenate()(
        [layers.Activation(name)(x) for name in ACTIVATIONS]
    )


def attention(layer):
    def called(x):
        x = layers.Reshape((3, 2))(x)
        return layer(layers.Dense(4)(x), layers.Dense(4)(x))

    return called


def listed(layer):
    def called(x):
        x = layers.Reshape((3, 2))(x)
        return layer([layers.Dense(4)(x), layers.Dense(4)(x)])

    return called


def two_branches(x):
    x = layers.Reshape((2, 3, 1))(x)
    up = layers.UpSampling2D(2, interpolation="bilinear")(x)
    wide = layers.UpSampling2D(2)(x)
    return layers.Concatenate()([up, wide])


class Calls(keras.Model):
    """A subclassed model that calls functions of TensorFlow."""

    def __init__(self, function):
        super().__init__()
        self.dense = layers.Dense(12)
        self.scale = self.add_weight(shape=(), initializer="zeros")
        self.function = function

    def call(self, x):
        x = self.dense(x)
        # Hidden behind a weight that is zero before training.
        return x + self.scale * self.function(x)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 12)


def resized(x):
    x = tf.image.resize(tf.reshape(x, (-1, 3, 4, 1)), (6, 8))
    return tf.reshape(x, (-1, 48))[:, :12]


def counted(x):
    def step(i, x):
        return i + 1, 2.0 * x

    return tf.while_loop(lambda i, x: i < 2, step, (0, x))[1]


@keras.ops.custom_gradient
def doubled(x):
    def gradient(*given, upstream=None):
        return 2 * (given[0] if upstream is None else upstream)

    return x + 0.0, gradient


ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "hard_sigmoid", "hard_silu"),
    *("hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax"),
    *("mish", "relu", "relu6", "selu", "sigmoid", "silu", "softmax"),
    *("softplus", "squareplus", "tanh"),
)
NO_RANDOM = "draws no random numbers"
OWN_GRADIENT = "forward mode"
RESIZE = "without tf.image.resize"
UNROLLED = "unrolled"
PADDED = "padded"
CENTERED = "centered"
PRODUCT = "as a product with two matrices"

ROWS = (
    Row("Dense, EinsumDense", lambda: [
        layers.Dense(5), layers.EinsumDense("ab,bc->ac", output_shape=4)]),
    Row("Activations " + ", ".join(ACTIVATIONS), lambda: activated),
    Row("Activation 'softsign'", lambda: [layers.Dense(7, "softsign")],
        "refused", "SoftsignGrad"),
    Row("ReLU, LeakyReLU, ELU, PReLU, Softmax", lambda: [
        layers.ReLU(negative_slope=0.1), layers.Dense(5), layers.LeakyReLU(),
        layers.Dense(5), layers.ELU(), layers.PReLU("uniform"),
        layers.Softmax()]),
    Row("Conv1D, Conv1DTranspose", lambda: sequence(
        layers.Conv1D(2, 2), layers.Conv1DTranspose(2, 3, 2))),
    Row("Conv2D, Conv2DTranspose", lambda: image(
        layers.Conv2D(2, 2), layers.Conv2DTranspose(2, 3, 2, "same"))),
    Row("Conv3D", lambda: volume(layers.Conv3D(2, 2))),
    Row("Conv3DTranspose", lambda: volume(layers.Conv3DTranspose(1, 2))),
    Row("DepthwiseConv1D, SeparableConv1D", lambda: sequence(
        layers.DepthwiseConv1D(2), layers.SeparableConv1D(2, 2))),
    Row("DepthwiseConv2D, SeparableConv2D", lambda: image(
        layers.DepthwiseConv2D(2), layers.SeparableConv2D(2, 1))),
    Row("UpSampling1D, UpSampling2D 'nearest', UpSampling3D", lambda: image(
        layers.UpSampling2D(2), layers.Reshape((12, 4)),
        layers.UpSampling1D(2), layers.Reshape((2, 2, 2, 12)),
        layers.UpSampling3D(1))),
    *(
        Row(f"UpSampling2D {kind!r}", lambda kind=kind: image(
            layers.UpSampling2D(2, interpolation=kind)),
            "substituted", PRODUCT, policy="float32")
        for kind in ("bilinear", "bicubic", "lanczos3", "lanczos5")
    ),
    *(
        Row(f"Resizing {kind!r}", lambda kind=kind: image(
            layers.Resizing(4, 3, interpolation=kind)),
            "substituted", PRODUCT, policy="float32")
        for kind in ("nearest", "bilinear", "bicubic")
    ),
    Row("Resizing with cropping to the aspect ratio", lambda: image(
        layers.Resizing(5, 3, crop_to_aspect_ratio=True)), "refused", RESIZE),
    Row("Two branches, one of them interpolated", lambda: two_branches,
        "substituted", PRODUCT, policy="float32"),
    Row("BatchNormalization", lambda: [
        layers.Dense(4), layers.BatchNormalization()]),
    Row("BatchNormalization, training", lambda: [
        layers.Dense(4), layers.BatchNormalization()],
        "refused", "examples are coupled", training=True),
    Row("RMSNormalization, UnitNormalization", lambda: [
        layers.Dense(5), layers.RMSNormalization(), layers.Dense(5),
        layers.UnitNormalization()]),
    Row("LayerNormalization", lambda: [
        layers.Dense(5), layers.LayerNormalization(), layers.Reshape((5, 1)),
        layers.LayerNormalization((1, 2))], "substituted", CENTERED),
    Row("GroupNormalization", lambda: image(
        layers.GroupNormalization(2), layers.GroupNormalization(-1),
        shape=(2, 2, 4)), "substituted", CENTERED),
    Row("SpectralNormalization, Normalization, Rescaling", lambda: [
        layers.SpectralNormalization(layers.Dense(4)),
        layers.Normalization(mean=0.5, variance=2.0),
        layers.Rescaling(2.0, 1.0)]),
    Row("MultiHeadAttention", lambda: attention(
        layers.MultiHeadAttention(2, 2))),
    Row("GroupedQueryAttention", lambda: attention(
        layers.GroupQueryAttention(2, 2, 1))),
    Row("Attention, AdditiveAttention", lambda: lambda x: layers.Add()([
        listed(layers.Attention())(x), listed(layers.AdditiveAttention())(x)])),
    Row("MaxPooling, AveragePooling", lambda: image(
        layers.Conv2D(2, 1), layers.MaxPooling2D(2, 1),
        layers.AveragePooling2D((2, 1)), layers.Reshape((2, 1)),
        layers.AveragePooling1D(1))),
    Row("MaxPooling that keeps the shape", lambda: image(
        layers.MaxPooling2D(2, 1, "same"), layers.Reshape((3, 4)),
        layers.MaxPooling1D(3, 1, "same"), layers.MaxPooling1D(1)),
        "substituted", PADDED),
    Row("MaxPooling3D that keeps the shape", lambda: volume(
        layers.MaxPooling3D(2, 1, "same")), "refused", "keeps the shape",
        policy="float32"),
    Row("MaxPooling3D, AveragePooling3D", lambda: volume(
        layers.MaxPooling3D((2, 1, 1)), layers.AveragePooling3D((1, 2, 1))),
        policy="float32"),
    Row("AdaptiveMaxPooling, AdaptiveAveragePooling", lambda: lambda x: (
        layers.Concatenate()([
            layers.AdaptiveMaxPooling1D(2)(layers.Reshape((3, 2))(x)),
            layers.AdaptiveAveragePooling1D(2)(layers.Reshape((3, 2))(x))]))),
    Row("GlobalMaxPooling, GlobalAveragePooling", lambda: lambda x: (
        layers.Concatenate()([
            layers.GlobalMaxPooling1D()(layers.Reshape((3, 2))(x)),
            layers.GlobalAveragePooling1D()(layers.Reshape((3, 2))(x))]))),
    Row("Embedding", lambda: [layers.Embedding(5, 3)],
        "refused", "real input", dtype="int32"),
    *(
        Row(f"{kind.__name__}", lambda kind=kind: sequence(
            kind(2, return_sequences=True), shape=(2, 3)),
            "substituted", UNROLLED)
        for kind in (layers.GRU, layers.LSTM, layers.SimpleRNN)
    ),
    Row("Bidirectional, StackedRNNCells", lambda: sequence(
        layers.Bidirectional(layers.SimpleRNN(2, return_sequences=True)),
        layers.RNN([layers.SimpleRNNCell(2), layers.SimpleRNNCell(2)]),
        shape=(2, 3)),
        "substituted", UNROLLED),
    Row("ConvLSTM1D, ConvLSTM2D, ConvLSTM3D", lambda: sequence(
        layers.ConvLSTM1D(2, 1), shape=(2, 3, 1)), "substituted", UNROLLED),
    Row("TimeDistributed", lambda: sequence(
        layers.TimeDistributed(layers.Dense(3)))),
    Row("Dropout and noise", lambda: [
        layers.Dense(5), layers.Dropout(0.5), layers.GaussianNoise(0.5),
        layers.GaussianDropout(0.5), layers.AlphaDropout(0.5),
        layers.Reshape((5, 1)), layers.SpatialDropout1D(0.5)]),
    *(
        Row(f"{type(layer()).__name__}, training", lambda layer=layer: sequence(
            layer()), "refused", NO_RANDOM, training=True)
        for layer in (
            lambda: layers.Dropout(0.01),
            lambda: layers.SpatialDropout1D(0.01),
            lambda: layers.GaussianNoise(0.1),
            lambda: layers.GaussianDropout(0.1),
            lambda: layers.AlphaDropout(0.1),
        )
    ),
    Row("Flatten, Reshape, Permute, RepeatVector, Identity, "
        "ActivityRegularization", lambda: image(
        layers.Permute((2, 1, 3)), layers.Flatten(), layers.RepeatVector(2),
        layers.Identity(), layers.ActivityRegularization(0.1))),
    Row("Cropping and ZeroPadding", lambda: image(
        layers.ZeroPadding2D(1), layers.Cropping2D(((1, 0), (1, 1))),
        layers.Reshape((4, 4)), layers.ZeroPadding1D(1), layers.Cropping1D(1),
        layers.Reshape((2, 2, 2, 2)), layers.ZeroPadding3D(1),
        layers.Cropping3D(1))),
    Row("Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot",
        lambda: merged),
    Row("Masking, Lambda, keras.ops", lambda: lambda x: keras.ops.sin(
        layers.Lambda(lambda x: x**3)(
            layers.Masking()(layers.Reshape((3, 2))(x))))),
    Row("Nested and shared models", lambda: [
        keras.Sequential([layers.Dense(LATENTS, activation="tanh"),
        layers.Dense(LATENTS)]), shared := layers.Dense(LATENTS), shared]),
    Row("A model with tf.image.resize in it", lambda: [Calls(resized)],
        "refused", RESIZE),
    Row("A model with tf.while_loop in it", lambda: [Calls(counted)],
        "refused", "without loops"),
    Row("A function with a gradient of its own", lambda: [
        layers.Dense(4), layers.Lambda(doubled)], "refused", OWN_GRADIENT),
    Row("The same behind a weight of zero", lambda: [Calls(doubled)],
        "refused", OWN_GRADIENT),
    Row("A model that takes the mean over the batch", lambda: [
        layers.Lambda(lambda x: x - keras.ops.mean(x, 0, keepdims=True))],
        "refused", "examples are coupled"),
    Row("BinaryNeuron", lambda: [layers.Dense(4), ours.BinaryNeuron()],
        "refused", "BinaryNeuron"),
    Row("BinaryNeuron, inference 'probability'", lambda: [
        layers.Dense(4), ours.BinaryNeuron(inference="probability")]),
    Row("StochasticNode", lambda: [
        layers.Dense(4), ours.StochasticNode("normal")], "refused", NO_RANDOM),
    Row("GuidedReLU", lambda: [layers.Dense(9), ours.GuidedReLU()],
        "refused", "GuidedReLU"),
    Row("BackdropMask", lambda: [layers.Dense(4), ours.BackdropMask(0.5)]),
    Row("BackdropMask, training", lambda: [
        layers.Dense(4), ours.BackdropMask(0.5)], "refused", NO_RANDOM,
        training=True),
    Row("FixedPointQuantizer", lambda: [
        layers.Dense(9), ours.FixedPointQuantizer(FixedPoint(2, 2))],
        "refused", "FixedPointQuantizer"),
    Row("A model with stop_gradient in it", lambda: [
        layers.Lambda(lambda x: x + keras.ops.stop_gradient(x**2))],
        "refused", "holds nothing constant"),
    Row("A model with keras.ops.moments in it", lambda: [
        layers.Lambda(lambda x: x * keras.ops.moments(x, 1, True)[1])],
        "refused", "holds nothing constant"),
    Row("A model with keras.ops.logsumexp and var in it", lambda: [
        layers.Lambda(lambda x: x * keras.ops.logsumexp(x, 1, True)
        + keras.ops.var(x, 1, keepdims=True))]),
)  # fmt: skip

# Classes of `keras.layers` without a row: of data, masks or other packages.
NOT_OF_GENERATORS = re.compile(
    "Random|AugMix|AutoContrast|RandAugment|CenterCrop|CutMix|MixUp|Equali|"
    "Solarization|Hash|Lookup|Vectorization|Encoding|Discretization|Spectro|"
    "Flax|Jax|Torch|TFSM|BoundingBoxes|Pipeline|^Layer$|InputLayer|InputSpec|"
    "^Wrapper$|ReversibleEmbedding"
)


def table():
    """The rows, as the Markdown of the page."""
    how = {
        UNROLLED: "right; it runs unrolled",
        PRODUCT: f"right; it interpolates {PRODUCT}",
        CENTERED: "right; it is given what is centered, since TensorFlow has "
        "the second derivative of its variance wrong",
        PADDED: "right; it is given what is padded, since TensorFlow "
        "overwrites the direction in a graph",
    }
    lines = ["| Layers | The Jacobian |", "| --- | --- |"]
    for outcome in ("right", "substituted", "refused"):
        for row in ROWS:
            told = how.get(row.words, row.words or outcome)
            if outcome == "refused":
                told = "refused, by name"
            if row.outcome == outcome:
                lines.append(f"| {row.name} | {told} |")
    return "\n".join(lines) + "\n"


def in_page(text):
    """The table of a page, between its marks."""
    return text.split(BEGIN)[1].split(END)[0].strip() + "\n"


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    text = PAGE.read_text(encoding="utf-8")
    above, below = text.split(BEGIN)[0], text.split(END)[1]
    text = f"{above}{BEGIN}\n\n{table()}\n{END}{below}"
    PAGE.write_text(text, encoding="utf-8")
    print(f"Wrote {PAGE.name}.")
