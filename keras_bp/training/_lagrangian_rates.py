"""Rates that fit the stiffness of the unknowns, where no rule is given."""

import keras
from keras import ops

# Weights, and with them the stiffness, change most in the first steps.
_FIRST, _EVERY, _AT_THE_START = 100, 20, 10
_PROBE = 1e-2
_FORGET = 0.1


def add_number(model, name, dtype="float32"):
    """A scalar weight of a model that is not trained, zero at first."""
    return model.add_weight(
        name=name,
        shape=(),
        dtype=dtype,
        initializer="zeros",
        trainable=False,
        autocast=False,
        aggregation="only_first_replica",
    )


def add_stiffness(model):
    """Weights for the stiffness and the stiffest direction of each unknown."""
    sizes, directions = [], []
    for place, unknown in enumerate(model.graph.unknowns):
        sizes.append(add_number(model, f"stiffness_{place}"))
        direction = model.add_weight(
            name=f"direction_{place}",
            shape=unknown.shape,
            dtype="float32",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )
        start = keras.random.normal(unknown.shape, seed=place)
        norm = ops.sqrt(ops.sum(ops.square(start)))
        direction.assign(start / norm)
        directions.append(direction)
    return sizes, directions


def value_rate(model, place):
    """Factor of the rate by which an unknown descends, a scalar."""
    if not model.rules.fits_values:
        return ops.ones(())
    return 1.0 / ops.maximum(model.stiffness[place].value, model.rho_now())


def multiplier_rate(model, place):
    """Factor of the rate by which multipliers ascend, a scalar.

    An unknown follows a force in some `stiffness / rho` steps. A multiplier
    that is kept, and is faster, goes on rising until the unknown is there: it
    swings, and the more the stiffer an unknown is. The steps of one batch are
    too few for that.
    """
    if not model.rules.fits_multipliers:
        return ops.ones(())
    rho = model.rho_now()
    if model.states == "transient" or not model.rules.fits_values:
        return rho
    return ops.square(rho) * value_rate(model, place)


def update_stiffness(model, relaxation, values):
    """Measures how stiff each unknown is, by steps of a power iteration.

    The second derivative of the augmented Lagrangian by an unknown and those
    beside it bounds the rate of its descent. It is taken from the difference
    of derivatives at two points, and from the example with the largest one.

    Args:
        model: `LagrangianModel`, whose `stiffness` and `directions` change.
        relaxation: `Relaxation`.
        values: List of unknowns.
    """
    import tensorflow as tf

    steps = model.steps.value
    due = ops.logical_or(steps < _FIRST, steps % _EVERY == 0)
    times = ops.where(due, 1, 0)
    times = ops.where(steps == 0, _AT_THE_START, times)

    def body(number, *leaves):
        count = len(values)
        sizes, directions = leaves[:count], leaves[count:]
        return [number + 1, *_measured(relaxation, values, sizes, directions)]

    kept = [x.value for x in (*model.stiffness, *model.directions)]
    _, *found = tf.while_loop(
        lambda number, *_: number < times,
        body,
        [tf.constant(0), *kept],
        maximum_iterations=_AT_THE_START,
        parallel_iterations=1,
    )
    for variable, new in zip(
        (*model.stiffness, *model.directions), found, strict=True
    ):
        sound = ops.all(ops.isfinite(new))
        variable.assign(ops.where(sound, new, variable.value))


def _measured(relaxation, values, sizes, directions):
    """Sizes, and the directions into which others were turned."""
    # Examples of a batch are moved in opposite directions, since batch
    # normalization takes away what they have in common.
    sign = 1.0 - 2.0 * ops.cast(
        ops.arange(ops.shape(values[0])[0]) % 2, "float32"
    )
    signs = [ops.reshape(sign, (-1, *(1,) * len(x.shape[1:]))) for x in values]
    ahead = [
        x + ops.cast(_PROBE * sign * direction, x.dtype)
        for x, sign, direction in zip(values, signs, directions, strict=True)
    ]
    # The same noise in both.
    with keras.StatelessScope():
        here = relaxation.linear_forces(values).values
    with keras.StatelessScope():
        there = relaxation.linear_forces(ahead).values
    found, turned = [], []
    for before, sign, a, b in zip(sizes, signs, here, there, strict=True):
        turn = ops.cast((b - a) / _PROBE, "float32") * sign
        axes = tuple(range(1, len(turn.shape)))
        size = ops.max(ops.sqrt(ops.sum(ops.square(turn), axis=axes)))
        # Rises at once, and falls slowly.
        found.append(ops.maximum(size, before + _FORGET * (size - before)))
        mean = ops.mean(turn, axis=0)
        norm = ops.sqrt(ops.sum(ops.square(mean)))
        turned.append(mean / ops.maximum(norm, 1e-30))
    return [*found, *turned]
