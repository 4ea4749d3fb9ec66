"""Trains small models on two workers, each a process, or on one alone.

Run as `python tests/support/two_workers.py OUT [INDEX PORT PORT]`: the
cluster is one of two processes on this machine, of which this one has the
index; without, it trains alone. Weights after training go to the file OUT.
"""

import json
import os
import sys

if __name__ == "__main__" and len(sys.argv) > 2:
    _ADDRESSES = [f"localhost:{port}" for port in sys.argv[3:]]
    # As on a real cluster, before TensorFlow starts.
    os.environ["TF_CONFIG"] = json.dumps(
        {
            "cluster": {"worker": _ADDRESSES},
            "task": {"type": "worker", "index": int(sys.argv[2])},
        }
    )

import keras
import numpy as np
import tensorflow as tf

from keras_bp import training
from keras_bp.layers import BinaryNeuron, CostNode, StochasticNode

# One batch, so that its halves are the same examples, whichever they are.
BATCH, FEATURES, CLASSES, EPOCHS = 8, 6, 3, 2
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def _data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH, FEATURES)).astype("float32")
    return x, rng.integers(0, CLASSES, BATCH)


def _net(normalized=False):
    layers = keras.layers
    norm = [layers.BatchNormalization(synchronized=True)] if normalized else []
    hidden = [layers.Dense(5), *norm, layers.Activation("tanh")]
    return keras.Sequential(
        [keras.Input((FEATURES,)), *hidden, layers.Dense(CLASSES)]
    )


def _compiled(model):
    model.compile(keras.optimizers.SGD(0.1), SPARSE, metrics=["accuracy"])
    return model


def _implicit(rule):
    return _compiled(training.make_implicit(_net(), rule=rule))


def _local(name):
    options = {} if name in ("backprop", "uniform_sign") else {"seed": 0}
    if name == "lagrangian":
        options = {"states": "transient", "inner_steps": 3}
    return _compiled(training.local_rules()[name](_net(), **options))


def _surrogate(make):
    inputs = keras.Input((FEATURES,))
    logits = keras.layers.Dense(2)(inputs)
    bits = StochasticNode("bernoulli", estimator="rloo", samples=2, seed=0)(
        logits
    )
    cost = CostNode(lambda z: keras.ops.sum(z, axis=-1))(bits)
    model = make(inputs, cost)
    model.compile(keras.optimizers.SGD(0.1))
    return model


def _gan(make=training.BinaryGAN, **options):
    end = BinaryNeuron(seed=0)
    if make is not training.BinaryGAN:
        end = keras.layers.Activation("tanh")
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(FEATURES), end]
    )
    discriminator = keras.Sequential(
        [keras.Input((FEATURES,)), keras.layers.Dense(1)]
    )
    model = make(generator, discriminator, critic_schedule=2, seed=0, **options)
    model.compile()
    return model


# By name: a function that makes it, and whether a step has no noise and takes
# the mean over examples, so that workers together make that of one.
MODELS = {
    "plain": (lambda: _compiled(_net()), True),
    "normalized": (lambda: _compiled(_net(normalized=True)), True),
    "implicit, layerwise": (lambda: _implicit("layerwise"), True),
    "implicit, averaged": (lambda: _implicit("averaged"), True),
    # Solved by each worker for its own examples.
    "implicit, dual": (lambda: _implicit("dual"), False),
    "implicit, truncated": (lambda: _implicit("truncated"), True),
    "lagrangian": (lambda: _local("lagrangian"), True),
    "feedback_alignment": (lambda: _local("feedback_alignment"), True),
    "direct_feedback_alignment": (
        lambda: _local("direct_feedback_alignment"),
        True,
    ),
    "difference_target_propagation": (
        lambda: _local("difference_target_propagation"),
        True,
    ),
    "forward_forward": (lambda: _local("forward_forward"), False),
    "surrogate": (lambda: _surrogate(training.SurrogateModel), False),
    "backprop_q": (lambda: _surrogate(training.BackpropQModel), False),
    "gan": (_gan, False),
    "spectral gan": (
        lambda: _gan(training.SpectralGAN, likelihood_weight=0.01),
        False,
    ),
}


def _dataset(name):
    x, y = _data()
    arrays = (x, y)
    if name in ("surrogate", "backprop_q"):
        arrays = x
    if name.endswith("gan"):
        arrays = (x > 0).astype("float32")
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    data = tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH)
    return data.with_options(options)


def _mended(strategy):
    """Whether Keras trains by itself."""
    with strategy.scope():
        model = _compiled(_net())
    try:
        model.fit(_dataset("plain"), verbose=0)
        model.evaluate(_dataset("plain"), verbose=0)
    except ValueError:
        return False
    return True


def main(path, index=None, *ports):
    strategy = tf.distribute.get_strategy()
    found = {}
    if index is not None:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        found["mended"] = _mended(strategy)
    for name, (make, _) in MODELS.items():
        keras.utils.set_random_seed(0)
        with strategy.scope():
            model = training.distributed(make())
        history = model.fit(_dataset(name), epochs=EPOCHS, verbose=0).history
        logs = model.evaluate(_dataset(name), verbose=0, return_dict=True)
        for key, value in {**history, **logs}.items():
            found[f"{name}/log {key}"] = np.ravel(value)
        for place, weight in enumerate(model.trainable_variables):
            found[f"{name}/{place}"] = weight.numpy()
    np.savez(path, **{key.replace("/", "|"): x for key, x in found.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
