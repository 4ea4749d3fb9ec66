"""The rows of `benchmarks.estimators`."""

import dataclasses
import statistics

import keras

from benchmarks import estimators_agreement as exact
from benchmarks import estimators_networks as networks
from benchmarks import estimators_rivals as rivals
from benchmarks import results, timing

_MODES = {"graph": False, "XLA": True}
_PLAIN = "plain backprop"
_ADAM = "Adam alone"
_TORCH = "PyTorch backprop"
_TORCH_ADAM = "PyTorch Adam alone"
_EAGER = "step, eager"
# What they train beside the network, which backpropagation has no like of.
_MORE = {
    "score, learned": "a network for the baseline",
    "rebar": "the gradient of a gradient",
    "relax": "the gradient of a gradient",
}


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is run.

    Attributes:
        names: Tuple of keys of `estimators_networks.ESTIMATORS`.
        rounds: Integer, how often each step is timed.
        seconds_per_round: Float, at least so long.
        repeats: Integer, estimates that are averaged.
        sizes: `estimators_networks.Sizes`, of what is timed.
    """

    names: tuple
    rounds: int
    seconds_per_round: float = 0.1
    repeats: int = 400
    sizes: networks.Sizes = networks.Sizes()


def speed(plan, rival):
    """The time of a training step.

    Args:
        plan: `Plan`.
        rival: Boolean, whether to time Storchastic.

    Returns:
        List of `results.Row`.
    """
    needed = sorted({networks.evaluations(name) for name in plan.names} - {1})
    steps = {
        (what, mode): step
        for mode, jit_compile in _MODES.items()
        for what, step in _our_steps(plan, needed, jit_compile)
    }
    refused = rivals.refusals(plan.sizes) if rival else {}
    if rival:
        steps |= _their_steps(plan, refused)
    found = timing.compare(
        steps, rounds=plan.rounds, seconds_per_round=plan.seconds_per_round
    )
    found = {key: [1e3 * x for x in times] for key, times in found.items()}
    rows = []
    for mode in _MODES:
        rows += _our_rows(plan, needed, mode, found)
    if rival:
        rows += _their_rows(plan, refused, found)
    return rows


def _our_steps(plan, needed, jit_compile):
    sizes = plan.sizes
    for count in (1, *needed):
        model = networks.plain_network(sizes, count)
        yield _several(count), networks.step(model, sizes, jit_compile)
    model = networks.plain_network(sizes)
    yield _ADAM, networks.update(model, jit_compile)
    for name in plan.names:
        model = networks.stochastic_network(sizes, name)
        yield name, networks.step(model, sizes, jit_compile)


def _several(count):
    return _PLAIN if count == 1 else f"{_PLAIN}, {count} evaluations"


def _their_steps(plan, refused):
    plain = rivals.Rival(plan.sizes)
    # Adam passes over weights without a gradient.
    plain.backward()
    steps = {_TORCH: plain.step, _TORCH_ADAM: plain.update}
    for name in rivals.METHODS:
        if name not in refused:
            steps[rivals.title(name)] = rivals.Rival(plan.sizes, name).step
    return steps


def _our_rows(plan, needed, mode, found):
    where = f"step, {mode}"
    plain = found[_PLAIN, mode]
    rows = [_row(_PLAIN, where, plain), _row(_ADAM, where, found[_ADAM, mode])]
    limits = {1: 1.0}
    for count in needed:
        times = found[_several(count), mode]
        rows.append(_row(_several(count), where, times, _PLAIN, plain))
        # Below 1 only by noise.
        limits[count] = max(rows[-1].ratio, 1.0)
    for name in plan.names:
        count = networks.evaluations(name)
        told = f"{_PLAIN} (its limit {limits[count]:.2f}"
        if name in _MORE:
            told += f" and {_MORE[name]}"
        aim = f"<= {1.2 * limits[count]:.2f}"
        rows.append(
            _row(
                name,
                where,
                found[name, mode],
                told + ")",
                plain,
                aim=None if name in _MORE else aim,
            )
        )
    return rows


def _their_rows(plan, refused, found):
    plain = found[_TORCH]
    rows = [
        _row(_TORCH, _EAGER, plain),
        _row(_TORCH_ADAM, _EAGER, found[_TORCH_ADAM]),
    ]
    for name in rivals.METHODS:
        title = rivals.title(name)
        if name in refused:
            rows.append(_refusal(title, refused[name]))
            continue
        rows.append(_row(title, _EAGER, found[title], _TORCH, plain))
    for mode in _MODES:
        for name in plan.names:
            if name in rivals.METHODS and name not in refused:
                title = rivals.title(name)
                rows.append(
                    _row(
                        name,
                        f"step, {mode}, against the rival's",
                        found[name, mode],
                        title,
                        found[title],
                        aim="<= 1.00",
                    )
                )
    return rows


def _row(name, metric, times, against=None, theirs=None, aim=None):
    return results.row(
        name,
        metric,
        statistics.median(times),
        "ms",
        samples=times,
        against=against,
        against_value=None if theirs is None else statistics.median(theirs),
        aim=aim,
    )


def _refusal(title, message):
    return results.row(title, "steps before it raised", 0, "", against=message)


def agreement(plan, rival):
    """Whether the mean of many estimates is the gradient; as `speed`."""
    rows = []
    for name in plan.names:
        bound = name == "vimco"
        model = networks.stochastic_network(exact.SIZES, name)
        unbiased = model.unbiased
        found = exact.agreement(
            exact.ours(name, plan.repeats), exact.exact(bound)
        )
        rows += _agreement_rows(name, found, unbiased)
        keras.backend.clear_session()
    if not rival:
        return rows
    refused = rivals.refusals(exact.SIZES)
    for name in rivals.METHODS:
        if name not in refused:
            found = exact.agreement(
                exact.theirs(name, plan.repeats), exact.exact()
            )
            rows += _agreement_rows(rivals.title(name), found, None)
    return rows


def _agreement_rows(name, found, unbiased):
    told = ", ".join(
        f"{place} {100 * distance:.1f}%"
        for place, distance in found.distances.items()
    )
    if unbiased is False:
        told += "; biased, as it says"
    return [
        results.row(
            name,
            "largest |z| of the mean estimate",
            found.z,
            "",
            against=f"exact gradient, off at {told}",
            aim="<= 4.5" if unbiased else None,
        )
    ]
