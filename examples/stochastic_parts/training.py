"""How a model is trained and evaluated."""

import time

import keras
import numpy as np
import tensorflow as tf

from examples.stochastic_parts.networks import node_weights, shared_weights

_CHUNK = 100


def batches(images, batch, steps, seed):
    """Shuffled batches, the same ones for each estimator.

    Args:
        images: Array `(images, pixels)`, uint8.
        batch: Integer.
        steps: Integer, number of batches.
        seed: Integer.

    Returns:
        `tf.data.Dataset` of float32 arrays `(batch, pixels)`.
    """
    rng = np.random.default_rng(seed)
    epochs = -(-steps * batch // len(images))
    order = [rng.permutation(len(images)) for _ in range(epochs)]
    order = np.concatenate(order)[: steps * batch].reshape(steps, batch)
    # Gathered batch by batch: image by image it takes longer than a step.
    pixels = tf.constant(images)
    data = tf.data.Dataset.from_tensor_slices(order.astype("int32"))

    @tf.autograph.experimental.do_not_convert
    def gather(rows):
        return tf.cast(tf.gather(pixels, rows), "float32")

    return data.map(gather).prefetch(_CHUNK)


def compiled(model, config):
    """Compiles a model as the configuration says."""
    optimizer = keras.optimizers.Adam(config.rate)
    # Built by the first step instead, it would be traced twice.
    optimizer.build(model.trainable_variables)
    model.compile(
        optimizer,
        jit_compile=config.compiled,
        steps_per_execution=min(_CHUNK, config.every),
    )
    return model


class Bound:
    """The evidence lower bound of images, in nats.

    Args:
        model: `SurrogateModel`, whose costs add up to minus the bound by one
            sample.
    """

    def __init__(self, model):
        @tf.function(autograph=False)
        def costs(pixels):
            found = model(tf.cast(pixels, "float32"))
            return sum(keras.tree.flatten(found))

        self._costs = costs

    def __call__(self, images, samples=1):
        r"""The mean of :math:`\log\frac1K\sum_k e^{-c_k}` over images."""
        images = tf.constant(images)
        costs = [self._costs(images).numpy() for _ in range(samples)]
        total = np.logaddexp.reduce(-np.asarray(costs, "float64"), axis=0)
        return float(np.mean(total - np.log(samples)))


class Recorder(keras.callbacks.Callback):
    """Evaluates after each epoch, keeps weights, and takes the time of steps.

    Args:
        config: `Config`.
        images: `Images`.

    Attributes:
        history: Dictionary of lists, one number for each evaluation, and of
            two numbers at the end.
        kept: Dictionary from a checkpoint to a pair of dictionaries: the
            weights of the networks, and those of the nodes.
    """

    def __init__(self, config, images):
        super().__init__()
        self._config, self._images = config, images
        self.kept = {}
        self.history = {
            name: [] for name in ("step", "train", "test", "core", "wall")
        }

    def on_train_begin(self, logs=None):
        self._bound = Bound(self.model)

    def on_epoch_begin(self, epoch, logs=None):
        self._core, self._wall = time.process_time(), time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        history, config = self.history, self._config
        # Of these steps alone.
        history["core"].append(time.process_time() - self._core)
        history["wall"].append(time.perf_counter() - self._wall)
        step = (epoch + 1) * config.every
        history["step"].append(step)
        for name in ("train", "test"):
            images = getattr(self._images, name)[: config.curve_images]
            history[name].append(self._bound(images))
        if step in (*config.checkpoints, config.steps):
            self.kept[step] = values(self.model)

    def on_train_end(self, logs=None):
        test, config = self._images.test, self._config
        self.history["final"] = self._bound(test)
        self.history["final_bound"] = self._bound(
            test[: config.bound_images], config.bound_samples
        )


def values(model):
    """The weights of the networks, and those of the nodes, as arrays."""
    return tuple(
        {name: weight.numpy() for name, weight in weights.items()}
        for weights in (shared_weights(model), node_weights(model))
    )


def train(model, config, images, seed):
    """Trains a model; returns its `Recorder`."""
    recorder = Recorder(config, images)
    compiled(model, config).fit(
        batches(images.train, config.batch, config.steps, seed),
        steps_per_epoch=config.every,
        epochs=config.steps // config.every,
        shuffle=False,
        verbose=0,
        callbacks=[recorder],
    )
    return recorder


def seconds_per_step(model, config, images, steps=200):
    """The time of a step of the processor and by the clock, once compiled."""
    data = batches(images.train, config.batch, 2 * steps, 0)
    found = []

    def note(*_):
        found.append((time.process_time(), time.perf_counter()))

    compiled(model, config).fit(
        data,
        steps_per_epoch=steps,
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=note)],
    )
    return [(b - a) / steps for a, b in zip(*found, strict=True)]
