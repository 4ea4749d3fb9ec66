"""Smaller models without the neurons that no constraint is active for."""

import numbers

import keras
import numpy as np
from keras import ops

from keras_bp import _checks
from keras_bp.training._lagrangian_chains import CONVOLUTIONS, chains_of
from keras_bp.training._lagrangian_copy import Change, copied
from keras_bp.training._lagrangian_diagnostics import relaxed
from keras_bp.training._lagrangian_fit import check_numbers
from keras_bp.training._lagrangian_relaxation import Wanted
from keras_bp.training._lagrangian_tables import split

_OWNER = "export_support_network"
RANKINGS = ("support", "magnitude", "random")
# As in `LagrangianModel.support`.
_TOLERANCE = 1e-6


def export_support_network(
    model, x, y=None, drop=None, by="support", seed=None, batch_size=256
):
    """Exports a smaller model; see `LagrangianModel.export_support_network`."""
    pruner = Pruner(model, x, y, batch_size)
    return pruner.export(drop, by, seed)


class Pruner:
    """Exports models with fewer neurons, and measures only once.

    Args:
        model, x, y, batch_size: As for `export_support_network`.

    Attributes:
        chains: List of `Chain`, what can be pruned.
        whole: Dictionary from the names of the other unknowns to the reason.
    """

    def __init__(self, model, x, y=None, batch_size=256):
        _checks.check_integer("batch_size", batch_size, minimum=1, owner=_OWNER)
        _check_examples(x, y)
        self.model, self.x, self.y = model, x, y
        self.batch_size = batch_size
        self.chains, self.whole = chains_of(model.graph)
        if not self.chains:
            raise ValueError(
                f"{_OWNER} found no layer that it can prune in "
                f"{model.model.name!r}: {_told(self.whole)}"
            )
        self._means = self._forces = None

    def export(self, drop=None, by="support", seed=None):
        """A smaller model, and what was kept."""
        _checks.check_one_of("by", by, RANKINGS, owner=_OWNER)
        kept = self._kept(drop, by, seed)
        network, _ = copied(
            self.model.graph, self.model.model, self._changes(kept)
        )
        return network, self._report(kept)

    def _kept(self, drop, by, seed):
        """Boolean arrays of neurons, one for each chain."""
        random = np.random.default_rng(seed)
        if drop is not None and not isinstance(drop, dict):
            _checks.check_rate("drop", drop, owner=_OWNER)
            drop = {chain.name: drop for chain in self.chains}
        if drop is None:
            drop = {
                chain.name: self.forces()[0][place] <= _TOLERANCE
                for place, chain in enumerate(self.chains)
            }
            if by != "support":
                # As many of each layer, so that they compare.
                drop = {
                    name: min(dropped.sum(), len(dropped) - 1) / len(dropped)
                    for name, dropped in drop.items()
                }
        self._check_names(drop)
        kept = []
        for place, chain in enumerate(self.chains):
            dropped = _mask(chain, drop.get(chain.name, 0.0))
            rank = None
            # Forces may be unknown, and are asked for where they matter.
            if dropped.all() if dropped.ndim else dropped > 0:
                rank = self._rank(place, by, random)
            kept.append(_selected(chain, dropped, rank))
        return kept

    def _check_names(self, drop):
        known = [chain.name for chain in self.chains]
        wrong = [name for name in drop if name not in known]
        if wrong:
            reasons = {n: self.whole[n] for n in wrong if n in self.whole}
            raise ValueError(
                f"{_OWNER} expects `drop` to name layers that it can prune, "
                f"{known}. Received: {wrong}. {_told(reasons)}"
            )

    def _rank(self, place, by, random):
        """How much each neuron counts; what counts least is dropped first."""
        chain = self.chains[place]
        if by == "random":
            return random.permutation(chain.units)
        if by == "support":
            return self.forces()[1][place]
        incoming = np.asarray(chain.source.get_weights()[0], "float64")
        incoming = np.square(incoming).reshape(-1, chain.units).sum(axis=0)
        outgoing = np.asarray(chain.reader.get_weights()[0], "float64")
        outgoing = np.square(outgoing).sum(axis=-1)
        outgoing = outgoing.reshape(-1, chain.units).sum(axis=0)
        return np.sqrt(incoming * outgoing)

    def forces(self):
        """The largest and the root mean square force of each neuron.

        Returns:
            Two lists of float arrays `(units,)`, one for each chain.
        """
        if self._forces is None:
            largest = [np.zeros(chain.units) for chain in self.chains]
            squares, count = [0.0] * len(self.chains), 0
            for pulls in self._pulls():
                for place, chain in enumerate(self.chains):
                    pull = np.asarray(pulls[chain.place], "float64")
                    pull = np.abs(pull.reshape(-1, chain.units))
                    largest[place] = np.maximum(largest[place], pull.max(0))
                    squares[place] += np.square(pull).sum(axis=0)
                count += len(pulls[0])
            self._forces = largest, [np.sqrt(x / count) for x in squares]
        return self._forces

    def _pulls(self):
        """Forces of batches, a list of arrays for each."""
        model = self.model
        if self.y is None:
            if model.tables is None:
                raise ValueError(
                    f"{_OWNER} expects `y` for the forces, unless states are "
                    "persistent and the model was fitted. Received: y=None"
                )
            yield model.tables.forces()
            return
        if not model.compiled:
            raise ValueError(
                f"{_OWNER} expects a compiled model, whose loss the forces "
                "come from. Received: a model before `compile`"
            )
        for x, y in self._batches((self.x, self.y)):
            check_numbers(model, x)
            with keras.StatelessScope():
                relaxation, states, _ = relaxed(model, x, y)
                forces = relaxation.forces(
                    states.values, states.multipliers, Wanted(states=False)
                )
            yield [ops.convert_to_numpy(pull) for pull in forces.pulls]

    def _batches(self, data):
        size = len(keras.tree.flatten(data)[0])
        for start in range(0, size, self.batch_size):
            part = slice(start, start + self.batch_size)
            yield keras.tree.map_structure(
                lambda a, part=part: ops.convert_to_tensor(a[part]), data
            )

    def means(self):
        """What the reader of each chain reads, on average over examples."""
        if self._means is None:
            whole, tensors = copied(self.model.graph, self.model.model, {})
            taps = keras.Model(
                whole.input, [tensors[c.slot.index] for c in self.chains]
            )
            sums, count = [0.0] * len(self.chains), 0
            for x in self._batches(split(self.x)[1]):
                found = keras.tree.flatten(taps(x, training=False))
                found = [np.asarray(ops.cast(a, "float64")) for a in found]
                count += len(found[0])
                sums = [
                    total + a.sum(axis=0)
                    for total, a in zip(sums, found, strict=True)
                ]
            self._means = [total / count for total in sums]
        return self._means

    def _changes(self, kept):
        changes = {}
        for chain, mean, mask in zip(
            self.chains, self.means(), kept, strict=True
        ):
            if mask.all():
                continue

            def change(layer):
                return changes.setdefault(id(layer), Change())

            read = np.tile(mask, chain.positions)
            change(chain.source).outputs = mask
            for layer, positions in chain.between:
                change(layer).outputs = np.tile(mask, positions)
            change(chain.reader).inputs = read
            change(chain.reader).shift = _contribution(
                chain.reader, np.where(read, 0.0, mean)
            )
        return changes

    def _report(self, kept):
        report = {
            chain.name: {
                "units": chain.units,
                "kept": int(mask.sum()),
                "is_kept": mask,
                "whole_because": None,
            }
            for chain, mask in zip(self.chains, kept, strict=True)
        }
        for unknown in self.model.graph.unknowns:
            if unknown.name in self.whole:
                units = unknown.shape[-1]
                report[unknown.name] = {
                    "units": units,
                    "kept": units,
                    "is_kept": np.ones(units, bool),
                    "whole_because": self.whole[unknown.name],
                }
        return {u.name: report[u.name] for u in self.model.graph.unknowns}


