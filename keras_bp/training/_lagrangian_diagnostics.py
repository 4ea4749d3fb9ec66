"""What the constraints, multipliers and gradients of a batch look like."""

import keras
import numpy as np
from keras import ops

from keras_bp.training._lagrangian_fit import check_numbers, has_arrays
from keras_bp.training._lagrangian_rates import update_stiffness
from keras_bp.training._lagrangian_relax import relax
from keras_bp.training._lagrangian_relaxation import Relaxation, Wanted
from keras_bp.training._lagrangian_step import start
from keras_bp.training._lagrangian_tables import split
from keras_bp.training._local_trace import traced


def diagnostics(model, x, y, sample_weight):
    """Measures a batch without a step; see `LagrangianModel`."""
    _check_ready(model, x, y)

    def measured(x, y, sample_weight):
        # Nothing that a layer or a seed keeps changes.
        with keras.StatelessScope():
            return _measured(model, x, y, sample_weight)

    compute = traced(model, "diagnostics", measured)
    found = keras.tree.map_structure(
        ops.convert_to_numpy, compute(x, y, sample_weight)
    )
    outputs = found.pop("forward"), found.pop("relaxed")
    for name, values in zip(("forward", "relaxed"), outputs, strict=True):
        accuracy = _accuracy(y, values)
        if accuracy is not None:
            found["total"][f"{name}_accuracy"] = accuracy
    return keras.tree.map_structure(float, found)


def _check_ready(model, x, y):
    """Raises unless forces can be measured: they come from the loss.

    Numbers of examples may be there, and are then those of kept states.
    """
    if not model.compiled:
        raise ValueError(
            "LagrangianModel expects `compile` before its forces are asked "
            "for, which come from the loss. Received: a model that is not "
            "compiled"
        )
    if not (has_arrays(x) and has_arrays(y)):
        raise TypeError(
            "LagrangianModel expects `x` and `y` to be arrays or tensors, or "
            f"structures of them. Received: x={type(x)}, y={type(y)}"
        )
    check_numbers(model, x)


def relaxed(model, x, y, sample_weight=None):
    """`Relaxation` of a batch, its `States`, and the plain outputs.

    The states are those at which a step of training turns the weights.
    """
    index, x = split(x)
    index = index if model.states == "persistent" else None
    relaxation = Relaxation(model, x, y, sample_weight)
    states, _ = start(model, relaxation, index)
    if model.rules.fits_values:
        update_stiffness(model, relaxation, states.values)
    # The last step of states that are kept is taken beside the weights.
    steps = model.inner_steps - int(index is not None)
    states = relax(model, relaxation, states, steps)
    with keras.StatelessScope():
        return relaxation, states, relaxation.plain_outputs()


def _measured(model, x, y, sample_weight):
    relaxation, states, outputs = relaxed(model, x, y, sample_weight)
    # In a scope of its own, with the noise that the steps had.
    with keras.StatelessScope():
        forces = relaxation.forces(
            states.values,
            states.multipliers,
            Wanted(states=False, weights=True),
        )
    total = _totals(model, relaxation, forces, states)
    found = {
        "layers": _layers(model, forces, states, relaxation),
        "total": {"forward_loss": relaxation.loss(outputs), **total},
        "forward": outputs,
        "relaxed": forces.outputs,
    }
    _add_cosines(model, relaxation, forces, found)
    return found


def _totals(model, relaxation, forces, states):
    rule = model.constraint_rule
    terms = violation = 0.0
    for r, multiplier in zip(forces.residuals, states.multipliers, strict=True):
        point = relaxation.point(r.dtype)
        cost = ops.sum(rule.cost(r, multiplier, *point))
        terms += ops.cast(cost, "float32") / relaxation.size
        beyond = ops.sum(ops.relu(ops.abs(r) - point[1]))
        violation += ops.cast(beyond, "float32") / relaxation.size
    return {
        "relaxed_loss": forces.loss,
        "lagrangian": ops.cast(forces.loss, terms.dtype) + terms,
        "violation": violation,
    }


def _layers(model, forces, states, relaxation):
    found = {}
    for place, unknown in enumerate(model.graph.unknowns):
        size = ops.abs(forces.residuals[place])
        epsilon = relaxation.point(size.dtype)[1]
        found[unknown.name] = {
            "residual_mean": ops.mean(size),
            "residual_max": ops.max(size),
            "outside": ops.mean(ops.cast(size > epsilon, "float32")),
            "multiplier": ops.sqrt(
                ops.mean(ops.square(states.multipliers[place]))
            ),
            "force": ops.sqrt(ops.mean(ops.square(forces.pulls[place]))),
        }
    return found


def _add_cosines(model, relaxation, forces, found):
    """Cosines of the local gradient with the backpropagated one."""
    import tensorflow as tf

    weights = model.trainable_variables
    with tf.GradientTape() as tape, keras.StatelessScope():
        loss = relaxation.loss(relaxation.plain_outputs())
    true = tape.gradient(loss, [x.value for x in weights])
    true = {id(w): g for w, g in zip(weights, true, strict=True)}
    for block in model.graph.blocks:
        name = model.graph.unknowns[block.unknowns[0]].name
        pairs = [
            (forces.weights.get(id(w)), true[id(w)]) for w in block.weights()
        ]
        pairs = [
            [
                ops.reshape(
                    ops.cast(ops.convert_to_tensor(x), "float32"), (-1,)
                )
                for x in pair
            ]
            for pair in pairs
            if pair[0] is not None and pair[1] is not None
        ]
        if pairs:
            a, b = (ops.concatenate(x) for x in zip(*pairs, strict=True))
            norm = ops.sqrt(ops.sum(a * a) * ops.sum(b * b))
            found["layers"][name]["cosine"] = ops.sum(a * b) / ops.maximum(
                norm, 1e-30
            )


def _accuracy(y, outputs):
    """Share of integer labels at the largest output, or None."""
    y = ops.convert_to_numpy(y) if hasattr(y, "shape") else None
    if y is None or not hasattr(outputs, "shape"):
        return None
    # The largest of one is no prediction of a class.
    if outputs.shape[-1] == 1:
        return None
    if y.ndim == outputs.ndim and y.shape[-1] == 1:
        y = y[..., 0]
    if y.dtype.kind not in "iu" or y.shape != outputs.shape[:-1]:
        return None
    return np.mean(np.argmax(outputs, axis=-1) == y)


def support(model, x, y, tolerance):
    """Which neurons carry a multiplier; see `LagrangianModel.support`."""
    if x is None:
        if model.tables is None:
            raise ValueError(
                "LagrangianModel expects a batch, `x` and `y`, where it keeps "
                "no states of examples. Received: x=None"
            )
        return _counted(
            model,
            model.tables.forces(),
            tolerance,
        )
    _check_ready(model, x, y)
    x = keras.tree.map_structure(ops.convert_to_tensor, x)
    y = keras.tree.map_structure(ops.convert_to_tensor, y)
    with keras.StatelessScope():
        relaxation, states, _ = relaxed(model, x, y)
        forces = relaxation.forces(
            states.values, states.multipliers, Wanted(states=False)
        )
    pulls = [ops.convert_to_numpy(pull) for pull in forces.pulls]
    return _counted(model, pulls, tolerance)


def _counted(model, forces, tolerance):
    found = {}
    for unknown, force in zip(model.graph.unknowns, forces, strict=True):
        active = np.abs(force) > tolerance
        neurons = active.any(axis=tuple(range(active.ndim - 1)))
        found[unknown.name] = {
            "pairs": float(active.mean()),
            "neurons": float(neurons.mean()),
            "is_support": neurons,
        }
    return found
