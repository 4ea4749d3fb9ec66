"""What `benchmarks.layers` measures: layers, their rivals, and networks."""

import collections.abc
import dataclasses
import functools
import inspect

import keras
import tensorflow as tf
from keras import layers as keras_layers

from benchmarks import layers_networks as networks
from keras_bp import layers
from keras_bp.ops import FixedPoint

_DRAWN = "sigmoid and the same uniform draw"
_ROUNDING = (
    "Rounding input and output, and counting what overflows, are passes over "
    "memory beside the convolution."
)


@dataclasses.dataclass(frozen=True)
class Case:
    """A layer, the plain layer it replaces, and where both are timed.

    Attributes:
        make: Function of a layer factory and `jit_compile` that returns a
            function to time.
        aim: What the ratio should keep to, or None.
        aim_needs_xla: Whether the aim holds under XLA only.
        why: What explains a ratio that stands out, in a sentence.
        floor: Factory of a layer that does nothing, timed beside the two.
    """

    name: str
    where: str
    ours: collections.abc.Callable
    plain: collections.abc.Callable
    against: str
    make: collections.abc.Callable
    aim: str | None = "<= 1.10"
    aim_needs_xla: bool = False
    why: str = ""
    floor: collections.abc.Callable | None = None


class SigmoidAndDraw(keras_layers.Layer):
    """A sigmoid, and the noise that a stochastic neuron needs, unused."""

    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, x):
        bits = tf.random.stateless_uniform(
            tf.shape(x),
            self.seed_generator.next(),
            minval=None,
            maxval=None,
            dtype="uint32",
            alg="philox",
        )
        high = tf.bitwise.right_shift(bits, tf.constant(8, "uint32"))
        u = tf.cast(high, x.dtype)
        # The smallest use of the noise that keeps it from being dropped.
        return tf.sigmoid(x) + 1e-30 * u

    def compute_output_shape(self, input_shape):
        return input_shape


def alone(shape):
    """Times forward and backward pass of a layer on data of `shape`."""

    def make(factory, jit_compile):
        layer = factory()
        layer.build(shape)
        x = tf.random.stateless_normal(shape, [1, 2])
        parameters = inspect.signature(layer.call).parameters
        training = {"training": True} if "training" in parameters else {}
        upstream = tf.random.stateless_normal(
            layer.compute_output_shape(shape), [3, 4]
        )

        @tf.function(jit_compile=jit_compile)
        def step(x, upstream):
            watched = [x, *(w.value for w in layer.trainable_weights)]
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, **training)
            return y, tape.gradient(y, watched, output_gradients=upstream)

        return lambda: step(x, upstream)[0][:1].numpy()

    return make


def cases():
    """All cases, in the order of the table."""
    # At 64x784 the calls take most of the time, whatever the layer.
    for where, shape, aim in (
        ("alone, 256x4096", (256, 4096), "<= 1.10"),
        ("alone, 64x784", (64, 784), None),
    ):
        yield from _alone(where, shape, aim)
    yield from _filters()
    yield from _networks()


def _alone(where, shape, aim):
    timed = {
        "where": where,
        "make": alone(shape),
        "aim": aim,
        "floor": keras_layers.Identity,
    }
    yield Case(
        name="BinaryNeuron deterministic",
        ours=layers.BinaryNeuron,
        plain=lambda: keras_layers.Activation("sigmoid"),
        against="sigmoid",
        aim_needs_xla=True,
        why="Without XLA, the step with its guard for NaN and the recomputed "
        "sigmoid are passes over memory of their own; the sigmoid has one "
        "fused kernel each way. Under XLA on a "
        "CPU both layers are two kernels; where XLA runs those of the neuron "
        "in the other order, as it does when 0 and 1 are arguments instead "
        "of constants, they take 1.05 times the sigmoid.",
        **timed,
    )
    yield Case(
        name="BinaryNeuron stochastic",
        ours=lambda: layers.BinaryNeuron("stochastic", seed=0),
        plain=SigmoidAndDraw,
        against=_DRAWN,
        aim_needs_xla=True,
        why="Without XLA, the comparison and its guard for NaN are passes "
        "over memory of their own.",
        **timed,
    )
    yield Case(
        name="GuidedReLU",
        ours=layers.GuidedReLU,
        plain=keras_layers.ReLU,
        against="ReLU",
        aim_needs_xla=True,
        why="Without XLA, the gate and the clipping of the gradient are "
        "three passes over memory, against one fused kernel.",
        **timed,
    )
    yield Case(
        name="BackdropMask element",
        ours=lambda: layers.BackdropMask(0.5, "element", seed=0),
        plain=lambda: keras_layers.Dropout(0.5, seed=0),
        against="Dropout",
        why="Under XLA on a CPU, Dropout spends its time in the default "
        "random generator of Keras; the mask names Philox.",
        **timed,
    )


def _filters():
    taps, signal = FixedPoint(6, 4), FixedPoint(10, 6)
    fir = {"num_taps": 31, "tap_format": taps, "signal_format": signal}
    yield Case(
        "QuantizedFIR complex",
        "alone, 32x2048, 31 taps",
        lambda: layers.QuantizedFIR(1, **fir),
        lambda: keras_layers.Conv1D(2, 31, use_bias=False),
        "Conv1D",
        alone((32, 2048, 2)),
        aim="<= 1.50",
        why=_ROUNDING,
    )
    yield Case(
        "QuantizedFIR real",
        "alone, 32x2048, 31 taps, 8 to 8",
        lambda: layers.QuantizedFIR(8, complex=False, **fir),
        lambda: keras_layers.Conv1D(8, 31, use_bias=False),
        "Conv1D",
        alone((32, 2048, 8)),
        aim="<= 1.50",
        why=_ROUNDING,
    )
    yield Case(
        "QuantizedFIR complex",
        "equalizer train step",
        lambda: layers.QuantizedFIR(1, **fir),
        lambda: keras_layers.Conv1D(2, 31, use_bias=False),
        "Conv1D",
        networks.equalizer_step,
        aim="<= 1.50",
        why=_ROUNDING,
    )


def _networks():
    for name, step in (
        ("MLP BinaryGAN train step", networks.mlp_gan_step),
        ("CNN BinaryGAN train step", networks.cnn_gan_step),
    ):
        yield Case(
            "BinaryNeuron deterministic",
            name,
            layers.BinaryNeuron,
            lambda: keras_layers.Activation("sigmoid"),
            "sigmoid",
            functools.partial(step, "output"),
        )
        yield Case(
            "BinaryNeuron stochastic",
            name,
            lambda: layers.BinaryNeuron("stochastic", seed=0),
            lambda: keras_layers.Activation("sigmoid"),
            "sigmoid, without noise",
            functools.partial(step, "output"),
        )
        yield Case(
            "GuidedReLU",
            name,
            layers.GuidedReLU,
            keras_layers.ReLU,
            "ReLU",
            functools.partial(step, "rectifier"),
        )
        yield Case(
            "BackdropMask element",
            name,
            lambda: layers.BackdropMask(0.5, "element", seed=0),
            lambda: keras_layers.Dropout(0.5, seed=0),
            "Dropout",
            functools.partial(step, "mask"),
        )
