"""What is measured of generated images."""

import numpy as np

from examples.binary_gan_parts.published import GRID
from keras_bp import metrics
from keras_bp.surgery import change_output

_SAMPLE_SEED = 7
_SAME_LATENTS, _DRAWS = 200, 8
_NEAREST = 500


class Reference:
    """The real images, and what the classifier makes of them.

    Args:
        images: `Images`.
        judge: `Judge`.
        count: Integer, images of an evaluation.
    """

    def __init__(self, images, judge, count):
        self.images, self.judge, self.count = images, judge, count
        self.features, _ = judge(images.train)

    def measured(self, samples):
        """Measures of images, by name: a number, or mean and standard error.

        Args:
            samples: Array `(images, height, width, 1)` of bits.
        """
        features, probabilities = self.judge(samples)
        half = min(self.count // 2, len(samples), len(self.features))
        distances = metrics.precision_recall_density_coverage(
            self.features[:half], features[:half]
        )
        nearest = metrics.nearest_hamming_distance(
            samples[:_NEAREST].astype("float32"),
            self.images.train.astype("float32"),
        )
        scores = metrics.batch_classifier_scores(probabilities, GRID)
        return {
            **pixel_measures(samples),
            "score of 64": _mean(scores),
            "score": float(metrics.classifier_score(probabilities)),
            "histogram": metrics.class_histogram(probabilities).tolist(),
            "confidence": float(np.mean(probabilities.max(axis=1))),
            "FD": float(metrics.frechet_distance(self.features, features)),
            "precision": float(distances.precision),
            "recall": float(distances.recall),
            "density": float(distances.density),
            "coverage": float(distances.coverage),
            "nearest": _mean(nearest),
        }


def pixel_measures(samples):
    """Those that need no classifier."""
    return {
        "on": _mean(metrics.on_fraction(samples)),
        "iso4": _mean(metrics.isolated_pixels(samples, 4)),
        "iso8": _mean(metrics.isolated_pixels(samples, 8)),
        "components": _mean(metrics.connected_components(samples)),
        "TV": _mean(metrics.total_variation(samples)),
    }


def ends(run):
    """How the generator of a run is read: names of `change_output`."""
    if run.neuron == "real":
        return ("threshold", "bernoulli")
    return ("threshold" if run.neuron == "dbn" else "bernoulli",)


def evaluate(gan, run, reference):
    """Measures a generator.

    Args:
        gan: `BinaryGAN`.
        run: `Run`.
        reference: `Reference`.

    Returns:
        Pair: dictionary of measures, by the end of the generator; and
        dictionary of arrays for pictures.
    """
    rng = np.random.default_rng(_SAMPLE_SEED)
    latents = rng.standard_normal((reference.count, 128), "float32")
    numbers, pictures = {}, {}
    for end in ends(run):
        model = change_output(gan.generator, end, seed=_SAMPLE_SEED)
        samples = model.predict(latents, batch_size=500, verbose=0)
        samples = samples.astype("uint8")
        numbers[end] = reference.measured(samples)
        numbers[end]["same latent"] = _same_latent(model, latents)
        pictures[end] = samples[:GRID]
    probability = change_output(gan.generator, "probability")
    found = probability.predict(latents[:GRID], batch_size=500, verbose=0)
    pictures["probability"] = found
    many = probability.predict(latents, batch_size=500, verbose=0)
    histogram = metrics.preactivation_histogram(many)
    numbers["histogram"] = {
        "first": float(histogram.first_bin),
        "last": float(histogram.last_bin),
        "notch": float(histogram.notch_depth()),
        "shares": np.asarray(histogram.shares).tolist(),
    }
    return numbers, pictures


def _same_latent(model, latents):
    """Mean Hamming distance of draws from the same latents."""
    few = latents[:_SAME_LATENTS]
    draws = [
        model.predict(few, batch_size=len(few), verbose=0)
        for _ in range(_DRAWS)
    ]
    return _mean(metrics.same_latent_distance(np.stack(draws)))


def _mean(values):
    values = np.asarray(values, "float64")
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0
    return [float(values.mean()), float(error)]
