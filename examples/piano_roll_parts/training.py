"""How a run is trained."""

import dataclasses
import time

import keras
import numpy as np

from examples.piano_roll_parts import networks
from examples.piano_roll_parts.config import Run
from keras_bp.training import (
    BinaryGAN,
    CriticSchedule,
    refined_generator,
    residual_refiner,
)


def train(run, config, windows, before=None):
    """Trains the networks of a run.

    Args:
        run: `Run`.
        config: `Config`.
        windows: `Windows`.
        before: Pair of `keras.Model`, the pretrained networks, for a run that
            goes on from them; they are trained on. Or None.

    Returns:
        Pair: the trained `BinaryGAN`, and a dictionary of numbers.
    """
    keras.utils.set_random_seed(run.seed)
    gan = compiled(run, config, windows, *pair(run, config, windows, before))
    data = batches(windows.train, config.batch, run.seed)
    epochs = epochs_of(run, config)
    # Of the cores alone: others may work on this machine.
    begin = time.process_time()
    logs = gan.fit(data, epochs=epochs, shuffle=False, verbose=0).history
    return gan, {
        "core seconds": time.process_time() - begin,
        "steps": int(gan.batches.value),
        "weights": [
            network.count_params()
            for network in (gan.generator, gan.discriminator)
        ],
        "logs": {
            name: [float(x) for x in found] for name, found in logs.items()
        },
    }


def pair(run, config, windows, before=None):
    """Generator and discriminator of a run, at its beginning."""
    if before is None:
        return (
            networks.generator(
                run.neuron, windows.means, config.steps, config.width, run.seed
            ),
            networks.discriminator(windows.shape, config.width),
        )
    generator, discriminator = before
    refiner = residual_refiner(
        windows.shape,
        run.neuron,
        filters=config.refiner_filters,
        seed=run.seed,
    )
    refined = refined_generator(generator, refiner, run.kind == "joint")
    return refined, discriminator


def compiled(run, config, windows, generator, discriminator):
    """The `BinaryGAN` of two networks."""
    first, many = config.first
    gan = BinaryGAN(
        generator,
        discriminator,
        critic_schedule=CriticSchedule(config.critic_steps, many, first, 0),
        seed=run.seed,
    )
    number = epochs_of(run, config) * (len(windows.train) // config.batch)
    steps = steps_of(run, config, windows)
    gan.compile(optimizer(config, number), optimizer(config, steps - number))
    return gan


def optimizer(config, steps):
    """Adam whose rate falls over so many steps."""
    rate = keras.optimizers.schedules.PolynomialDecay(
        config.rate, max(1, steps), config.last_rate
    )
    return keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.9, epsilon=1e-7)


def batches(x, size, seed):
    """Shuffled batches of one size.

    Args:
        x: Array.
        size: Integer.
        seed: Integer, of the order.

    Returns:
        `tf.data.Dataset`.
    """
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(x)
    data = data.shuffle(len(x), seed).batch(size, drop_remainder=True)
    # At the end of an epoch TensorFlow 2.21 waits for the thread that tunes
    # the pipeline, which sleeps twice as long each time: an epoch of 1.5 s
    # takes 2.6 s.
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def epochs_of(run, config):
    """Epochs of a run; in all as many for each that is compared."""
    if run.goes_on:
        return config.more_epochs
    if run.kind == "pretrained":
        return config.epochs
    return config.epochs + config.more_epochs


def seconds_per_step(run, config, windows, number=10):
    """Measured seconds of a step of either network, on average.

    Args:
        run: `Run`.
        config: `Config`.
        windows: `Windows`.
        number: Integer, batches that are timed.
    """
    before = None
    if run.goes_on:
        pretrained = Run("pretrained", "real", run.seed)
        before = pair(pretrained, config, windows)
    config = dataclasses.replace(config, first=(0, 1))
    gan = compiled(run, config, windows, *pair(run, config, windows, before))
    few = np.zeros((config.batch * number, *windows.shape), "uint8")
    data = batches(few, config.batch, 0)
    gan.fit(data.take(1), shuffle=False, verbose=0)
    begin = time.perf_counter()
    gan.fit(data, shuffle=False, verbose=0)
    passed = time.perf_counter() - begin
    return passed / (number * (config.critic_steps + 1))


def steps_of(run, config, windows):
    """Steps of both networks in a run."""
    number = epochs_of(run, config) * (len(windows.train) // config.batch)
    first, many = config.first
    more = min(first, number) * (many - config.critic_steps)
    return number * (config.critic_steps + 1) + more
