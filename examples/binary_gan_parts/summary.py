"""What the runs gave, as rows of results."""

import json

import numpy as np

from benchmarks import results, tables
from examples.binary_gan_parts.config import STUDIES, run_of
from examples.binary_gan_parts.published import GRID, HISTOGRAMS, against
from keras_bp.metrics import FlipRatio

# Metric of a row by measure, and its unit.
METRICS = {
    "FD": ("Frechet distance of features", ""),
    "coverage": ("coverage", ""),
    "recall": ("recall", ""),
    "precision": ("precision", ""),
    "density": ("density", ""),
    "score of 64": ("score, mean of batches of 64", ""),
    "classes": ("classes among 64 samples, expected", ""),
    "rarest": ("share of the rarest class", ""),
    "confidence": ("largest probability of an image, mean", ""),
    "iso4": ("isolated pixels, 4 neighbors", "per image"),
    "iso8": ("isolated pixels, 8 neighbors", "per image"),
    "components": ("components, 8-connected", "per image"),
    "on": ("share of on-pixels", ""),
    "TV": ("transitions", "per image"),
    "nearest": ("bits to the nearest training image", "bits"),
    "same latent": ("bits between draws of one latent", "bits"),
}
# Columns of the table that is printed.
_SHORT = (
    "FD",
    "coverage",
    "recall",
    "score of 64",
    "classes",
    "iso4",
    "components",
    "on",
    "nearest",
)


class Summary:
    """Reads what all runs of a folder have kept.

    Args:
        images: `Images`.
        store: `Store`.
        reference: `Reference`.
    """

    def __init__(self, images, store, reference):
        self.name = "mnist" if images.is_mnist else "digits"
        self.store, self.images = store, images
        self.data = reference.measured(spread(images.test))
        self.accuracy = reference.judge.accuracy(
            images.test, images.test_labels
        )
        self.runs = {}
        for path in sorted(store.folder.glob("*-*.json")):
            run = run_of(path.stem)
            if run is not None:
                record = json.loads(path.read_text("utf-8"))
                self.runs[run.name] = (run, record)

    def kinds(self):
        """Dictionary from a kind to its runs, in the order of the study."""
        order = [run.name for run in STUDIES[self.name]]
        names = sorted(
            self.runs,
            key=lambda x: order.index(x) if x in order else len(order),
        )
        found = {}
        for name in names:
            run, record = self.runs[name]
            found.setdefault(run.kind, []).append((run, record))
        return found

    def seconds(self):
        """Of all training together."""
        return sum(sum(x["seconds"]) for _, x in self.runs.values())

    def device(self):
        """What trained runs side by side, or some of them, or None."""
        found = {record.get("device") for _, record in self.runs.values()}
        named = ", ".join(sorted(found - {None}))
        if not named:
            return None
        return f"{'in part ' if None in found else ''}trained on {named}"

    def table(self):
        """A short table of all runs as text, means over seeds."""
        lines = [("", "after", "seeds", *_SHORT)]
        lines.append(
            (
                "test images",
                "",
                "",
                *(_told_number(_measures(self.data)[x]) for x in _SHORT),
            )
        )
        for kind, members in self.kinds().items():
            for epoch in _told(members):
                found = _evaluations(members, epoch)
                for end in ends_of(found[0]):
                    name = kind
                    if members[0][0].neuron == "real":
                        name = f"{kind}, {end}"
                    measured = [_measures(x[end]) for x in found]
                    values = [
                        _told_number(np.mean([_single(x[m]) for x in measured]))
                        for m in _SHORT
                    ]
                    lines.append((name, str(epoch), str(len(found)), *values))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(x.ljust(w) for x, w in zip(line, widths, strict=True))
            for line in lines
        )

    def rows(self):
        """All rows of results."""
        found = [
            self._row("test images", *METRICS[name], *_number(value))
            for name, value in _measures(self.data).items()
            if name in METRICS
        ]
        found.append(
            self._row("classifier", "accuracy, test images", "", self.accuracy)
        )
        for members in self.kinds().values():
            for epoch in _told(members):
                found += self._of(members, epoch)
        return found

    def _of(self, members, epoch):
        """Rows of a kind of runs after an epoch."""
        run = members[0][0]
        found = _evaluations(members, epoch)
        where = f"{run.preset}, {run.objective}, {run.neuron}, {run.variant}"
        after = f"{epoch} epochs"
        for end in ends_of(found[0]):
            name = f"{where}, {end}" if run.neuron == "real" else where
            for measure, (metric, unit) in METRICS.items():
                values = [_measures(x[end])[measure] for x in found]
                published = aim = None
                if self.name == "mnist":
                    published, aim = against(run, end, measure)
                # An aim is one of what is trained to the end.
                aim = aim if epoch == _told(members)[-1] else None
                yield self._measure(
                    (f"{name}, {after}", metric, unit), values, published, aim
                )
        yield from self._histogram(f"{where}, {after}", found, run)
        flips = {}
        for member in members:
            for before, share in self._flips(*member, epoch):
                flips.setdefault(before, []).append(share)
        for before, shares in flips.items():
            yield self._row(
                f"{where}, {after}",
                f"flips of 64 fixed latents since epoch {before}",
                "",
                np.mean(shares),
                shares if len(shares) > 1 else None,
            )

    def _flips(self, run, record, epoch):
        """The evaluation before, and the share of pixels that changed since."""
        done = [int(x) for x in record["evaluations"] if int(x) <= epoch]
        *_, before, last = [0, 0, *sorted(done)]
        names = [f"{run.name}-{x}" for x in (before, last)]
        paths = [self.store.folder / f"{name}.npz" for name in names]
        if last < epoch or not all(path.exists() for path in paths):
            return
        shown = [self.store.weights(name)["probability"] for name in names]
        ratio = FlipRatio(shown[0].shape, threshold=0.5)
        for probabilities in shown:
            ratio.update_state(probabilities)
        yield before, float(ratio.result())

    def _measure(self, names, values, published, aim):
        single = [_single(x) for x in values]
        samples = single
        if len(single) == 1:
            # Of one run, the standard error of its images.
            value = values[0]
            samples = _interval(value) if isinstance(value, list) else None
        beside = {}
        if aim is not None:
            # Of the value, not of a ratio, which `row` would judge instead.
            beside = {
                "against": f"published grid of 64 ({published:g})",
                "aim": aim,
            }
        elif published is not None:
            beside = {
                "against": "published grid of 64",
                "against_value": published,
            }
        return self._row(*names, np.mean(single), samples, **beside)

    def _histogram(self, name, found, run):
        first, last, depth = HISTOGRAMS[run.neuron]
        # The figure is of what the published code trains.
        what = (run.objective, run.preset, run.variant)
        shown = what == ("wgan-gp", "mlp", "published")
        shown = shown and self.name == "mnist"
        for key, metric, published in (
            ("first", "probabilities below 1/255", first),
            ("last", "probabilities of 1", last),
            ("notch", "depth of the notch at 0.5", depth),
        ):
            values = [x["histogram"][key] for x in found]
            # A published share of 0 is one, too.
            told = published is not None and shown
            yield self._row(
                name,
                metric,
                "",
                np.mean(values),
                values if len(values) > 1 else None,
                against="published" if told else None,
                against_value=published if told else None,
            )

    def _row(self, where, metric, unit, value, samples=None, **arguments):
        return results.row(
            f"{self.name}/{where}",
            metric,
            value,
            unit,
            samples=samples,
            **arguments,
        )


