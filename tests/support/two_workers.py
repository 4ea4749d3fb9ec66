"""Trains small models on two workers, each a process, or on one alone.

Run as `python tests/support/two_workers.py OUT BACKUPS RESUMED KILLED`, it is
the worker that TF_CONFIG names. If RESUMED is empty, it trains all models
undisturbed. Else it goes on with the model of that name from the files in the
folder BACKUPS. Weights after training go to the file OUT. Then it begins to
train the model KILLED with backups, until the second worker is killed.
"""

import json
import os
import shutil
import signal
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_bp import training
from keras_bp.layers import BinaryNeuron, CostNode, StochasticNode
from keras_bp.losses import PhaseAlignedError
from keras_bp.optics import FiberLink, LearnedDBP

# One batch, so that its halves are the same examples, whichever they are. An
# epoch has it twice, so that a worker may be killed within one.
BATCH, FEATURES, CLASSES, STEPS, EPOCHS = 8, 6, 3, 2, 2
# Of which `evaluate` is tried.
EVALUATED = ("normalized", "surrogate", "gan")
# Of which a worker is killed.
KILLED = ("gan", "lagrangian, persistent")
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


def _compiled(model, rate=0.1):
    optimizer = keras.optimizers.SGD(rate, momentum=0.5)
    model.compile(optimizer, SPARSE, metrics=["accuracy"])
    return model


def _implicit(rule, exact=False):
    # At this rate all of them take other steps than explicit ones.
    model = training.make_implicit(_net(), rule=rule, seed=0, exact=exact)
    return _compiled(model, rate=10.0)


def _local(name):
    options = {} if name in ("backprop", "uniform_sign") else {"seed": 0}
    return _compiled(training.local_rules()[name](_net(), **options))


def _lagrangian(**options):
    model = training.LagrangianModel(_net(), inner_steps=3, **options)
    return _compiled(model)


def _learned_dbp():
    model = LearnedDBP(FiberLink(num_spans=1), num_taps=3)
    model.build((None, 8, 2))
    model.compile(keras.optimizers.SGD(0.1), PhaseAlignedError())
    return model


@keras.saving.register_keras_serializable(package="tests")
def sum_of_bits(z):
    return keras.ops.sum(z, axis=-1)


def _surrogate(make):
    inputs = keras.Input((FEATURES,))
    logits = keras.layers.Dense(2)(inputs)
    bits = StochasticNode("bernoulli", estimator="rloo", samples=2, seed=0)(
        logits
    )
    cost = CostNode(sum_of_bits)(bits)
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
    "implicit, dual": (lambda: _implicit("dual"), False),
    "implicit, truncated": (lambda: _implicit("truncated"), False),
    "implicit, dual, exact": (lambda: _implicit("dual", exact=True), True),
    "implicit, truncated, exact": (
        lambda: _implicit("truncated", exact=True),
        True,
    ),
    "lagrangian, transient": (_lagrangian, True),
    "lagrangian, persistent": (
        lambda: _lagrangian(states="persistent", num_examples=BATCH),
        True,
    ),
    "feedback_alignment": (lambda: _local("feedback_alignment"), True),
    "direct_feedback_alignment": (
        lambda: _local("direct_feedback_alignment"),
        True,
    ),
    "difference_target_propagation": (
        lambda: _local("difference_target_propagation"),
        True,
    ),
    "learned dbp": (_learned_dbp, True),
    "forward_forward": (lambda: _local("forward_forward"), False),
    "surrogate": (lambda: _surrogate(training.SurrogateModel), False),
    "backprop_q": (lambda: _surrogate(training.BackpropQModel), False),
    "gan": (_gan, False),
    "spectral gan": (
        lambda: _gan(training.SpectralGAN, likelihood_weight=0.01),
        False,
    ),
}


def dataset(name):
    """One batch for a model, of which workers take their parts."""
    x, y = _data()
    arrays = (x, y)
    if name in ("surrogate", "backprop_q"):
        arrays = x
    if name.endswith("gan"):
        arrays = (x > 0).astype("float32")
    if name == "learned dbp":
        rng = np.random.default_rng(0)
        arrays = [
            rng.normal(size=(BATCH, n, 2)).astype("float32") for n in (8, 4)
        ]
        arrays = tuple(arrays)
    data = tf.data.Dataset.from_tensor_slices(arrays)
    if name == "lagrangian, persistent":
        data = training.index_examples(data)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return data.batch(BATCH).with_options(options)


def _mended(strategy):
    """Whether Keras trains by itself."""
    with strategy.scope():
        model = _compiled(_net())
    try:
        model.fit(dataset("plain"), verbose=0)
        model.evaluate(dataset("plain"), verbose=0)
    except ValueError:
        return False
    return True


def fitted(name, strategy, eager=False, **options):
    """The model of a name, trained, and its logs."""
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = training.distributed(MODELS[name][0]())
    model.run_eagerly = eager
    data = dataset(name).repeat(STEPS)
    history = model.fit(data, epochs=EPOCHS, verbose=0, **options).history
    return model, history


def trained(names, strategy, eager=False):
    """What training has led to: arrays by the name of a model and a number."""
    found = {}
    for name in names:
        model, logs = fitted(name, strategy, eager)
        if name in EVALUATED:
            logs |= model.evaluate(dataset(name), verbose=0, return_dict=True)
        for key, value in logs.items():
            found[f"{name}|log {key}"] = np.ravel(value)
        for place, weight in enumerate(model.trainable_variables):
            found[f"{name}|{place}"] = weight.numpy()
        if name in KILLED:
            found |= _all(name, model)
    return found


def _all(name, model):
    """Also what is not trained, some of which each worker has by itself."""
    return {
        f"all of {name}|{place}": value
        for place, value in enumerate(model.get_weights())
    }


class Killed(keras.callbacks.Callback):
    """Ends the process in the midst of the last epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == EPOCHS - 1:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch


def backup_of(index, folder):
    """The backup of a worker: all save, and all go on from the first one's."""
    if index > 0:
        first, folder = folder, f"{folder}_{index}"
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.exists(first):
            shutil.copytree(first, folder)
    return keras.callbacks.BackupAndRestore(folder, double_checkpoint=True)


def main(path, backups, resumed, killed):
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    strategy = tf.distribute.MultiWorkerMirroredStrategy()

    def saved(name):
        return backup_of(index, os.path.join(backups, name))

    if resumed:
        model, history = fitted(resumed, strategy, callbacks=[saved(resumed)])
        (epochs,) = {len(values) for values in history.values()}
        found = {"epochs": epochs, **_all(resumed, model)}
    else:
        found = {"mended": _mended(strategy), **trained(MODELS, strategy)}
    np.savez(path, **found)
    if killed:
        ends = [Killed()] if index == 1 else []
        fitted(killed, strategy, callbacks=[saved(killed), *ends])


if __name__ == "__main__":
    main(*sys.argv[1:])
