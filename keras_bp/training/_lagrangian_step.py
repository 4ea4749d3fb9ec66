"""One step of `LagrangianModel`."""

import keras
from keras import ops

from keras_bp.training._implicit_apply import apply, restore, statistics
from keras_bp.training._lagrangian_rates import update_stiffness
from keras_bp.training._lagrangian_relax import fresh, move, pulls, relax
from keras_bp.training._lagrangian_relaxation import Relaxation, Wanted
from keras_bp.training._lagrangian_tables import split, wrong_index
from keras_bp.training._local_checks import check_losses
from keras_bp.training._local_trace import settled
from keras_bp.training._replicas import gathered, replicas

# What `trouble` is set to.
DIVERGED, WRONG_INDEX = 1, 2
# A residual of this size is as good as infinite.
_TOO_LARGE = 1e6


def train_step(model, data):
    """Steps once; returns what `fit` logs."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    index, x = split(x)
    if model.states != "persistent":
        index = None
    before = statistics(model)
    relaxation = Relaxation(model, x, y, sample_weight)
    states, outputs = start(model, relaxation, index)
    if model.rules.fits_values:
        _measure_stiffness(model, relaxation, states.values, data)
    persistent = index is not None
    states = relax(
        model, relaxation, states, model.inner_steps - int(persistent)
    )
    forces = relaxation.forces(
        states.values,
        states.multipliers,
        Wanted(
            states=persistent,
            weights=True,
            scale=model.optimizer.scale_loss(ops.ones(())),
        ),
    )
    check_losses(model.graph.steps, type(model).__name__)
    # Replicas step together, or none does.
    trouble = ops.max(gathered(_trouble(model, forces, index)))
    sound = trouble == 0
    if persistent:
        ahead = forces
        if model.stabilizer == "extragradient":
            ahead = pulls(model, relaxation, states)
        _keep(model, relaxation, move(model, states, ahead), index, sound)
        outputs = forces.outputs
    loss = model.compute_loss(
        x=x, y=y, y_pred=outputs, sample_weight=sample_weight, training=True
    )
    loss = _move_weights(model, forces, loss, sound)
    restore(model, before, sound)
    model.trouble.assign(ops.where(sound, model.trouble.value, trouble))
    _report(model, forces, loss, ops.shape(keras.tree.flatten(x)[0])[0])
    return model.compute_metrics(x, y, outputs, sample_weight)


def _move_weights(model, forces, loss, sound):
    """Steps where that is sound, and counts; returns the loss before it."""
    gradients = [forces.weights.get(id(w)) for w in model.trainable_variables]
    # Penalties of the loss are those of weights that have not moved yet.
    *gradients, loss = settled([*gradients, loss])
    apply(model, gradients, sound)
    model.steps.assign_add(1)
    for optimizer in (model.state_optimizer, model.multiplier_optimizer):
        optimizer.iterations.assign_add(1)
    return loss


def _measure_stiffness(model, relaxation, values, data):
    if replicas() > 1:
        # Of the whole batch, by each of them: they cannot wait for each other
        # in a loop.
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(
            gathered(data)
        )
        values = gathered(values)
        with keras.StatelessScope():
            relaxation = Relaxation(model, split(x)[1], y, sample_weight)
    update_stiffness(model, relaxation, values)


def start(model, relaxation, index):
    """`States` where the steps of a batch begin, and the plain outputs."""
    if index is None:
        with keras.StatelessScope():
            forward, outputs = relaxation.forward()
        return fresh(model, forward), outputs
    states = model.tables.read(_inside(index, model.tables))
    with keras.StatelessScope():
        if model.transport:
            # They keep their distance to where the constraints hold now.
            states.values, outputs = relaxation.forward(states.values)
            return states.cast([x.dtype for x in states.values]), outputs
        forward, outputs = relaxation.forward()
    states = states.cast([x.dtype for x in forward])
    new = states.count == 0
    states.values = [
        ops.where(ops.reshape(new, (-1, *(1,) * (len(a.shape) - 1))), a, b)
        for a, b in zip(forward, states.values, strict=True)
    ]
    return states, outputs


def _inside(index, tables):
    return ops.clip(index, 0, tables.num_examples - 1)


def _keep(model, relaxation, states, index, sound):
    if model.transport:
        with keras.StatelessScope():
            states.values = relaxation.residuals(states.values)
    states.count = states.count + 1
    model.tables.write(_inside(index, model.tables), states, sound)


def _trouble(model, forces, index):
    """What is wrong with a step, as a number, or zero, `(1,)`."""
    sound = ops.isfinite(forces.loss)
    for r, pull in zip(forces.residuals, forces.pulls, strict=True):
        size = ops.max(ops.abs(r))
        fine = ops.logical_and(size < _TOO_LARGE, ops.all(ops.isfinite(pull)))
        sound = ops.logical_and(sound, fine)
    trouble = ops.where(sound, 0, DIVERGED)
    if index is not None:
        wrong = wrong_index(gathered(index), model.tables.num_examples)
        trouble = ops.where(wrong, WRONG_INDEX, trouble)
    return ops.expand_dims(trouble, 0)


def _report(model, forces, loss, size):
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(loss * replicas(), sample_weight=size)
    sizes = [ops.mean(ops.abs(r)) for r in forces.residuals]
    model.residual_tracker.update_state(
        sum(sizes) / len(sizes), sample_weight=size
    )
