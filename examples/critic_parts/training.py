"""How a model is trained, again and again without compiling it anew."""

import itertools
import time
import zlib

import keras
import numpy as np
from keras import ops

from examples.critic_parts import methods

_CHUNK = 1000


class Trainer:
    """Trains one method with several rates and seeds.

    XLA takes longer to compile a chain than most trainings last. So there is
    one model, which begins each time anew.

    Args:
        name: String, a key of `methods.METHODS`.
        task: `memory.Memory` or `glimpses.Glimpses`.
        config: `study.Config`.
    """

    def __init__(self, name, task, config):
        keras.utils.set_random_seed(0)
        self._task, self._config = task, config
        self.model, self._evaluator = methods.compiled(name, task, config)
        self._evaluator.compile(jit_compile=False)
        # Copies: an array may be the variable itself.
        self._start = [
            ops.convert_to_numpy(v).copy() for v in self._variables()
        ]

    def _variables(self):
        model = self.model
        found = [*model.variables, *model.optimizer.variables]
        if getattr(model, "critics", None) is not None:
            critics = model.critics
            found += [*critics.variables, *model.critic_optimizer.variables]
        return found

    def begin(self, seed, rate):
        """Sets all as it is before a training.

        Args:
            seed: Integer, of the weights and of the nodes.
            rate: Float, of Adam.
        """
        learned = {id(v) for v in self._learned()}
        noises = itertools.count()
        for variable, start in zip(self._variables(), self._start, strict=True):
            value = start
            if id(variable) in learned:
                # Another order of independent draws is another draw.
                rng = _generator(seed, variable.path)
                value = rng.permutation(start.ravel()).reshape(start.shape)
            elif variable.name == "seed_generator_state":
                rng = _generator(seed, f"noise {next(noises)}")
                value = rng.integers(0, 2**31, start.shape, start.dtype)
            variable.assign(value)
        self.model.optimizer.learning_rate.assign(rate)

    def _learned(self):
        found = self.model.trainable_variables
        if getattr(self.model, "critics", None) is not None:
            found = [*found, *self.model.critics.trainable_variables]
        return found

    def train(self, seed, rate, steps, parts):
        """Trains from the beginning.

        Args:
            seed: Integer, of all that is drawn.
            rate: Float, of Adam.
            steps: Integer.
            parts: List of `"validation"` and `"test"`, what is evaluated.

        Returns:
            Dictionary of lists: `"step"`, and for each part the share of wrong
            answers, from before the first step; `"core"` and `"wall"`, the
            seconds of the steps between two evaluations.
        """
        config = self._config
        self.begin(seed, rate)
        recorder = Recorder(self.wrong, config.every, parts)
        self.model.fit(
            self._task.batches(seed, config.batch, steps),
            steps_per_epoch=config.every,
            epochs=steps // config.every,
            shuffle=False,
            verbose=0,
            callbacks=[recorder],
        )
        return recorder.history

    def wrong(self, part):
        """The share of wrong answers, percent."""
        held = self._task.held_out(part, self._config.evaluated)
        found = self._evaluator.predict(held, batch_size=_CHUNK, verbose=0)
        return 100 * float(np.mean(found))


def _generator(seed, name):
    """By name: methods with weights of their own begin at the same others."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


class Recorder(keras.callbacks.Callback):
    """Evaluates before the first and after each epoch, and times the steps.

    Args:
        wrong: Function of a part of the data.
        every: Integer, steps of an epoch.
        parts: List of parts.

    Attributes:
        history: See `Trainer.train`.
    """

    def __init__(self, wrong, every, parts):
        super().__init__()
        self._wrong, self._every, self._parts = wrong, every, parts
        names = ("step", *parts, "core", "wall")
        self.history = {name: [] for name in names}

    def on_train_begin(self, logs=None):
        self._note(0)

    def on_epoch_begin(self, epoch, logs=None):
        self._begin = time.process_time(), time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        core, wall = self._begin
        self.history["core"].append(time.process_time() - core)
        self.history["wall"].append(time.perf_counter() - wall)
        self._note((epoch + 1) * self._every)

    def _note(self, step):
        self.history["step"].append(step)
        for part in self._parts:
            self.history[part].append(self._wrong(part))
