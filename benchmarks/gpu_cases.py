"""What `benchmarks.gpu` times: layers and ops, and what they must move.

The least that a case can move is what it reads and writes: its inputs and its
output; with the backward pass as much again, the gradient of the output and
those of the inputs. What lies between may stay in registers. Noise is drawn
where it is used. Weights and seeds are left out: they are too small to count.
"""

import collections.abc
import dataclasses
import functools

import keras
from keras import ops as tensors

from keras_bp import layers, losses, metrics, ops
from keras_bp.ops import FixedPoint

CLASSES, TAPS, FRAMES = 64, 31, 16
_SMALL = 0.02


@dataclasses.dataclass(frozen=True)
class Case:
    """Something to time.

    Attributes:
        name: String.
        make: Function from a dtype policy to a layer.
        inputs: Function from a number of entries to a list of pairs: a shape,
            and the function of `DRAWS` that fills it.
        moves: String, what is read and written in a forward pass.
        passes: Tuple of `"forward"` and `"both"`.
        flops: Function from a number of entries to floating-point operations
            of the forward pass, where they may be the limit.
    """

    name: str
    make: collections.abc.Callable
    inputs: collections.abc.Callable
    moves: str = "input and output"
    passes: tuple = ("forward", "both")
    flops: collections.abc.Callable | None = None


DRAWS = {
    "normal": lambda shape: keras.random.normal(shape, seed=1),
    "other": lambda shape: keras.random.normal(shape, seed=7),
    "uniform": lambda shape: keras.random.uniform(shape, seed=2),
    "small": lambda shape: _SMALL * keras.random.uniform(shape, seed=3),
    "probabilities": lambda shape: tensors.softmax(
        keras.random.normal(shape, seed=4)
    ),
}


class Op(keras.layers.Layer):
    """A function of tensors as a layer, so that all cases are one thing."""

    def __init__(self, function, dtype=None):
        super().__init__(dtype=dtype, autocast=False)
        self.function = function
        self.built = True

    def call(self, inputs):
        return self.function(*keras.tree.flatten(inputs))


class Update(keras.layers.Layer):
    """One update of a metric, and its result."""

    def __init__(self, metric, dtype=None):
        super().__init__(dtype=dtype, autocast=False)
        self.metric = metric
        self.built = True

    def call(self, inputs):
        self.metric.update_state(*keras.tree.flatten(inputs))
        return self.metric.result()


def cases():
    """All cases, in the order in which they are run."""
    yield from _rounding()
    yield from _rotations()
    yield from _neurons()
    yield from _nodes()
    yield from _proximal()
    yield from _errors()
    yield from _filters()


