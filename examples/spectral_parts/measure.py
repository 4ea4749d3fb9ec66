"""What is measured of a generator."""

import numpy as np

from examples.spectral_parts.factors import NAMES, Factors, concentration
from examples.spectral_parts.inversion import invert
from examples.spectral_parts.networks import Views
from examples.spectral_parts.walks import (
    STEPS,
    eigenvector_paths,
    random_paths,
)
from keras_bp import metrics
from keras_bp.spectral import (
    ascend_likelihood,
    implicit_log_likelihood,
    spectrum,
)

_SHOWN = 8
# Steps of ascents, and of paths: in the output, a share of the mean distance
# between two samples for all steps one way.
_CLIMB, _WAY = 60, 0.5
# Latents at a time.
_PART = 250


class Reference:
    """The real images, and what the classifier makes of them.

    Args:
        study: `Study`.
        images: `Images`.
        judge: `Judge`.
    """

    def __init__(self, study, images, judge):
        self.study, self.images, self.judge = study, images, judge
        self.features, _ = judge(images.train)
        self._train = _flat(images.train)
        # Of samples and of test images, since distances shrink with more.
        self.count = min(study.samples, len(images.test))
        self.of_test = self.quality(images.test)
        held_out = images.test[: study.held_out]
        self.held_out = held_out.astype("float32")
        self.told = self.looks(self.held_out)

    def looks(self, images):
        """How sensible images are: dictionary of means over them."""
        _, probabilities = self.judge(images)
        entropy = -np.sum(probabilities * np.log(probabilities + 1e-12), axis=1)
        return {
            "confidence": float(probabilities.max(axis=1).mean()),
            "entropy": float(entropy.mean()),
            "nearest": float(self.nearest(images).mean()),
        }

    def nearest(self, images):
        """Root mean squared difference from the nearest training image."""
        images = _flat(images)
        squares = (
            (images**2).sum(axis=1)[:, None]
            - 2 * images @ self._train.T
            + (self._train**2).sum(axis=1)
        )
        least = np.maximum(squares.min(axis=1), 0)
        return np.sqrt(least / images.shape[1])

    def quality(self, images):
        """Distances of sets of features: dictionary.

        Of sets of `count` images, and the mean over as many as there are.
        """
        features, _ = self.judge(images)
        sets = np.split(
            features[: len(features) // self.count * self.count],
            len(features) // self.count,
        )
        found = [self._quality(x) for x in sets]
        return {
            key: float(np.mean([x[key] for x in found])) for key in found[0]
        }

    def _quality(self, features):
        half = min(len(features), len(self.features), 2500)
        found = metrics.precision_recall_density_coverage(
            self.features[:half], features[:half]
        )
        return {
            "FD": metrics.frechet_distance(self.features, features),
            "precision": found.precision,
            "coverage": found.coverage,
        }


def measured(generator, reference):
    """All measures of a generator.

    Returns:
        Pair: dictionary of numbers, and dictionary of arrays for pictures.
    """
    study, views = reference.study, Views(generator)
    rng = np.random.default_rng(7)
    latents = rng.standard_normal((study.samples, study.latents), "float32")
    samples = np.concatenate(
        [views.images(x) for x in np.array_split(latents, 4)]
    )
    numbers = {**reference.quality(samples), "samples": {}}
    pictures = {"samples": samples[:30]}
    squares = _in_parts(spectrum, views.metric, latents[: study.spectra])
    numbers |= _conditioning(squares)
    numbers["samples"] = {
        **reference.looks(samples[: study.spectra]),
        "likelihood": _likelihoods(views, latents[: study.spectra]),
    }
    pictures["spectrum"] = np.sqrt(squares)
    numbers["held out"] = _held_out(views, reference)
    numbers["ascent"], more = _aberrant(views, reference, latents)
    pictures |= more
    numbers["walks"], more = _walks(views, reference, latents, samples)
    return numbers, pictures | more


def _conditioning(squares):
    squares = np.maximum(squares.astype("float64"), 1e-30)
    values = np.sqrt(squares)
    shares = values / values.sum(axis=1, keepdims=True)
    logs = np.log(values)
    return {
        "condition": float(np.exp((logs[:, 0] - logs[:, -1]).mean())),
        "effective rank": float(
            np.exp(-(shares * np.log(shares)).sum(axis=1)).mean()
        ),
        "log det": float(2 * logs.sum(axis=1).mean()),
    }


def _held_out(views, reference):
    images = reference.held_out
    latents, errors = invert(views.smooth, images, reference.study.latents)
    return {
        "error": float(errors.mean()),
        "likelihood": _likelihoods(views, latents),
        "length": float((latents**2).mean()),
    }


def _aberrant(views, reference, latents):
    """What is likeliest, as likely as the sphere allows and without it."""
    start = latents[: reference.study.climbed]
    before = views.images(start)
    numbers = {"start": reference.looks(before)}
    pictures = {"ascent start": before[:_SHOWN]}
    for name, constraint in (("sphere", "sphere"), ("free", None)):
        found = ascend_likelihood(
            views.metric, start, _CLIMB, constraint=constraint
        )
        images = views.images(found.latents.numpy())
        trace = found.log_likelihood.numpy()
        numbers["start"]["likelihood"] = trace[0].tolist()
        numbers[name] = {
            **reference.looks(images),
            "likelihood": trace[-1].tolist(),
        }
        pictures[f"ascent {name}"] = images[:_SHOWN]
        pictures[f"trace {name}"] = trace[:, :_SHOWN]
    return numbers, pictures


def _walks(views, reference, latents, samples):
    """How directions change factors; eigenvectors and random ones."""
    start = latents[: reference.study.walked]
    made = _flat(np.asarray(views.metric(latents[:200], training=False)))
    one, other = made[::2], made[1::2]
    apart = np.linalg.norm(one[: len(other)] - other, axis=1).mean()
    size = _WAY * apart / STEPS
    factors = Factors(reference.judge, samples)
    numbers, pictures = {}, {}
    for name, paths in (
        ("eigenvectors", eigenvector_paths(views.metric, start, size)),
        ("random", random_paths(views.metric, start, size)),
    ):
        ends = [views.images(paths[:, :, i]) for i in (0, -1)]
        shape = ends[0].shape
        flat = [x.reshape(-1, *shape[2:]) for x in ends]
        changes = factors.changes(*flat).reshape(*shape[:2], len(NAMES))
        shares = concentration(changes)
        numbers[name] = {
            "concentration": float(shares.mean()),
            "by direction": shares.mean(axis=1).tolist(),
            "changes": changes.mean(axis=(0, 1)).tolist(),
            "changes by direction": changes.mean(axis=1).tolist(),
        }
        pictures[f"path {name}"] = views.images(paths[:, 0])
    return numbers, pictures


def _likelihoods(views, latents):
    found = _in_parts(implicit_log_likelihood, views.metric, latents)
    return found.astype("float64").tolist()


def _in_parts(function, model, latents):
    parts = [
        np.asarray(function(model, latents[i : i + _PART]))
        for i in range(0, len(latents), _PART)
    ]
    return np.concatenate(parts)


def _flat(images):
    return images.reshape(len(images), -1).astype("float32")
