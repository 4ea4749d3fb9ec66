"""What is measured of piano-rolls."""

import numpy as np

from examples.piano_roll_parts import networks
from keras_bp import metrics
from keras_bp.surgery import change_output

_SAMPLE_SEED = 7
# Neighbors of a window, for the coverage.
_NEIGHBORS = 5

# Measures of each window, and what they are called.
MEASURES = {
    "notes3": "notes of 3 steps or more",
    "notes2": "notes of 2 steps or more",
    "pitches3": "steps of 3 pitches or more",
    "pitches4": "steps of 4 pitches or more",
    "pitches5": "steps of 5 pitches or more",
    "used": "pitches used in a window",
    "on": "bits that are on",
    "short": "notes of 1 step, in a window",
    "known": "steps that are a step of the training set",
    "nearest step": "bits to the nearest training step",
    "nearest": "bits to the nearest training window",
}
# Measures of a set of windows.
OF_SETS = {
    "pitch gap": "distance of the histograms of pitches",
    "polyphony gap": "distance of the histograms of pitches in a step",
    "coverage": "held-out windows that are covered",
}


class Reference:
    """What generated windows are compared with.

    Args:
        windows: `Windows`.
    """

    def __init__(self, windows):
        self._train = rolls(windows.train)
        self._test = rolls(windows.test)
        steps = self._train.reshape(-1, self._train.shape[-1])
        self._steps = np.unique(steps, axis=0)

    def measured(self, bits):
        """Measures of windows: pairs of a mean and its standard error, and
        numbers.

        Args:
            bits: Array `(windows, steps, 1, pitches)`.
        """
        bits = rolls(bits)
        found = {name: _mean(x) for name, x in self._of_windows(bits).items()}
        for name, shares in (
            ("pitch gap", _pitches),
            ("polyphony gap", _sizes),
        ):
            gaps = np.abs(shares(bits) - shares(self._train))
            found[name] = float(gaps.sum() / 2)
        found["coverage"] = self._coverage(bits)
        return found

    def _of_windows(self, bits):
        count, steps, pitches = bits.shape
        nearest_step = metrics.nearest_hamming_distance(
            bits.reshape(-1, pitches), self._steps
        ).reshape(count, steps)
        return {
            "notes3": metrics.qualified_note_rate(bits, 3),
            "notes2": metrics.qualified_note_rate(bits, 2),
            "pitches3": metrics.polyphony_rate(bits, 3),
            "pitches4": metrics.polyphony_rate(bits, 4),
            "pitches5": metrics.polyphony_rate(bits, 5),
            "used": metrics.used_pitches(bits, steps)[:, 0],
            "on": metrics.on_fraction(bits),
            "short": short_notes(bits),
            "known": np.mean(nearest_step == 0, axis=1),
            "nearest step": nearest_step.mean(axis=1),
            "nearest": metrics.nearest_hamming_distance(bits, self._train),
        }

    def _coverage(self, bits):
        """Share of test windows with a generated one among their neighbors.

        Of equal numbers, so that the coverage by other real windows is a bound
        to compare with.
        """
        number = min(len(bits), len(self._test))
        real, made = (
            x[np.linspace(0, len(x) - 1, number).astype(int)].reshape(
                number, -1
            )
            for x in (self._test, bits)
        )
        return float(
            metrics.precision_recall_density_coverage(
                real, made, num_neighbors=_NEIGHBORS
            ).coverage
        )


def rolls(windows):
    """Array `(windows, steps, pitches)` of `(windows, steps, 1, pitches)`."""
    return np.asarray(windows).astype("uint8")[:, :, 0]


def short_notes(bits):
    """Notes of one step in each window: pixels alone along time."""
    count, steps, _ = bits.shape
    lines = bits.swapaxes(1, 2).reshape(-1, steps, 1)
    return metrics.isolated_pixels(lines).reshape(count, -1).sum(axis=1)


def ends(neuron):
    """How a generator is read: names of `change_output`, or as it is."""
    return ("threshold", "bernoulli") if neuron == "real" else ("bits",)


def sampled(generator, end, number):
    """Windows of a generator, of the same latents each time.

    Args:
        generator: `keras.Model`.
        end: String, of `ends`.
        number: Integer.

    Returns:
        Array of uint8.
    """
    rng = np.random.default_rng(_SAMPLE_SEED)
    latents = rng.standard_normal((number, networks.LATENT), "float32")
    if end != "bits":
        generator = change_output(generator, end, seed=_SAMPLE_SEED)
    found = generator.predict(latents, batch_size=500, verbose=0)
    return found.astype("uint8")


def _pitches(bits):
    """Share of each pitch among the bits that are on."""
    found = bits.sum(axis=(0, 1), dtype="float64")
    return found / max(found.sum(), 1)


def _sizes(bits):
    """Share of the steps with so many pitches, from none to all."""
    sizes = bits.sum(axis=2, dtype="int64").ravel()
    return np.bincount(sizes, minlength=bits.shape[2] + 1) / len(sizes)


def _mean(values):
    """Mean and standard error, as if windows did not depend on each other.

    Those without a note are left out where a share of notes is asked for.
    """
    values = np.asarray(values, "float64")
    values = values[np.isfinite(values)]
    if not len(values):
        return [0.0, 0.0]
    return [
        float(values.mean()),
        float(values.std(ddof=1) / np.sqrt(len(values))),
    ]
