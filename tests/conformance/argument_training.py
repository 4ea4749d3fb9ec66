"""The cases of training and surgery, callbacks, and stochastic graphs."""

import tempfile

import keras
from argument_cases import add
from argument_models import (
    Z,
    bits,
    classifier,
    critics,
    discriminator,
    generator,
    net,
    refiner,
    square,
)
from backend_cases import normal, uniform

from keras_bp import layers, training

IMAGES = normal(2, 8, 8, 1, seed=2)


def configured(found):
    """What a serializable object says is what it is made of."""
    again = type(found).from_config(found.get_config())
    assert again.get_config() == found.get_config()


def add_callbacks():
    here = "keras_bp.callbacks."
    ignore = dict(then=lambda found: None)
    add(
        here + "BackdropRateSchedule",
        dict,
        then=lambda found: [found.rate(0), found.rate(3)],
        free=("layer_name",),
    )
    add(
        here + "TemperatureSchedule",
        dict,
        then=lambda found: [found.temperature(0), found.temperature(3)],
    )
    add(here + "SlopeAnnealing", dict, **ignore)
    signals = normal(4, 16, 2)
    add(
        here + "CoordinateClose",
        lambda: dict(x=signals, y=signals),
        data=("x", "y"),
        **ignore,
    )
    add(here + "IncrementalFreeze", dict, **ignore)
    add(here + "TapPrune", lambda: dict(target_taps=(3,), steps=4), **ignore)
    for name in ("CriticError", "GradientBias", "GradientVariance"):
        add(here + name, lambda: dict(measure=len), **ignore)
    for name in (
        "ImplicitDiagnostics",
        "LagrangianDiagnostics",
        "UpdateAngles",
    ):
        add(
            here + name,
            lambda: dict(x=normal(4, 4), y=normal(4, 2)),
            data=("x", "y", "sample_weight"),
            **ignore,
        )
    add(
        here + "GradientNoiseProbe",
        lambda: dict(x=normal(4, 4), y=normal(4, 2)),
        data=("x", "y", "sample_weight"),
        free=("layer_name",),
        **ignore,
    )
    add(
        here + "SampleGrid",
        lambda: dict(make_samples=len, directory=tempfile.gettempdir()),
        **ignore,
    )
    add(
        here + "SampleMetrics",
        lambda: dict(make_samples=len, measures={"on": len}),
        **ignore,
    )
    add(
        here + "SpectrumMonitor",
        lambda: dict(latents=Z),
        data=("latents",),
        **ignore,
    )
    add(
        here + "image_grid",
        lambda: dict(images=uniform(4, 5, 5)),
        data=("images",),
    )


def add_stochastic():
    here = "keras_bp.stochastic."

    def given():
        return dict(model=bits(), x=Z)

    add(here + "explain", lambda: dict(model=bits()))
    add(
        here + "gradient_check",
        lambda: dict(given(), num_estimates=8),
        data=("x", "y", "sample_weight"),
    )
    add(
        here + "gradient_variance",
        lambda: dict(given(), num_estimates=8),
        data=("x", "y", "sample_weight"),
        infinite=True,
    )
    add(here + "dice_terms", given, data=("x", "y", "sample_weight"))
    add(
        here + "dice",
        lambda: dict(
            log_probs={"bits": -uniform(4)}, costs=[(uniform(4), ["bits"])]
        ),
    )
    add(
        here + "critic_error",
        lambda: dict(model=critics(), x=Z, y=Z[:, :1], num_samples=8),
        data=("x", "y"),
    )
    add(
        "keras_bp.training.StochasticGraph",
        lambda: dict(model=bits()),
        then=lambda found: None,
    )


def add_surgery():
    here = "keras_bp.surgery."
    add(
        here + "change_output",
        lambda: dict(
            model=keras.Sequential(
                [
                    keras.Input((2,)),
                    keras.layers.Dense(4),
                    keras.layers.Activation("sigmoid"),
                ]
            ),
            output="threshold",
        ),
        then=lambda found: found(Z),
    )
    add(
        here + "insert_backdrop",
        lambda: dict(
            model=classifier(),
            backdrops={"conv": {"rate": 0.5, "granularity": "spatial"}},
        ),
        then=lambda found: found(IMAGES),
    )
    add(
        here + "receptive_field", lambda: dict(model=classifier(), layer="conv")
    )
    add(
        here + "swap_activations",
        lambda: dict(model=classifier()),
        then=lambda found: found(IMAGES),
    )


def add_training():
    here = "keras_bp.training."
    for name in (
        "DifferenceTargetPropagationModel",
        "ImplicitModel",
        "DirectFeedbackAlignmentModel",
        "FeedbackAlignmentModel",
        "LagrangianModel",
    ):
        add(
            here + name,
            lambda: dict(model=net()),
            then=lambda found: None,
        )
    add(
        here + "ForwardForwardModel",
        lambda: dict(model=net(), num_classes=2),
        then=lambda found: None,
    )
    add(
        here + "make_implicit",
        lambda: dict(model=net()),
        then=lambda found: None,
    )

    def networks():
        return dict(generator=generator(), discriminator=discriminator())

    add(here + "BinaryGAN", networks, then=lambda found: None)
    add(here + "SpectralGAN", networks, then=lambda found: None)
    add(here + "CriticOptions", dict, then=configured)
    add(
        here + "CriticSchedule",
        dict,
        then=lambda found: [int(found(0)), int(found(30)), configured(found)],
    )
    add(here + "ReplayOptions", lambda: dict(size=100), then=configured)
    add(
        here + "LearningRateSweep",
        lambda: dict(
            rows=[
                {
                    "method": "A",
                    "seed": 0,
                    "rate": r,
                    "validation": {"accuracy": a},
                }
                for r, a in ((0.1, 0.9), (1.0, 0.92))
            ]
        ),
        then=lambda found: found.best_rate("A"),
    )
    add(
        here + "binary_gan_networks",
        lambda: dict(sample_shape=(8, 8, 1)),
        then=lambda found: None,
    )
    add(
        here + "residual_refiner",
        lambda: dict(sample_shape=(8, 8, 1), filters=4),
        then=lambda found: None,
    )
    add(
        here + "refined_generator",
        lambda: dict(generator=square(), refiner=refiner()),
        then=lambda found: None,
    )
    add(
        here + "distributed", lambda: dict(model=net()), then=lambda found: None
    )
    add(
        here + "index_examples",
        lambda: dict(dataset=dataset()),
        then=lambda found: None,
    )
    add(
        here + "learning_rate_sweep",
        lambda: dict(
            methods={"descent": descent},
            data={"train": (Z, Z[:, :1]), "validation": (Z, Z[:, :1])},
            rates=(0.01, 0.1),
            epochs=1,
        ),
        data=(),
    )
    for name in ("SurrogateModel", "BackpropQModel"):
        add(
            here + name,
            graph,
            call=lambda inputs, outputs, name=name: getattr(training, name)(
                inputs, outputs
            ),
            keep=("name",),
            then=lambda found: None,
        )


def graph():
    x = keras.Input((2,))
    return dict(
        inputs=x, outputs=keras.layers.Dense(1)(layers.StochasticNode()(x))
    )


def descent():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def dataset():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((Z, Z))


add_callbacks()
add_stochastic()
add_surgery()
add_training()