def _check_examples(x, y):
    data = [split(x)[1]] if y is None else [split(x)[1], y]
    leaves = keras.tree.flatten(data)
    if not all(getattr(leaf, "shape", ()) for leaf in leaves):
        raise TypeError(
            f"{_OWNER} expects arrays of examples. Received: x of type "
            f"{type(x).__name__}, y of type {type(y).__name__}"
        )
    sizes = [leaf.shape[0] for leaf in leaves]
    if len(set(sizes)) > 1 or sizes[0] == 0:
        raise ValueError(
            f"{_OWNER} expects as many examples in `x` as in `y`, and one at "
            f"least. Received: {sizes}"
        )


def _mask(chain, dropped):
    """How many neurons, or which, are to be dropped."""
    if isinstance(dropped, numbers.Real) and not isinstance(dropped, bool):
        _checks.check_rate("drop", dropped, owner=_OWNER)
        return np.array(round(dropped * chain.units))
    mask = np.asarray(dropped)
    sizes = (chain.units, chain.units * chain.positions)
    if mask.dtype != bool or mask.ndim != 1 or len(mask) not in sizes:
        raise ValueError(
            f"{_OWNER} expects `drop` of {chain.name!r} to be a number in "
            f"[0, 1), or a boolean array of shape ({chain.units},). Received: "
            f"an array of shape {mask.shape} and type {mask.dtype}"
        )
    # A channel is dropped if it is everywhere.
    return mask.reshape(-1, chain.units).all(axis=0)


def _selected(chain, dropped, rank):
    """Boolean array of the neurons to keep, one at least."""
    if dropped.ndim:
        kept = ~dropped
    else:
        kept = np.ones(chain.units, bool)
        if dropped > 0:
            kept[np.argsort(rank, kind="stable")[: int(dropped)]] = False
    if not kept.any():
        kept[np.argmax(rank)] = True
    return kept


def _contribution(reader, values):
    """What a layer makes of values on average, beside its bias."""
    kernel = np.asarray(reader.get_weights()[0], "float64")
    if isinstance(reader, CONVOLUTIONS):
        values = ops.conv(
            ops.convert_to_tensor(values[None], "float32"),
            ops.convert_to_tensor(kernel, "float32"),
            strides=reader.strides,
            padding=reader.padding,
            data_format="channels_last",
            dilation_rate=reader.dilation_rate,
        )
        found = ops.convert_to_numpy(values)
    else:
        found = values @ kernel
    return found.reshape(-1, found.shape[-1]).mean(axis=0)


def _told(reasons):
    return "; ".join(f"{name!r}: {why}" for name, why in reasons.items())
