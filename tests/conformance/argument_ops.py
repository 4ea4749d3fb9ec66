"""The cases of ops and layers."""

import numpy as np
from argument_cases import add
from backend_cases import (
    NOISE,
    NORMS,
    PROBABILITIES,
    SIGNAL,
    X,
    normal,
    uniform,
)
from row_costs import sum_of_squares

from keras_bp.ops import FixedPoint

FORM = FixedPoint(6, 4)
TARGETS = PROBABILITIES[:4]


def add_ops():
    here = "keras_bp.ops."
    add(
        here + "backdrop_mask",
        lambda: dict(noise=NOISE, rate=0.5, cell_axes=(1,)),
        data=("noise",),
    )
    add(
        here + "binarize",
        lambda: dict(x=X, noise=NOISE, mode="stochastic"),
        data=("x", "noise"),
    )
    add(here + "binary_estimators")
    add(
        here + "complex_taps_to_real",
        lambda: dict(taps=normal(3, 2, 2, 2)),
        data=("taps",),
    )
    add(
        here + "fir",
        lambda: dict(x=SIGNAL, taps=normal(3, 4, 2)),
        data=("x", "taps"),
    )
    add(here + "fixed_point_step", lambda: dict(fixed_point=FORM))
    add(
        here + "get_binary_estimator",
        lambda: dict(name="sigmoid_adjusted", mode="stochastic"),
        free=("owner",),
    )
    add(
        here + "get_node_estimator",
        lambda: dict(name="score", distribution="bernoulli"),
        free=("owner",),
    )
    add(here + "guided_relu", lambda: dict(x=X), data=("x",))
    add(
        here + "kerr_rotation",
        lambda: dict(u=SIGNAL, theta=uniform(2, 12, 1)),
        data=("u", "theta"),
    )
    add(
        here + "mask_gradient",
        lambda: dict(x=X, mask=NOISE),
        data=("x", "mask"),
    )
    add(
        here + "node_distribution",
        lambda: dict(kind="bernoulli", inputs=X),
        data=("inputs",),
        then=lambda found: [found.mean(), found.mode()],
    )
    add(here + "node_estimators")
    add(
        here + "overflow_rate", lambda: dict(x=X, fixed_point=FORM), data=("x",)
    )
    add(
        here + "pad_signal",
        lambda: dict(x=SIGNAL, num_taps=3, padding="same"),
        data=("x",),
    )
    add(here + "padding_lengths", lambda: dict(num_taps=3, padding="same"))
    for name, wanted in (
        ("squared", X[:, 2:]),
        ("sigmoid", NOISE[:, :4]),
        ("softmax", TARGETS),
    ):
        add(
            here + "proximal_" + name,
            lambda wanted=wanted: dict(
                logits=X[:, :4], targets=wanted, squared_norm=NORMS
            ),
            data=("logits", "targets", "squared_norm"),
            unchecked=("targets", "squared_norm"),
        )
    add(
        here + "proximal_unit",
        lambda: dict(
            logits=X, gradient=NOISE, squared_norm=NORMS, activation="tanh"
        ),
        data=("logits", "gradient", "squared_norm"),
        unchecked=("squared_norm",),
    )
    add(
        here + "quantize_fixed_point",
        lambda: dict(x=X, fixed_point=FORM),
        data=("x",),
    )
    add(
        here + "register_binary_estimator",
        lambda: dict(name="of a test", modes=("deterministic",)),
    )
    add(
        here + "register_node_estimator",
        lambda: dict(
            name="of a test",
            kind="local",
            distributions=("bernoulli",),
            unbiased=False,
        ),
    )
    add(
        here + "signed_digits",
        lambda: dict(integers=np.arange(-9, 30)),
        data=("integers",),
    )
    add(
        here + "symmetric_taps",
        lambda: dict(half=normal(3, 4, 2)),
        data=("half",),
    )
    add(
        here + "estimators.vimco_signal",
        lambda: dict(costs=normal(3, 4)),
        data=("costs",),
    )
    add(
        here + "FixedPoint",
        dict,
        then=lambda form: [form.minimum, form.maximum],
    )


def applied(*shape):
    """Uses a layer on small numbers, and takes it through its config."""
    x = np.random.default_rng(1).normal(size=shape).astype("float32")

    def use(layer):
        found = [layer(x)]
        config = layer.get_config()
        assert type(layer).from_config(config).get_config() == config
        assert tuple(layer.compute_output_shape(shape)) == tuple(found[0].shape)
        if "training" in layer._call_signature.parameters:
            found.append(layer(x, training=True))
        return found

    return use


def add_layers():
    here = "keras_bp.layers."
    add(
        here + "BackdropMask",
        lambda: dict(rate=0.5, granularity="spatial", location=None),
        then=applied(4, 5, 5, 2),
        free=("share_key",),
    )
    add(
        here + "BinaryNeuron",
        lambda: dict(mode="stochastic"),
        then=applied(4, 6),
    )
    add(
        here + "CostNode", lambda: dict(cost=sum_of_squares), then=applied(4, 6)
    )
    add(
        here + "FixedPointQuantizer",
        lambda: dict(fixed_point=FORM),
        then=applied(4, 6),
    )
    add(here + "GuidedReLU", dict, then=applied(4, 6))
    add(
        here + "KerrRotation",
        lambda: dict(
            coefficient=0.1,
            method="lut",
            lut_bits=5,
            power_taps=3,
            formats={
                "power": FixedPoint(8, 3, signed=False),
                "phase": FixedPoint(8, 5),
                "rotation": FixedPoint(8, 6),
            },
        ),
        then=applied(4, 16, 2),
    )
    add(
        here + "QuantizedFIR",
        lambda: dict(filters=1, num_taps=5),
        then=applied(4, 16, 2),
    )
    add(
        here + "StochasticNode",
        lambda: dict(estimator="reinmax"),
        then=applied(4, 6),
    )


add_ops()
add_layers()
