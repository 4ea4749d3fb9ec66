"""How a run is trained, epoch by epoch, and goes on where it was."""

import json
import time

import keras
import numpy as np

from benchmarks import results
from examples.binary_gan_parts.config import VARIANTS
from examples.binary_gan_parts.measure import evaluate
from examples.binary_gan_parts.models import make
from keras_bp.callbacks import SlopeAnnealing
from keras_bp.training import BinaryGAN, CriticSchedule

_BATCH = 64
# Epochs between two evaluations.
_EVERY = 5


def _fit(gan, images, **arguments):
    """Trains on images, in their order."""
    import tensorflow as tf

    # Of an array, `fit` waits at its end for the thread that tunes the
    # pipeline, up to as long as the epoch has taken.
    options = tf.data.Options()
    options.autotune.enabled = False
    data = tf.data.Dataset.from_tensor_slices(images).batch(_BATCH)
    return gan.fit(
        data.with_options(options), verbose=0, shuffle=False, **arguments
    )


def seconds_per_batch(run, shape, count=40):
    """Measured seconds of a batch with 5 steps, and with 100."""
    images = np.zeros((_BATCH * count, *shape), "uint8")
    gan = make(run, shape)
    found = []
    for schedule in (CriticSchedule(5, 5, 0, 0), CriticSchedule(100, 100)):
        gan = BinaryGAN(
            gan.generator, gan.discriminator, run.objective, schedule
        )
        gan.compile()
        few = images[: _BATCH * (count if schedule.steps == 5 else 2)]
        _fit(gan, few[:_BATCH])
        begin = time.perf_counter()
        _fit(gan, few)
        found.append((time.perf_counter() - begin) / (len(few) // _BATCH))
    return found


def budget(seconds, count, epochs):
    """Expected seconds of training.

    Args:
        seconds: Pair, as `seconds_per_batch` returns it.
        count: Integer, images.
        epochs: Integer.
    """
    batches = epochs * -(-count // _BATCH)
    many = min(batches, 25) + max(0, (batches - 1) // 500)
    return (batches - many) * seconds[0] + many * seconds[1]


class Training:
    """A run whose state is kept after each epoch.

    Args:
        run: `Run`.
        images: `Images`.
        store: `Store`.
    """

    def __init__(self, run, images, store):
        self.run, self._images, self._store = run, images, store
        self._path = store.folder / f"{run.name}.keras"
        self._told = store.folder / f"{run.name}.json"
        # The record that belongs to a model which is about to be kept, and that
        # of a run which is begun anew, until it is as long as what is told.
        self._next = store.folder / f"{run.name}.next"
        self._part = store.folder / f"{run.name}.part"
        self._record = _read(self._part) or _read(self._told) or _new_record()

    @property
    def left(self):
        """Epochs that are left: all, where no model was kept to go on with."""
        if epochs_of(self._told) >= self.run.epochs:
            return 0
        done = len(self._record["epochs"])
        return self.run.epochs - (done if self._path.exists() else 0)

    def go_on(self, reference, enough):
        """Trains until the end, or until `enough()` after an epoch.

        Args:
            reference: `Reference`.
            enough: Function without arguments to a boolean.
        """
        gan = self._resumed()
        done = len(self._record["epochs"])
        images = self._images.all
        factor = VARIANTS[self.run.variant].slope_factor
        annealed = self.run.neuron != "real" and factor != 1.0
        for epoch in range(done, self.run.epochs):
            if enough():
                return
            # The same order of images, wherever a run was interrupted.
            rng = np.random.default_rng((self.run.seed, epoch))
            begin = time.perf_counter()
            logs = _fit(
                gan,
                images[rng.permutation(len(images))],
                callbacks=[_Evaluation(self, epoch + 1, reference)]
                + ([SlopeAnnealing(factor)] if annealed else []),
            ).history
            numbers = {name: float(x[-1]) for name, x in logs.items()}
            self._record["epochs"].append(numbers)
            self._record["seconds"].append(time.perf_counter() - begin)
            self._keep(gan)
            self._say(epoch + 1, numbers)

    def _resumed(self):
        """The model of the last epoch that was kept, or a new one."""
        if self._path.exists():
            gan = keras.models.load_model(self._path)
            batches = -(-len(self._images.all) // _BATCH)
            # It may have been stopped after the model was kept, and before its
            # record was.
            for path in (self._next, self._part, self._told):
                epochs = epochs_of(path, of_model=True)
                if batches * epochs == int(gan.batches.value):
                    self._record = _read(path)
                    self._keep_record()
                    return gan
        self._record = _new_record()
        self._next.unlink(missing_ok=True)
        keras.utils.set_random_seed(self.run.seed)
        return make(self.run, self._images.sample_shape)

    def _keep(self, gan):
        temporary = self._path.with_suffix(".tmp.keras")
        gan.save(temporary)
        # Before the model, so that an epoch never counts without its record.
        results.replace_file(self._next, json.dumps(self._record))
        temporary.replace(self._path)
        self._keep_record()

    def _keep_record(self):
        shorter = len(self._record["epochs"]) < epochs_of(self._told)
        path = self._part if shorter else self._told
        results.replace_file(path, json.dumps(self._record))
        if not shorter:
            self._part.unlink(missing_ok=True)
        self._next.unlink(missing_ok=True)

    def _say(self, epoch, numbers):
        told = ", ".join(
            f"{name} {value:.3g}"
            for name, value in numbers.items()
            if name != "critic_steps"
        )
        seconds = self._record["seconds"][-1]
        print(f"{self.run.name} {epoch}: {told} ({seconds:.0f} s)", flush=True)

    def evaluate(self, gan, epoch, reference):
        """Measures the generator, and keeps numbers and pictures."""
        if epoch % _EVERY and epoch != self.run.epochs:
            return
        numbers, pictures = evaluate(gan, self.run, reference)
        self._record["evaluations"][str(epoch)] = numbers
        if epoch >= epochs_of(self._told):
            self._store.keep_weights(f"{self.run.name}-{epoch}", pictures)


def epochs_of(path, of_model=False):
    """How many epochs a file tells of; none, where there is no file.

    With `of_model` none, either, where it is one of runs that are trained side
    by side, which keep no model.
    """
    record = _read(path) or _new_record()
    return 0 if of_model and "device" in record else len(record["epochs"])


def _new_record():
    return {"epochs": [], "seconds": [], "evaluations": {}}


def _read(path):
    return json.loads(path.read_text("utf-8")) if path.exists() else None


class _Evaluation(keras.callbacks.Callback):
    """Evaluates before the slope is changed for the next epoch."""

    def __init__(self, training, epoch, reference):
        super().__init__()
        self._arguments = epoch, reference
        self._training = training

    def on_epoch_end(self, epoch, logs=None):
        self._training.evaluate(self.model, *self._arguments)