def _alone(size):
    return [((size // 4096, 4096), "normal")]


def _signal(size, channels):
    return (FRAMES, size // (FRAMES * channels), channels)


def _layer(cls, *args, **kwargs):
    return lambda policy: cls(*args, dtype=policy, **kwargs)


def _op(function, **kwargs):
    function = functools.partial(function, **kwargs) if kwargs else function
    return lambda policy: Op(function, dtype=policy)


def _rounding():
    # Each entry comes in once and goes out once; what a quantizer puts out is
    # float32 whatever comes in.
    plain = {"inputs": _alone}
    yield Case("GuidedReLU", _layer(layers.GuidedReLU), **plain)
    # On JAX the quantizer never counts: so it does on no backend here.
    quantizer = functools.partial(
        _layer, layers.FixedPointQuantizer, count_overflow=False
    )
    yield Case("FixedPointQuantizer", quantizer(FixedPoint(8, 5)), **plain)
    scaled = FixedPoint(8, 5, scale="power_of_two")
    yield Case("FixedPointQuantizer, trained step", quantizer(scaled), **plain)
    # An identity but for its gradient.
    for cells in ("element", "sample"):
        yield Case(
            f"BackdropMask {cells}",
            _layer(layers.BackdropMask, 0.5, cells, seed=0),
            passes=("both",),
            **plain,
        )


def _rotations():
    # I and Q of two polarizations, one phase for the four of them, and what
    # is rotated.
    yield Case(
        "kerr_rotation",
        _op(ops.kerr_rotation),
        lambda size: [
            (_signal(size, 4), "normal"),
            ((*_signal(size, 4)[:2], 1), "normal"),
        ],
        moves="signal, phase and output",
    )
    table = {"phase": FixedPoint(8, 5), "rotation": FixedPoint(8, 6)}
    for name, options in (
        ("exact", {}),
        ("lut", {"method": "lut", "formats": table}),
    ):
        yield Case(
            f"KerrRotation {name}",
            _layer(layers.KerrRotation, 0.3, **options),
            lambda size: [(_signal(size, 4), "normal")],
        )


def _filters():
    # The signal in and out; the taps are few. As many channels come out as
    # go in, and each is a sum over all of them.
    formats = {
        "num_taps": TAPS,
        "tap_format": FixedPoint(6, 4),
        "signal_format": FixedPoint(10, 6),
        "padding": "same",
    }
    for name, channels, filters in (("complex", 2, 1), ("real", 8, 8)):
        yield Case(
            f"QuantizedFIR {name}, {TAPS} taps",
            _layer(
                layers.QuantizedFIR,
                filters,
                complex=name == "complex",
                **formats,
            ),
            lambda size, channels=channels: [
                (_signal(size, channels), "normal")
            ],
            flops=lambda size, channels=channels: 2 * size * TAPS * channels,
        )


def _proximal():
    # Logits and targets, or gradients, come in, and gradients go out; the
    # squared norm is one number a row. None of them has a backward pass.
    def solver(name, function, targets, norm="uniform", columns=4096, **kwargs):
        def inputs(size):
            shape = (size // columns, columns)
            one_a_row = (size // columns, 1)
            return [(shape, "normal"), (shape, targets), (one_a_row, norm)]

        return Case(
            name,
            _op(function, **kwargs),
            inputs,
            moves="logits, targets, norms and gradients",
            passes=("forward",),
        )

    yield solver("proximal_squared", ops.proximal_squared, "normal")
    yield solver("proximal_sigmoid", ops.proximal_sigmoid, "uniform")
    yield solver(
        "proximal_softmax, 1,024 classes",
        ops.proximal_softmax,
        "probabilities",
        columns=1024,
    )
    # Small steps are contractions; others need a search for the root.
    for activation, norm in (
        ("relu", "uniform"),
        ("tanh", "small"),
        ("tanh", "uniform"),
        ("gelu", "uniform"),
        ("arctan", "uniform"),
        ("elu", "uniform"),
    ):
        yield solver(
            f"proximal_unit {activation}" + ", small steps" * (norm == "small"),
            ops.proximal_unit,
            "normal",
            norm,
            activation=activation,
        )


def _neurons():
    # Logits in, bits out, whatever the estimator: it is a backward rule, so
    # that one forward pass stands for all.
    for mode in ("deterministic", "stochastic"):
        seed = {"seed": 0} if mode == "stochastic" else {}
        default = "sigmoid_adjusted"
        others = set(ops.binary_estimators(mode)) - {default}
        for estimator in (default, *sorted(others)):
            yield Case(
                f"BinaryNeuron {mode}, {estimator}",
                _layer(layers.BinaryNeuron, mode, estimator, **seed),
                _alone,
                passes=("forward", "both")[estimator != default :],
            )


def _nodes():
    # Logits in, bits or one-hot vectors out.
    for distribution, estimators in (
        ("bernoulli", ("sigmoid_adjusted", "gumbel", "st_gumbel")),
        ("one_hot", ("straight_through", "gumbel", "st_gumbel", "reinmax")),
    ):
        for estimator in estimators:
            yield Case(
                f"StochasticNode {distribution}, {estimator}",
                _layer(layers.StochasticNode, distribution, estimator, seed=0),
                lambda size: [((size // CLASSES, CLASSES), "normal")],
            )
    # Means and raw deviations in, half as many samples out.
    yield Case(
        "StochasticNode normal, reparameterized",
        _layer(layers.StochasticNode, "normal", "reparameterized", seed=0),
        _alone,
        moves="means and deviations, and samples",
    )


def _errors():
    # Two signals in and a number out. The metric and the loss need the sums
    # over time before the noise, so that they read twice what they must once.
    def pair(size):
        return [(_signal(size, 4), draw) for draw in ("normal", "other")]

    yield Case(
        "phase_aligned_error",
        _op(losses.phase_aligned_error),
        pair,
        moves="two signals",
    )
    yield Case(
        "EffectiveSNR",
        lambda policy: Update(metrics.EffectiveSNR(), policy),
        pair,
        moves="two signals",
        passes=("forward",),
    )
