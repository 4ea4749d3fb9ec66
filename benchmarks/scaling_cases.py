"""The steps that `benchmarks.scaling` measures, on one worker or several."""

import dataclasses

import keras
import numpy as np
from keras import layers

from benchmarks import backprop_q_cases
from keras_bp import optics, training
from keras_bp.losses import PhaseAlignedError

BACKPROP = "backpropagation"
RULES = ("layerwise", "averaged", "truncated", "dual")
LOCAL = (
    "lagrangian",
    "feedback_alignment",
    "direct_feedback_alignment",
    "difference_target_propagation",
    "forward_forward",
)
_CHAIN = backprop_q_cases.Chain(nodes=2, units=128)
# So many batches without which steps differ from those that follow.
_SETTLED = 1001


@dataclasses.dataclass(frozen=True)
class Method:
    """A model and a batch for it.

    Attributes:
        make: Function without arguments that returns a compiled model.
        arrays: Function of a number of examples that returns arrays.
        batch: Integer, examples of all workers together.
    """

    make: object
    arrays: object
    batch: int = 1024

    def model(self):
        """The model, past the steps in which more is measured."""
        keras.utils.set_random_seed(0)
        model = self.make()
        steps = getattr(model, "steps", None)
        if isinstance(steps, keras.Variable):
            steps.assign(_SETTLED)
        return model

    def dataset(self, examples):
        """The same batch for ever."""
        import tensorflow as tf

        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.DATA
        )
        data = tf.data.Dataset.from_tensor_slices(self.arrays(examples))
        return data.batch(examples).cache().repeat().with_options(options)


def _net():
    return keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(300, activation="tanh"),
            layers.Dense(100, activation="tanh"),
            layers.Dense(10),
        ]
    )


def _compiled(model):
    model.compile(
        keras.optimizers.SGD(0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model


def _classes(examples):
    random = np.random.default_rng(0)
    x = random.random((examples, 784)).astype("float32")
    return x, random.integers(0, 10, examples)


def _bits(units):
    def arrays(examples):
        shape = (examples, units)
        return np.random.default_rng(0).integers(0, 2, shape).astype("float32")

    return arrays


def _chain(method):
    model = _CHAIN.model(method)
    model.jit_compile = False
    return model


def _gan(make, end):
    networks = training.binary_gan_networks("mlp", end, seed=0)
    model = make(*networks, critic_schedule=2, seed=0)
    model.compile(jit_compile=False)
    return model


def _images(examples):
    return _bits(784)(examples).reshape(-1, 28, 28, 1)


def _dbp():
    model = optics.LearnedDBP(optics.FiberLink.isit(num_spans=4), num_taps=9)
    model.compile(
        keras.optimizers.Adam(1e-3), PhaseAlignedError(), jit_compile=False
    )
    return model


def _blocks(examples):
    # Of noise: a step takes as long as for those of a link.
    random = np.random.default_rng(0)
    shapes = ((examples, 512, 2), (examples, 256, 2))
    return tuple(random.normal(size=s).astype("float32") for s in shapes)


METHODS = {
    BACKPROP: Method(lambda: _compiled(_net()), _classes),
    **{
        f"implicit, {rule}": Method(
            lambda rule=rule: _compiled(
                training.make_implicit(_net(), rule, seed=0)
            ),
            _classes,
        )
        for rule in RULES
    },
    "implicit, dual, exact": Method(
        lambda: _compiled(
            training.make_implicit(_net(), "dual", exact=True, seed=0)
        ),
        _classes,
    ),
    **{
        name: Method(
            lambda name=name: _compiled(training.local_rules()[name](_net())),
            _classes,
        )
        for name in LOCAL
    },
    "surrogate, RLOO": Method(
        lambda: _chain(backprop_q_cases.RLOO), _bits(_CHAIN.units)
    ),
    "Backprop-Q, advantage": Method(
        lambda: _chain("advantage"), _bits(_CHAIN.units)
    ),
    "BinaryGAN, 2 critic steps": Method(
        lambda: _gan(training.BinaryGAN, "dbn"), _images, 256
    ),
    "SpectralGAN, 2 critic steps": Method(
        lambda: _gan(training.SpectralGAN, "real"), _images, 256
    ),
    "LearnedDBP, 4 spans": Method(_dbp, _blocks, 64),
}


def find(name):
    """The method of a name: also for another process."""
    return METHODS[name]
