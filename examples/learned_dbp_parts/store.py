"""Keeps what a run has made, so that the next one goes on from there."""

import dataclasses
import json
import pathlib
import time

import keras
import numpy as np

from benchmarks import results
from examples.fan_out import FanOut
from keras_bp.optics import simulate


class Store:
    """A folder of blocks, models and rows.

    Args:
        out_dir: Path, of one configuration.
        config: `Config`.
        name: String, its name, with which the names of its rows begin.
        verbose: Integer, 1 for progress bars.
        fan: `FanOut`, where jobs run that do not need each other, or None for
            this process.
    """

    def __init__(self, out_dir, config, name, verbose=1, fan=None):
        self.folder = pathlib.Path(out_dir)
        self.config = config
        self.name = name
        self.verbose = verbose
        self.fan = fan or FanOut()
        # Of all runs together.
        self.seconds = 0.0
        self.folder.mkdir(parents=True, exist_ok=True)
        self._check_config()

    def blocks(self, name, num_blocks, seed, link=None, **arguments):
        """Samples and symbols, simulated once.

        Args:
            name: String, under which they are kept.
            num_blocks: Integer.
            seed: Integer.
            link: `FiberLink`, or None for that of the configuration.
            **arguments: Others of `keras_bp.optics.simulate`.
        """
        path = self.folder / f"{name}.npz"
        if not path.exists():
            print(f"Simulating {num_blocks} blocks: {name}.")
            samples, symbols = simulate(
                link or self.config.link,
                num_blocks,
                self.config.symbols,
                seed=seed,
                steps_per_span=self.config.simulation_steps,
                verbose=self.verbose,
                **arguments,
            )
            temporary = path.with_suffix(".tmp.npz")
            np.savez(temporary, samples=samples, symbols=symbols)
            temporary.replace(path)
        with np.load(path) as found:
            return found["samples"], found["symbols"]

    def model(self, name, make):
        """A model, made by `make` once."""
        path = self.folder / f"{name}.keras"
        if not path.exists():
            model = make()
            temporary = path.with_suffix(".tmp.keras")
            model.save(temporary)
            temporary.replace(path)
        return keras.models.load_model(path)

    def keep_numbers(self, name, numbers):
        """Keeps lists of numbers, which `numbers` gives back."""
        path = self.folder / f"{name}.json"
        results.replace_file(path, json.dumps(numbers))

    def numbers(self, name):
        """What `keep_numbers` has kept; none if a run has not come so far."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            return []
        return json.loads(path.read_text(encoding="utf-8"))

    def rows(self, name, make):
        """Rows of results, made by `make` once."""
        path = self.folder / f"{name}.rows.json"
        if not path.exists():
            begin = time.perf_counter()
            found = [dataclasses.asdict(row) for row in make()]
            seconds = time.perf_counter() - begin
            kept = {"seconds": seconds, "rows": found}
            results.replace_file(path, json.dumps(kept))
        kept = json.loads(path.read_text(encoding="utf-8"))
        self.seconds += kept["seconds"]
        return [results.Row(**row) for row in kept["rows"]]

    def row(self, name, metric, value, unit="dB", **arguments):
        """A row whose name begins with that of the configuration."""
        return results.row(
            f"{self.name}/{name}", metric, value, unit, **arguments
        )

    def _check_config(self):
        """Refuses a folder that another configuration has filled."""
        path = self.folder / "config.txt"
        if path.exists() and path.read_text(encoding="utf-8") != repr(
            self.config
        ):
            raise ValueError(
                "examples.learned_dbp expects an --out_dir that it has filled "
                "with the same configuration, or an empty one. "
                f"Received: {self.folder.name}, of another"
            )
        if not path.exists():
            # Whole or not at all: another process may read it.
            results.replace_file(path, repr(self.config))
