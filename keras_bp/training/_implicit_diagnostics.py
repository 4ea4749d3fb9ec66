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
    gradients, roots = {}, {}
    for use, solver in solvers:
        implicit = solver.weight_gradients(solver.solved())
        explicit = solver.weight_gradients(solver.explicit(), shrinks=False)
        # What several calls ask of a weight adds up.
        sums = gradients.setdefault(use.layer.name, {})
        for weight, *pair in zip(
            use.call.weights, implicit, explicit, strict=True
        ):
            had = sums.get(id(weight), (0.0, 0.0))
            sums[id(weight)] = [a + b for a, b in zip(had, pair, strict=True)]
        roots.setdefault(use.layer.name, []).append(solver.roots())
    found = {}
    for name, sums in gradients.items():
        squares = [_square(each) for each in zip(*sums.values(), strict=True)]
        # Shares of all calls: each has as many units and examples.
        several, kink = (
            ops.mean(ops.stack(x)) for x in zip(*roots[name], strict=True)
        )
        found[name] = {
            "damping": _ratio(*squares),
            "several_roots": float(several),
            "kink_hits": float(kink),
        }
    return found


def _square(tensors):
    return float(sum(ops.sum(ops.square(wide(x))) for x in tensors))


def _ratio(implicit, explicit):
    return (implicit / explicit) ** 0.5 if explicit > 0 else 1.0
