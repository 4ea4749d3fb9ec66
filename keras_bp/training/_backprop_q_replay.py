"""Tuples of earlier batches, and what is drawn from them again."""

import math

from keras import ops

from keras_bp import _random
from keras_bp.training._axes import Axes
from keras_bp.training._backprop_q_plan import needed_steps
from keras_bp.training._pass import Draw, Mode, Pass
from keras_bp.training.stochastic_graph import slots_in


class Resampled(Pass):
    """The part of a graph below a node, drawn anew.

    Args:
        graph: `StochasticGraph`.
        record: Dictionary, as `record_of` returns it.
        plan: `Plan`, whose scope is taken from the record.
        slots: List of `Slot`, what is wanted.
    """

    def __init__(self, graph, record, plan, slots):
        self.graph, self.mode = graph, Mode(folded=False)
        self.axes = Axes(ops.shape(next(iter(record.values())))[0], graph.nodes)
        self.draws, self.costs, self.weights = {}, {}, {}
        self._below, self._given = None, {}
        self._values = {
            slot.index: (record["input", slot.index], ())
            for slot in graph.inputs
            if ("input", slot.index) in record
        }
        for each in plan.inputs:
            if each.kind == "noise":
                index = each.place.index
                self._values[index] = record["noise", index], ()
        for name in plan.scope:
            value = record["node", name]
            self.draws[name] = Draw(None, None, value, ())
            step = graph.nodes[name]
            (slot,) = slots_in(step.outputs)
            self._values[slot.index] = step.operation.to_output(value), ()
        self._run(needed_steps(graph, plan.given, slots))


def record_of(run, plans, targets):
    """What the scopes of some plans hold in a pass.

    Args:
        run: `Pass` of one sample of each example.
        plans: Iterable of `Plan`.
        targets: Dictionary from an output to its target.

    Returns:
        Dictionary from a kind and a name to a tensor.
    """
    found = {}
    for plan in plans:
        for each in plan.inputs:
            if each.kind == "node":
                found["node", each.name] = run.draws[each.name].value
            elif each.kind == "target":
                found["target", each.name] = ops.convert_to_tensor(
                    targets[each.name]
                )
            else:
                found[each.kind, each.place.index] = run.value(each.place)[0]
    return {key: ops.stop_gradient(value) for key, value in found.items()}


def repeated(record, times):
    """Each tuple so many times."""
    if times == 1:
        return record
    return {
        key: ops.tile(x, (times, *(1,) * (len(x.shape) - 1)))
        for key, x in record.items()
    }


def targets_in(record):
    return {name: x for (kind, name), x in record.items() if kind == "target"}


def check_memory(plans, graph, options, owner, widths):
    """Refuses a replay that is larger than the memory it may take.

    Args:
        plans: Iterable of `Plan`.
        graph: `StochasticGraph`.
        options: `ReplayOptions`.
        owner: String, for the message of an error.
        widths: Integer, bytes of a number.

    Returns:
        Integer, the bytes that it takes.
    """
    shapes = {}
    for plan in plans:
        for each in plan.inputs:
            shape = each.shape if each.classes is None else each.shape[:-1]
            # A layer may have several outputs.
            shapes[each.kind, each.name, each.place] = shape
    numbers = sum(math.prod(shape) for shape in shapes.values())
    needed = options.size * numbers * widths
    if needed > options.memory:
        raise ValueError(
            f"{owner} expects a replay that fits into memory="
            f"{options.memory:,} bytes. Received: size={options.size:,} tuples "
            f"of {numbers:,} numbers, {needed:,} bytes. Take up to "
            f"{options.memory // (numbers * widths):,} tuples, or allow more "
            "by ReplayOptions(memory=...)"
        )
    for name, step in graph.nodes.items():
        node = step.operation
        if node.samples > 1 or node.rule.enumerates:
            raise ValueError(
                f"{owner} expects one sample of each node for a replay. "
                f"Received: samples={node.samples}, "
                f"estimator={node.rule.name!r} of the node {name!r}"
            )
    return needed


class Replay:
    """A ring of tuples, in variables that are not saved.

    Args:
        size: Integer.
        record: Dictionary from a key to a tensor, a batch whose shapes and
            types it takes.
        seed_generator: `keras.random.SeedGenerator`.
    """

    def __init__(self, size, record, seed_generator):
        import tensorflow as tf

        self._size, self._seed = size, seed_generator
        self._ring = {
            key: tf.Variable(
                tf.zeros((size, *value.shape[1:]), value.dtype), trainable=False
            )
            for key, value in record.items()
        }
        self._count = tf.Variable(0, dtype="int64", trainable=False)

    def push(self, record):
        """Puts a batch in the place of the oldest tuples."""
        import tensorflow as tf

        # Of a batch larger than the ring the end is kept.
        record = {key: value[-self._size :] for key, value in record.items()}
        rows = tf.shape(next(iter(record.values())), "int64")[0]
        place = (self._count + tf.range(rows)) % self._size
        for key, value in record.items():
            self._ring[key].scatter_nd_update(place[:, None], value)
        self._count.assign_add(rows)

    def draw(self, number):
        """So many tuples, each as likely as any other."""
        import tensorflow as tf

        held = tf.minimum(self._count, self._size)
        u = _random.uniform((number,), self._seed, "float64")
        index = tf.cast(u * tf.cast(held, "float64"), "int64")
        return {
            key: tf.gather(value, index) for key, value in self._ring.items()
        }
