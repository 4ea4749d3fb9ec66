"""What an implicit step would do, without taking it."""

import dataclasses

import keras
from keras import ops

from keras_bp.training._implicit_dual import dual_gradients
from keras_bp.training._implicit_layers import wide
from keras_bp.training._implicit_layerwise import unit_solvers
from keras_bp.training._implicit_step import forward


def diagnostics(model, x, y, sample_weight):
    """See `ImplicitModel.implicit_diagnostics`."""
    x, y, sample_weight = keras.tree.map_structure(
        lambda a: None if a is None else ops.convert_to_tensor(a),
        (x, y, sample_weight),
    )
    model.build_for(x)
    states = model.non_trainable_variables
    before = [ops.copy(state.value) for state in states]
    step, _ = forward(model, x, y, sample_weight)
    if model.rule == "dual":
        found = _of_dual(step)
    elif model.rule == "truncated":
        found = {}
    else:
        found = _of_units(model, step)
    for state, value in zip(states, before, strict=True):
        state.assign(value)
    return found


def _of_dual(step):
    problems, numbers = step.problems(), step.numbers()
    none = dataclasses.replace(numbers, rate=0.0 * numbers.rate, decays={})
    squares = []
    for each in (numbers, none):
        squares.append(
            {
                id(problem.part): _square(values)
                for problem, values in zip(
                    problems, dual_gradients(problems, each), strict=True
                )
            }
        )
    found = {}
    for layer, _ in step.layers:
        parts = [id(part) for part in step.parts[id(layer)]]
        implicit, explicit = (
            sum(each[part] for part in parts if part in each)
            for each in squares
        )
        found[layer.name] = {"damping": _ratio(implicit, explicit)}
    return found


def _of_units(model, step):
    solvers, _ = unit_solvers(model, step, ops.ones(()))
    found = {}
    for use, solver in solvers:
        several, kink = solver.roots()
        found[use.layer.name] = {
            "damping": _ratio(
                _square([solver.solved()]), _square([solver.explicit()])
            ),
            "several_roots": float(several),
            "kink_hits": float(kink),
        }
    return found


def _square(tensors):
    return float(sum(ops.sum(ops.square(wide(x))) for x in tensors))


def _ratio(implicit, explicit):
    return (implicit / explicit) ** 0.5 if explicit > 0 else 1.0