def spread(images, parts=20):
    """Images in an order whose beginnings hold all parts alike.

    The first half of the test images of MNIST is the cleaner one, and some
    measures are those of the first images.
    """
    return np.concatenate([images[first::parts] for first in range(parts)])


def ends_of(evaluation):
    """The ends of a generator that were measured, in their order."""
    return [end for end in evaluation if end != "histogram"]


def _evaluations(members, epoch):
    """What all runs of a kind that got so far have measured."""
    return [
        record["evaluations"][str(epoch)]
        for _, record in members
        if str(epoch) in record["evaluations"]
    ]


def _told(members):
    """Epochs that are told: the last of each, the fifth of convolutions."""
    done = [[int(x) for x in record["evaluations"]] for _, record in members]
    found = {max(epochs) for epochs in done if epochs}
    if members[0][0].preset == "cnn" and any(5 in epochs for epochs in done):
        found.add(5)
    return sorted(found)


def _measures(evaluation):
    """All measures, also what follows from others."""
    if "histogram" not in evaluation:
        return evaluation
    shares = np.divide(evaluation["histogram"], sum(evaluation["histogram"]))
    return evaluation | {
        "rarest": float(shares.min()),
        "classes": float(np.sum(1 - (1 - shares) ** GRID)),
    }


def _single(value):
    return value[0] if isinstance(value, list) else value


def _told_number(value):
    return tables.digits(_single(value))


def _number(value):
    """Mean and interval of a measure, as `row` takes them."""
    if isinstance(value, list):
        return value[0], _interval(value)
    return value, None


def _interval(value):
    mean, error = value
    return [mean - error, mean + error]
