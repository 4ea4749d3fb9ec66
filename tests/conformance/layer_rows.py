"""The public layers, each with arguments and an input to try it on.

In `keras.ops` alone, for every backend: `test_layers.py` goes through them on
TensorFlow, and `test_backends.py` on each.
"""

import dataclasses

import keras
import numpy as np
from row_costs import sum_of_squares

from keras_bp import layers
from keras_bp.ops import FixedPoint


@dataclasses.dataclass(frozen=True)
class Row:
    """A layer with arguments, and the shape of an input to try it on."""

    name: str
    cls: type
    arguments: dict
    shape: tuple
    # Layers of fixed-point numbers compute in float32 under mixed precision.
    half_output: bool = True
    # A stochastic node whose estimator needs the costs below it is trained
    # by a SurrogateModel alone; what it returns may be integers.
    trains: bool = True
    integers: bool = False


def row(cls, shape, half_output=True, trains=True, integers=False, **arguments):
    told = [
        getattr(value, "__name__", str(value))
        for key, value in arguments.items()
        if key not in ("seed", "slope") and not isinstance(value, FixedPoint)
    ]
    name = "-".join([cls.__name__, *told])
    return Row(name, cls, arguments, shape, half_output, trains, integers)


ROWS = [
    row(layers.BinaryNeuron, (4, 6), slope=1.5),
    row(layers.BinaryNeuron, (4, 6), mode="stochastic", seed=1),
    row(
        layers.BinaryNeuron,
        (4, 3, 2),
        mode="stochastic",
        estimator="reinmax",
        inference="threshold",
        seed=1,
    ),
    row(layers.BinaryNeuron, (4, 6), inference="probability"),
    row(layers.BackdropMask, (4, 6), rate=0.5, seed=1),
    row(layers.BackdropMask, (4, 5, 5, 2), rate=0.5, granularity="spatial"),
    row(layers.BackdropMask, (4, 5, 2), rate=0.5, mask_axes=(1,), scale="none"),
    row(
        layers.BackdropMask,
        (4, 5, 5, 2),
        rate=0.5,
        granularity="spatial",
        block_size=(2, 3),
        share_key="key",
    ),
    row(
        layers.BackdropMask,
        (4, 5, 5, 2),
        rate=0.5,
        granularity="spatial",
        location=(1, -1),
    ),
    row(layers.GuidedReLU, (4, 6)),
    row(layers.GuidedReLU, (4, 3, 3, 2), rule="deconvnet", max_value=6.0),
    row(
        layers.FixedPointQuantizer,
        (4, 6),
        half_output=False,
        fixed_point=FixedPoint(6, 4),
    ),
    row(
        layers.FixedPointQuantizer,
        (4, 6),
        half_output=False,
        fixed_point=FixedPoint(6, 4, scale="real"),
        saturation_gradient="inward",
        count_overflow=False,
    ),
    row(layers.QuantizedFIR, (4, 16, 2), False, filters=1, num_taps=5),
    row(
        layers.QuantizedFIR,
        (4, 16, 2),
        False,
        filters=2,
        num_taps=5,
        complex=False,
        padding="circular",
        strides=2,
    ),
    row(
        layers.QuantizedFIR,
        (4, 16, 4),
        False,
        filters=3,
        num_taps=3,
        tap_format=FixedPoint(6, 4, scale="power_of_two"),
        output_format=FixedPoint(8, 4),
        symmetric=True,
        padding="causal",
        tap_initializer="glorot_uniform",
    ),
    row(
        layers.QuantizedFIR,
        (4, 16, 4),
        False,
        filters=None,
        num_taps=3,
        tap_format=FixedPoint(6, 4, max_digits=2),
        tap_gradient="straight_through",
    ),
    row(layers.KerrRotation, (4, 16, 4), False, coefficient=0.1),
    row(
        layers.KerrRotation,
        (4, 16, 2),
        False,
        coefficient=0.1,
        method="lut",
        power_taps=3,
        lut_bits=5,
        formats={
            "power": FixedPoint(8, 3, signed=False),
            "phase": FixedPoint(8, 5),
            "rotation": FixedPoint(8, 6),
        },
    ),
    row(
        layers.FixedPointQuantizer,
        (4, 6),
        half_output=False,
        fixed_point=FixedPoint(6, 4),
        gradient="noise",
        seed=1,
    ),
    row(layers.StochasticNode, (4, 6), estimator="reinmax", seed=1),
    row(
        layers.StochasticNode,
        (4, 3, 2),
        distribution="one_hot",
        estimator="st_gumbel",
        temperature=0.5,
        inference="mode",
        seed=1,
    ),
    row(
        layers.StochasticNode,
        (4, 5, 6),
        distribution="mvn_diag",
        event_ndims=2,
        inference="mean",
        seed=1,
    ),
    row(
        layers.StochasticNode,
        (4, 6),
        trains=False,
        estimator="score",
        baseline="learned",
        seed=1,
    ),
    row(
        layers.StochasticNode,
        (4, 6),
        trains=False,
        estimator="relax",
        critic_units=4,
        inference="mean",
        seed=1,
    ),
    row(
        layers.StochasticNode,
        (4, 5, 3),
        trains=False,
        integers=True,
        distribution="categorical",
        samples=3,
        seed=1,
    ),
    row(layers.CostNode, (4, 6), False, cost=sum_of_squares, weight=0.5),
]


def make(row, **kwargs):
    return row.cls(**row.arguments, **kwargs)


def inputs_of(row):
    """The same normal numbers on every backend."""
    return np.random.default_rng(1).normal(size=row.shape).astype("float32")


def model_of(row):
    """A model that holds the layer between layers with weights."""
    inputs = keras.Input(row.shape[1:])
    h = keras.layers.Dense(row.shape[-1])(inputs)
    h = make(row, name="tested")(h)
    if row.integers:
        h = keras.ops.cast(h, "float32")
    outputs = keras.layers.Dense(1)(keras.layers.Flatten()(h))
    return keras.Model(inputs, outputs)
