"""Descent on unknowns and ascent on multipliers, all layers at once."""

import dataclasses

import keras
from keras import ops

from keras_bp.training._lagrangian_rates import multiplier_rate, value_rate


@dataclasses.dataclass
class States:
    """Unknowns and multipliers of some examples, and what moves them.

    Attributes:
        values, multipliers: Lists of tensors `(examples, ...)`.
        value_slots, multiplier_slots: Lists of lists of such tensors.
        count: Tensor `(examples,)`, steps taken so far.
    """

    values: list
    multipliers: list
    value_slots: list
    multiplier_slots: list
    count: object

    def cast(self, dtypes):
        """The same, with a type for each unknown and what belongs to it."""

        def each(part):
            return [
                keras.tree.map_structure(lambda x, d=d: ops.cast(x, d), own)
                for own, d in zip(part, dtypes, strict=True)
            ]

        return States(*(each(part) for part in self.parts()), self.count)

    def parts(self):
        """What the steps change, as one structure."""
        return [
            self.values,
            self.multipliers,
            self.value_slots,
            self.multiplier_slots,
        ]


def fresh(model, values):
    """`States` that begin at some unknowns, with multipliers of zero."""
    zeros = [ops.zeros_like(x) for x in values]
    return States(
        list(values),
        zeros,
        [[z] * model.rules.values.slots for z in zeros],
        [[z] * model.rules.multipliers.slots for z in zeros],
        ops.zeros((ops.shape(values[0])[0],), "int32") if values else None,
    )


def relax(model, relaxation, states, steps):
    """`States` after some steps with weights that stay as they are."""
    import tensorflow as tf

    if not steps or not states.values:
        return states

    def body(number, *leaves):
        found = keras.tree.pack_sequence_as(states.parts(), list(leaves))
        now = States(*found, states.count + number)
        moved = move(model, now, pulls(model, relaxation, now))
        return [number + 1, *keras.tree.flatten(moved.parts())]

    leaves = keras.tree.flatten(states.parts())
    _, *leaves = tf.while_loop(
        lambda number, *_: number < steps,
        body,
        [tf.constant(0), *leaves],
        maximum_iterations=steps,
        parallel_iterations=1,
    )
    found = keras.tree.pack_sequence_as(states.parts(), leaves)
    return States(*found, states.count + steps)


def pulls(model, relaxation, states):
    """`Forces` that the next step follows."""
    # In a scope each: the same noise in every step, and statistics that stay.
    with keras.StatelessScope():
        forces = relaxation.forces(states.values, states.multipliers)
    if model.stabilizer != "extragradient":
        return forces
    ahead = move(model, states, forces)
    with keras.StatelessScope():
        return relaxation.forces(ahead.values, ahead.multipliers)


def move(model, states, forces):
    """`States` one step on."""
    moved = States([], [], [], [], states.count)
    for place, value in enumerate(states.values):
        step, slots = model.rules.values.step(
            forces.values[place],
            states.value_slots[place],
            states.count,
            value_rate(model, place),
        )
        moved.values.append(value + step)
        moved.value_slots.append(slots)
        step, slots = model.rules.multipliers.step(
            -forces.multipliers[place],
            states.multiplier_slots[place],
            states.count,
            multiplier_rate(model, place),
        )
        multiplier = states.multipliers[place] + step
        if model.constraint_rule.projected:
            multiplier = ops.relu(multiplier)
        moved.multipliers.append(multiplier)
        moved.multiplier_slots.append(slots)
    return moved
