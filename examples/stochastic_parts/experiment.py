"""The parts of a comparison, and what is done in each."""

import dataclasses
import time
from collections.abc import Callable

import keras

from examples.stochastic_parts.config import ESTIMATORS
from examples.stochastic_parts.training import seconds_per_step, train
from examples.stochastic_parts.variance import half_square_distances


@dataclasses.dataclass(frozen=True)
class Part:
    """One part of a run.

    Attributes:
        kind: String, `"speed"`, `"training"` or `"variance"`.
        network: String.
        estimator: String.
        number: Integer, the seed; of a variance the checkpoint.
    """

    kind: str
    network: str
    estimator: str
    number: int

    @property
    def name(self):
        words = (self.kind, self.network, self.estimator, self.number)
        return "-".join(str(word).replace(" ", "_") for word in words)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """All estimators on some networks.

    Args:
        networks: Dictionary from a name to a function from estimator and seed
            to a `SurrogateModel`.
        config: `Config`.
        images: `Images`.
        store: `Store`.
    """

    networks: dict[str, Callable]
    config: object
    images: object
    store: object

    def speeds(self):
        """The parts that measure the time of a step; none of a short run."""
        if not self.config.compiled:
            return []
        return self._parts("speed", 0)

    def parts(self, seeds):
        """All others, in an order in which a cut run is of use."""
        found = []
        for seed in seeds:
            found += self._parts("training", seed)
            if seed == 0:
                for step in self.config.checkpoints:
                    found += self._parts("variance", step)
        return found

    def left(self, parts):
        return [part for part in parts if not self.store.has(part.name)]

    def _parts(self, kind, number):
        return [
            Part(kind, network, estimator, number)
            for network in self.networks
            for estimator in ESTIMATORS
        ]

    def budget(self, parts):
        """Expected seconds of training in some parts."""
        return sum(
            self.config.steps * self.store.found(speed.name)["wall"]
            for speed in self.speeds()
            for part in parts
            if part.kind == "training"
            and (part.network, part.estimator)
            == (speed.network, speed.estimator)
        )

    def run(self, part):
        """Does a part and keeps what it gave."""
        begin = time.perf_counter()
        keras.backend.clear_session()
        keras.utils.set_random_seed(part.number)
        numbers = getattr(self, f"_{part.kind}")(part)
        numbers["seconds"] = time.perf_counter() - begin
        self.store.keep(part.name, numbers)
        return numbers

    def _model(self, part, seed):
        return self.networks[part.network](part.estimator, seed)

    def _speed(self, part):
        model = self._model(part, 0)
        core, wall = seconds_per_step(model, self.config, self.images)
        return {"core": core, "wall": wall}

    def _training(self, part):
        model = self._model(part, part.number)
        recorder = train(model, self.config, self.images, part.number)
        for step, (shared, own) in recorder.kept.items():
            self.store.keep_weights(f"{part.name}-{step}", shared)
            self.store.keep_weights(f"{part.name}-{step}-own", own)
        return recorder.history

    def _variance(self, part):
        reference = Part("training", part.network, self.config.reference, 0)
        own = Part("training", part.network, part.estimator, 0)
        shared = self.store.weights(f"{reference.name}-{part.number}")
        distances = half_square_distances(
            self._model(part, 0),
            self.config,
            self.images,
            shared,
            self.store.weights(f"{own.name}-{part.number}-own"),
        )
        return {"distances": distances.tolist()}
