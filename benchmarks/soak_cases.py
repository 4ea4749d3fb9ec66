"""What `benchmarks.soak` trains: each train step of the package, small."""

import functools

import keras
import numpy as np

from benchmarks import soak
from keras_bp import optics, training
from keras_bp.layers import BinaryNeuron, CostNode, StochasticNode
from keras_bp.losses import PhaseAlignedError

EXAMPLES, FEATURES, CLASSES = 2048, 16, 4


def _images():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(EXAMPLES, FEATURES)).astype("float32")
    return x, rng.integers(0, CLASSES, EXAMPLES)


def _network():
    return keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(32, activation="tanh"),
            keras.layers.Dense(32, activation="tanh"),
            keras.layers.Dense(CLASSES),
        ]
    )


def _classifier(model):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    return model, _images()


def _rule(name):
    return _classifier(training.local_rules()[name](_network()))


def _implicit(rule):
    return _classifier(training.make_implicit(_network(), rule=rule))


def _persistent():
    return _classifier(
        training.LagrangianModel(_network(), states="persistent")
    )


def _graph(make, **options):
    inputs = keras.Input((FEATURES,))
    logits = keras.layers.Dense(8)(inputs)
    bits = StochasticNode("bernoulli", estimator="rloo", samples=2)(logits)
    hidden = keras.layers.Dense(FEATURES)(bits)
    cost = CostNode("mean_squared_error")([inputs, hidden])
    model = make(inputs, cost)
    model.compile(keras.optimizers.Adam(1e-3), **options)
    return model, (_images()[0],)


def _gan(make, **options):
    generator = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(FEATURES),
            BinaryNeuron(),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    model = make(generator, discriminator, critic_schedule=2, **options)
    model.compile()
    return model, ((_images()[0] > 0).astype("float32"),)


def _link():
    link = optics.FiberLink.isit(num_spans=2)
    samples, symbols = optics.simulate(link, num_blocks=128, seed=0)
    model = optics.LearnedDBP(link, num_taps=7)
    model.compile(keras.optimizers.Adam(1e-3), PhaseAlignedError())
    return model, (samples, symbols)


# From a name to a function that returns a compiled model and arrays for `fit`.
CASES = {
    soak.PLAIN: lambda: _classifier(_network()),
    **{
        f"ImplicitModel, {rule}": functools.partial(_implicit, rule)
        for rule in ("dual", "layerwise", "averaged", "truncated")
    },
    "LagrangianModel, transient": functools.partial(_rule, "lagrangian"),
    "LagrangianModel, persistent": _persistent,
    "FeedbackAlignmentModel": functools.partial(_rule, "feedback_alignment"),
    "DirectFeedbackAlignmentModel": functools.partial(
        _rule, "direct_feedback_alignment"
    ),
    "DifferenceTargetPropagationModel": functools.partial(
        _rule, "difference_target_propagation"
    ),
    "ForwardForwardModel": functools.partial(_rule, "forward_forward"),
    "SurrogateModel": functools.partial(_graph, training.SurrogateModel),
    "BackpropQModel": functools.partial(
        _graph,
        training.BackpropQModel,
        critic=training.CriticOptions(targets="lambda"),
    ),
    "BinaryGAN": functools.partial(_gan, training.BinaryGAN),
    "SpectralGAN": functools.partial(
        _gan, training.SpectralGAN, likelihood_weight=0.01
    ),
    "LearnedDBP": _link,
}
