"""What a comparison gave, as rows of results."""

import dataclasses

import numpy as np

from benchmarks import results
from examples.piano_roll_parts.config import Run, runs
from examples.piano_roll_parts.measure import MEASURES, OF_SETS, ends

# Qualified notes and polyphony of Dong and Yang, 2018, table 1, of songs of
# several instruments: only orders can be compared. Their tonal distance is one
# of two instruments.
PUBLISHED_DATA = (0.88, 0.48)
PUBLISHED = {
    "real, Bernoulli": (0.67, 0.20),
    "real, threshold": (0.72, 0.22),
    "two-stage SBN": (0.42, 0.26),
    "two-stage DBN": (0.78, 0.45),
    "joint SBN": (0.18, 0.19),
    "joint DBN": (0.55, 0.19),
    "end-to-end SBN": (0.67, 0.16),
    "end-to-end DBN": (0.28, 0.29),
}
# Theirs is a share of steps of several pitches, which nearly all steps of these
# data have.
_PUBLISHED_MEASURES = ("notes3", "polyphony gap")

# Where a part would be compared with itself.
_OF_ITSELF = {
    "train": ("known", "nearest step", "nearest"),
    "test": ("coverage",),
}

# Windows of training, which are what is learned, hold these by definition.
_HELD_OUT = ("known", "nearest step", "nearest")

# What is binarized after as many epochs as the others have.
BASELINE = "end-to-end real, threshold"
_COMPARED = (
    "notes3",
    "notes2",
    "pitches4",
    "pitches5",
    "used",
    "known",
    *OF_SETS,
)


@dataclasses.dataclass(frozen=True)
class Model:
    """A way to make piano-rolls, in all seeds.

    Attributes:
        runs: List of `Run`, those that are done.
        end: String, of `measure.ends`.
    """

    runs: list
    end: str

    @property
    def title(self):
        return title(self.runs[0], self.end)


def title(run, end):
    if run.neuron != "real":
        return f"{run.kind} {run.neuron.upper()}"
    name = "threshold" if end == "threshold" else "Bernoulli"
    return f"{'' if run.kind == 'pretrained' else f'{run.kind} '}real, {name}"


class Summary:
    """Reads what an `Experiment` has kept.

    Args:
        experiment: `Experiment`.
        name: String, the configuration.
    """

    def __init__(self, experiment, name):
        self.experiment, self.name = experiment, name
        self.real = experiment.real()

    def models(self):
        """Dictionary from a title to a `Model`."""
        config, store = self.experiment.config, self.experiment.store
        done = [
            x for x in runs(config, range(config.seeds)) if store.has(x.name)
        ]
        found = {}
        for kind, neuron in dict.fromkeys((x.kind, x.neuron) for x in done):
            members = [x for x in done if (x.kind, x.neuron) == (kind, neuron)]
            for end in ends(neuron):
                model = Model(members, end)
                found[model.title] = model
        return found

    def _done(self):
        return {x for model in self.models().values() for x in model.runs}

    def seeds(self):
        """Those of which a run is done."""
        return sorted({run.seed for run in self._done()})

    def seconds(self):
        """Of all runs together."""
        return sum(self._found(run)["total seconds"] for run in self._done())

    def _found(self, run):
        return self.experiment.store.found(run.name)

    def value(self, model, measure):
        """Mean over seeds and its standard error; of windows for one seed."""
        found = [self._found(x)["measures"][model.end] for x in model.runs]
        found = [x[measure] for x in found]
        if len(found) == 1:
            return _pair(found[0])
        values = [_pair(x)[0] for x in found]
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        return float(np.mean(values)), float(error)

    def gap(self, model, measure):
        """How far a measure is from that of real windows."""
        return abs(self.value(model, measure)[0] - self._aimed(measure))

    def _aimed(self, measure):
        """What the windows of training have, or others where it is trivial."""
        if measure in ("pitch gap", "polyphony gap"):
            return 0.0
        if measure == "coverage":
            # The test windows cover themselves.
            return self.real["validation"][measure]
        part = "test" if measure in _HELD_OUT else "train"
        return _pair(self.real[part][measure])[0]

    def _spread(self, measure):
        """How far other real windows are from it."""
        other = "validation" if measure in _HELD_OUT else "test"
        if measure == "coverage":
            other = "train"
        value = _pair(self.real[other][measure])[0]
        return abs(value - self._aimed(measure))

    def rows(self):
        """List of `results.Row`."""
        found = []
        for part, measures in self.real.items():
            for measure in (*MEASURES, *OF_SETS):
                if measure in _OF_ITSELF.get(part, ()):
                    continue
                pair = _pair(measures[measure])
                found.append(self._row(f"{part} windows", measure, pair))
        models = self.models()
        for model in models.values():
            found += self._rows_of(model, models.get(BASELINE))
        return found + self._orders(models)

    def _row(self, name, measure, pair, **against):
        value, error = pair
        told = {**MEASURES, **OF_SETS}[measure]
        samples = None
        if error is not None:
            told += " (standard error)"
            samples = (value - error, value + error)
        return results.row(
            f"{self.name}/{name}", told, value, "", samples=samples, **against
        )

    def _rows_of(self, model, baseline):
        found = [
            results.row(
                f"{self.name}/{model.title}",
                "training of a seed, one core",
                np.mean([self._core_seconds(x) for x in model.runs]),
                "s",
            )
        ]
        for measure in (*MEASURES, *OF_SETS):
            against = {}
            if measure in MEASURES:
                value = _pair(self.real["test"][measure])[0]
                against = {"against": "test windows", "against_value": value}
            pair = self.value(model, measure)
            found.append(self._row(model.title, measure, pair, **against))
        if baseline is not None and model.runs[0].neuron != "real":
            found += [self._compared(model, baseline, x) for x in _COMPARED]
        return found

    def _core_seconds(self, run):
        """Of a run, with those of what it goes on from."""
        seconds = self._found(run)["core seconds"]
        if run.goes_on:
            before = Run("pretrained", "real", run.seed)
            seconds += self._found(before)["core seconds"]
        return seconds

    def _compared(self, model, baseline, measure):
        """The gap to real windows, against thresholding after training."""
        # No model can be told from another where real windows are as far.
        bound = max(self.gap(baseline, measure), self._spread(measure))
        told = {**MEASURES, **OF_SETS}[measure]
        return results.row(
            f"{self.name}/{model.title}",
            f"gap to real windows: {told}",
            self.gap(model, measure),
            "",
            against=f"{baseline.title}, or held-out windows",
            against_value=bound,
            aim="<= 1" if bound else None,
        )

    def _orders(self, models):
        """Places in the table of Dong and Yang, here and there."""
        if not all(name in models for name in PUBLISHED):
            return []
        found, named = [], {**MEASURES, **OF_SETS}
        for place, measure in enumerate(_PUBLISHED_MEASURES):
            here = {x: self.gap(models[x], measure) for x in PUBLISHED}
            real = PUBLISHED_DATA[place]
            there = {x: abs(y[place] - real) for x, y in PUBLISHED.items()}
            for name, values in PUBLISHED.items():
                told = f"{_place(there, name)}, {values[place]} for {real}"
                found.append(
                    results.row(
                        f"{self.name}/{name}",
                        f"place of 8 by the gap of {named[measure]}",
                        _place(here, name),
                        "",
                        against=f"published place {told}",
                    )
                )
        return found


def _place(gaps, name):
    return 1 + sum(gap < gaps[name] for gap in gaps.values())


def _pair(found):
    """Mean and standard error; None for the latter where there is none."""
    return tuple(found) if isinstance(found, (list, tuple)) else (found, None)
