"""Runs of one kind of networks, trained side by side under JAX.

They are told as other runs are. A run that time cuts is told as far as it
got; no model of it is kept, and what is to be longer is begun again.
"""

import itertools
import json
import time

import keras
import numpy as np

from benchmarks import environment, results
from examples.binary_gan_parts.config import VARIANTS, is_local
from examples.binary_gan_parts.measure import evaluate
from examples.binary_gan_parts.models import make
from examples.binary_gan_parts.on_jax import Group
from examples.binary_gan_parts.training import epochs_of

_BATCH = 64
# Also evaluated, where training is that of convolutions.
_EARLY = 5


def groups(runs):
    """Lists of runs whose networks have the same layers.

    The longest of several runs of one name stands for all of them. What
    differs in numbers alone, such as the slope of a neuron, is one kind.
    Convolutions are not put side by side, which would be slower.

    Args:
        runs: Iterable of `Run`.

    Returns:
        Pair: the lists, and the runs that only TensorFlow can train.
    """
    longest, others = {}, []
    for run in runs:
        if not is_local(VARIANTS[run.variant]):
            others.append(run)
            continue
        known = longest.get(run.name)
        if known is None or known.epochs < run.epochs:
            longest[run.name] = run
    kinds = {}
    for run in longest.values():
        kinds.setdefault(_kind(run), []).append(run)
    return list(kinds.values()), others


def _kind(run):
    variant = VARIANTS[run.variant]
    kind = [run.preset, run.neuron, run.objective, run.epochs]
    kind += [variant.batch_norm, variant.fresh_latents]
    # A sigmoid has no slope, and is given one by a layer.
    kind += [variant.slope if run.neuron == "real" else variant.estimator]
    return (*kind, run.name if run.preset == "cnn" else None)


def work(runs, images, store, reference, enough):
    """Trains what is left, as long as there is time.

    Args:
        runs: List of `Run`.
        images: `Images`.
        store: `Store`.
        reference: `Reference`.
        enough: Function without arguments to a boolean, whether training ends
            with its epoch, and nothing else begins.
    """
    kinds, others = groups(runs)
    if others:
        names = ", ".join(sorted({run.kind for run in others}))
        print(f"Left out, since it needs TensorFlow: {names}.", flush=True)
    for members in kinds:
        left = [x for x in members if epochs_of(_path(store, x)) < x.epochs]
        if left and not enough():
            Training(left, images).go_on(store, reference, enough)


def _device():
    """What trains, which need not be what tells of it."""
    return f"{environment.machine()}, {environment.accelerator() or 'JAX'}"


def _path(store, run):
    return store.folder / f"{run.name}.json"


def _keep(store, run, record, pictures):
    """Keeps a record and its pictures, unless one of more epochs is told."""
    path = _path(store, run)
    if epochs_of(path) > len(record["epochs"]):
        print(f"{run.name}: the longer run that was kept stays.", flush=True)
        return
    if epochs_of(path, of_model=True):
        # What belongs to a model, which may go on.
        path.replace(path.with_suffix(".part"))
    for epoch, arrays in pictures.items():
        store.keep_weights(f"{run.name}-{epoch}", arrays)
    results.replace_file(path, json.dumps(record))


class Training:
    """Untrained runs of one kind.

    Args:
        runs: List of `Run`.
        images: `Images`.
    """

    def __init__(self, runs, images):
        self._runs = runs
        gans = []
        for run in runs:
            keras.utils.set_random_seed(run.seed)
            gans.append(make(run, images.sample_shape))
        self._group = Group(gans)
        self._pictures = {run.name: {} for run in runs}
        self._count = len(images.all)
        self._images = keras.ops.convert_to_tensor(images.all)
        self._factors = [
            1.0 if run.neuron == "real" else VARIANTS[run.variant].slope_factor
            for run in runs
        ]

    def go_on(self, store, reference, enough=lambda: False):
        """Trains, evaluates and keeps.

        Args:
            store: `Store`.
            reference: `Reference`.
            enough: Function without arguments to a boolean, whether training
                ends after an epoch, however many are left.
        """
        epochs = self._runs[0].epochs
        records = [
            {
                "device": _device(),
                "epochs": [],
                "seconds": [],
                "evaluations": {},
            }
            for _ in self._runs
        ]
        for epoch in range(epochs):
            begin = time.perf_counter()
            losses = self._group.train(self._images, self._orders(epoch))
            seconds = (time.perf_counter() - begin) / len(self._runs)
            for row, record in enumerate(records):
                record["epochs"].append(
                    {name: float(x[row]) for name, x in losses.items()}
                )
                record["seconds"].append(seconds)
            self._say(epoch + 1, records)
            over = epoch + 1 == epochs or enough()
            early = self._runs[0].preset == "cnn" and epoch + 1 == _EARLY
            if over or early:
                self._evaluate(records, epoch + 1, reference)
            if over:
                break
            self._group.scale_slopes(self._factors)
        for run, record in zip(self._runs, records, strict=True):
            _keep(store, run, record, self._pictures[run.name])

    def _orders(self, epoch):
        """The same order of images as with TensorFlow, in full batches."""
        batches = self._count // _BATCH
        return np.stack(
            [
                np.random.default_rng((run.seed, epoch))
                .permutation(self._count)[: batches * _BATCH]
                .reshape(batches, _BATCH)
                for run in self._runs
            ]
        )

    def _evaluate(self, records, epoch, reference):
        for run, record, gan in zip(
            self._runs, records, self._group.restore(), strict=True
        ):
            numbers, pictures = evaluate(gan, run, reference)
            record["evaluations"][str(epoch)] = numbers
            self._pictures[run.name][epoch] = pictures

    def _say(self, epoch, records):
        seconds = sum(record["seconds"][-1] for record in records)
        kinds = [
            kind for kind, _ in itertools.groupby(r.kind for r in self._runs)
        ]
        print(
            f"{', '.join(kinds)} ({len(records)} runs) {epoch}: "
            f"{seconds:.1f} s",
            flush=True,
        )
