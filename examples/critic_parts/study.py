"""What is compared, the parts of a study, and what is done in each."""

import dataclasses
import time

import numpy as np

from examples.critic_parts.methods import CRITICS, RIVALS
from examples.critic_parts.training import Trainer

# Of tuning: others than those of the results.
_FIRST_TUNED = 1000


@dataclasses.dataclass(frozen=True)
class Config:
    """How a study is run.

    Attributes:
        methods: Tuple of keys of `methods.METHODS`.
        seeds: Integer.
        tuned: Integer, seeds by which rates are chosen, others than those.
        rates: Tuple of floats, rates of Adam that each method tries.
        steps: Integer, of a training.
        every: Integer, steps between two evaluations.
        evaluated: Integer, examples of an evaluation, the first ones.
        batch: Integer.
        critic_rate: Float, of the Adam of the critics.
        critic_units: Integer, of the hidden layer of a critic.
        compiled: Boolean, whether steps are compiled by XLA.
    """

    methods: tuple
    seeds: int = 5
    tuned: int = 1
    rates: tuple = (0.01, 0.03, 0.1)
    steps: int = 3000
    every: int = 100
    evaluated: int = 2000
    batch: int = 64
    critic_rate: float = 0.01
    critic_units: int = 64
    compiled: bool = True

    @property
    def critics(self):
        return [x for x in self.methods if x in CRITICS]

    @property
    def rivals(self):
        return [x for x in self.methods if x in RIVALS]


@dataclasses.dataclass(frozen=True)
class Part:
    """One part of a run.

    Attributes:
        kind: String, `"speed"`, `"tuning"` or `"training"`.
        method: String.
        seed: Integer.
        rate: Float, of a tuning; that of a training is chosen.
    """

    kind: str
    method: str
    seed: int = 0
    rate: float | None = None

    @property
    def name(self):
        words = [self.kind, self.method, str(self.seed)]
        if self.rate is not None:
            words.append(f"{self.rate:g}")
        return "-".join(words)


class Study:
    """All methods on one task.

    Args:
        task: `memory.Memory` or `glimpses.Glimpses`.
        config: `Config`.
        store: `Store`.
    """

    def __init__(self, task, config, store):
        self.task, self.config, self.store = task, config, store
        self._trainers = {}

    def speeds(self):
        return [Part("speed", method) for method in self.config.methods]

    def tunings(self):
        return [
            Part("tuning", method, _FIRST_TUNED + seed, rate)
            for method in self.config.methods
            for seed in range(self.config.tuned)
            for rate in self.config.rates
        ]

    def trainings(self):
        """In an order in which a cut run is of use."""
        return [
            Part("training", method, seed)
            for seed in range(self.config.seeds)
            for method in self.config.methods
        ]

    def parts(self):
        return [*self.speeds(), *self.tunings(), *self.trainings()]

    def left(self, parts):
        return [part for part in parts if not self.store.has(part.name)]

    def found(self, parts):
        return [
            self.store.found(x.name) for x in parts if self.store.has(x.name)
        ]

    def budget(self):
        """Expected seconds of what is left, once speeds are known."""
        speeds = {x.method: self.store.found(x.name) for x in self.speeds()}
        left = self.left(self.parts())
        steps = sum(
            self.config.steps * speeds[part.method]["wall"]
            + len(self._evaluated(part))
            * (self.config.steps // self.config.every)
            * speeds[part.method]["evaluating"]
            for part in left
        )
        fresh = {x.method for x in left} - set(self._trainers)
        return steps + sum(speeds[x]["compiling"] for x in fresh)

    def rate(self, method):
        """The rate with the fewest wrong answers in the second half.

        None as long as not all have been tried.
        """
        tried = [x for x in self.tunings() if x.method == method]
        if self.left(tried):
            return None
        scores = {}
        for part, run in zip(tried, self.found(tried), strict=True):
            values = run["validation"]
            half = np.mean(values[len(values) // 2 :])
            scores[part.rate] = scores.get(part.rate, 0) + half
        return min(scores, key=scores.get)

    def run(self, part):
        """Does a part and keeps what it gave."""
        begin = time.perf_counter()
        numbers = getattr(self, f"_{part.kind}")(part)
        numbers["seconds"] = time.perf_counter() - begin
        self.store.keep(part.name, numbers)
        return numbers

    def _trainer(self, method):
        if method not in self._trainers:
            self._trainers[method] = Trainer(method, self.task, self.config)
        return self._trainers[method]

    @staticmethod
    def _evaluated(part):
        return {"tuning": ["validation"], "training": ["test"]}.get(
            part.kind, []
        )

    def _speed(self, part):
        begin = time.perf_counter()
        every, rate = self.config.every, min(self.config.rates)
        trainer = self._trainer(part.method)
        trainer.train(0, rate, every, [])
        made = time.perf_counter()
        run = trainer.train(0, rate, 3 * every, [])
        core, wall = (np.median(run[x]) / every for x in ("core", "wall"))
        trainer.wrong("validation")
        last = time.perf_counter()
        trainer.wrong("validation")
        return {
            "core": core,
            "wall": wall,
            "compiling": made - begin - every * wall,
            "evaluating": time.perf_counter() - last,
        }

    def _tuning(self, part):
        return self._train(part, part.rate)

    def _training(self, part):
        rate = self.rate(part.method)
        return {"rate": rate, **self._train(part, rate)}

    def _train(self, part, rate):
        return self._trainer(part.method).train(
            part.seed, rate, self.config.steps, self._evaluated(part)
        )
