"""The runs of a comparison, kept one by one."""

import time

from examples.piano_roll_parts import measure, training
from examples.piano_roll_parts.config import Run, runs

_SHOWN = 64


class Experiment:
    """What is trained and measured, and where it is kept.

    Args:
        config: `Config`.
        windows: `Windows`.
        store: `examples.store.Store`.
    """

    def __init__(self, config, windows, store):
        self.config, self.windows, self.store = config, windows, store
        self._reference = None

    def left(self, seeds):
        """Runs that are not done."""
        return [
            x for x in runs(self.config, seeds) if not self.store.has(x.name)
        ]

    def budget(self, left):
        """Expected seconds of some runs."""
        total = 0
        for run in left:
            steps = training.steps_of(run, self.config, self.windows)
            total += steps * self._seconds_per_step(run)
        return total

    def _seconds_per_step(self, run):
        refined = run.kind in ("two-stage", "joint")
        name = f"step-{'joint' if refined else 'pretrained'}"
        if not self.store.has(name):
            shown = Run("joint", "dbn", 0) if refined else run
            found = training.seconds_per_step(shown, self.config, self.windows)
            self.store.keep(name, found)
            print(f"{name}: {1000 * found:.1f} ms", flush=True)
        return self.store.found(name)

    def run(self, run):
        """Trains and measures one generator, and keeps all of it."""
        begin = time.perf_counter()
        before = self._pretrained(run.seed) if run.goes_on else None
        gan, numbers = training.train(run, self.config, self.windows, before)
        self._keep_weights(run, gan)
        numbers["measures"], shown = {}, {}
        for end in measure.ends(run.neuron):
            bits = measure.sampled(gan.generator, end, self.config.samples)
            numbers["measures"][end] = self.reference.measured(bits)
            shown[end] = bits[:_SHOWN]
        self.store.keep_weights(f"{run.name}-samples", shown)
        numbers["total seconds"] = time.perf_counter() - begin
        # At last: a run counts as done if this is there.
        self.store.keep(run.name, numbers)

    @property
    def reference(self):
        if self._reference is None:
            self._reference = measure.Reference(self.windows)
        return self._reference

    def _keep_weights(self, run, gan):
        self.store.keep_weights(
            f"{run.name}-weights",
            {
                f"{part}/{index}": weight
                for part in ("generator", "discriminator")
                for index, weight in enumerate(getattr(gan, part).get_weights())
            },
        )

    def _pretrained(self, seed):
        """The networks of the pretrained run of a seed."""
        run = Run("pretrained", "real", seed)
        pair = training.pair(run, self.config, self.windows)
        found = self.store.weights(f"{run.name}-weights")
        for part, network in zip(
            ("generator", "discriminator"), pair, strict=True
        ):
            number = len(network.weights)
            network.set_weights([found[f"{part}/{i}"] for i in range(number)])
        return pair

    def real(self):
        """Measures of real windows, by name of the part."""
        for part in ("train", "validation", "test"):
            name = f"real-{part}"
            if not self.store.has(name):
                bits = getattr(self.windows, part)
                if part == "train":
                    bits = bits[:: self.config.steps // self.config.hop]
                self.store.keep(name, self.reference.measured(bits))
        parts = ("train", "validation", "test")
        return {part: self.store.found(f"real-{part}") for part in parts}
