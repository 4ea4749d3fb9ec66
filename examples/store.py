"""Keeps what a run has made, so that the next one goes on from there."""

import json
import pathlib

import numpy as np

from benchmarks import results


class Store:
    """A folder of numbers and weights.

    Args:
        folder: Path.
        content: String, what fills it: a folder with other content is refused.
    """

    def __init__(self, folder, content):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "content.txt"
        if path.exists() and path.read_text(encoding="utf-8") != content:
            raise ValueError(
                "This example expects an --out_dir that it has filled with the "
                "same configuration and data, or an empty one. "
                f"Received: {self.folder.name}, of another"
            )
        path.write_text(content, encoding="utf-8")

    def has(self, name):
        return (self.folder / f"{name}.json").exists()

    def keep(self, name, numbers):
        """Keeps anything that JSON can hold."""
        path = self.folder / f"{name}.json"
        results.replace_file(path, json.dumps(numbers))

    def found(self, name):
        """What `keep` has kept, or None."""
        if not self.has(name):
            return None
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8"))

    def keep_weights(self, name, weights):
        """Keeps a dictionary of arrays."""
        path = self.folder / f"{name}.npz"
        temporary = path.with_suffix(".tmp.npz")
        np.savez(
            temporary,
            # A slash would stand for a folder.
            **{name.replace("/", "|"): x for name, x in weights.items()},
        )
        temporary.replace(path)

    def weights(self, name):
        """What `keep_weights` has kept."""
        with np.load(self.folder / f"{name}.npz") as found:
            return {k.replace("|", "/"): found[k] for k in found.files}
