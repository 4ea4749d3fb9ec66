"""The arguments of `LagrangianModel`, checked, saved and loaded."""

import warnings

import keras
from keras import ops

from keras_bp import _checks
from keras_bp.training._lagrangian_constraints import (
    CONSTRAINTS,
    INEQUALITIES,
)

_OWNER = "LagrangianModel"
_SCHEDULE = keras.optimizers.schedules.LearningRateSchedule


def check_arguments(model, given):
    """Raises unless a model and the other arguments fit together."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"{_OWNER} expects `model` to be a keras.Model. Received: "
            f"model={type(model).__module__}.{type(model).__name__}"
        )
    for name, known in (
        ("constraint", CONSTRAINTS),
        ("states", ("persistent", "transient")),
    ):
        _checks.check_one_of(name, given[name], known, owner=_OWNER)
    for name, known in (
        ("inequality", ("phr",)),
        ("stabilizer", ("optimistic", "extragradient")),
    ):
        if given[name] is not None:
            _checks.check_one_of(name, given[name], known, owner=_OWNER)
    for name in ("rho", "epsilon"):
        if not isinstance(given[name], _SCHEDULE):
            _checks.check_not_negative(name, given[name], owner=_OWNER)
    for name in ("inner_steps", "num_examples"):
        if given[name] is not None:
            _checks.check_integer(name, given[name], minimum=1, owner=_OWNER)
    if given["inequality"] is not None:
        _check_inequality(given)


def _check_inequality(given):
    if given["constraint"] not in INEQUALITIES:
        raise ValueError(
            f"{_OWNER} expects `constraint` to be one of "
            f"{sorted(INEQUALITIES)} with an inequality. Received: "
            f"constraint={given['constraint']!r}"
        )
    if given["rho"] == 0:
        raise ValueError(
            f"{_OWNER} expects `rho` to be greater than zero with an "
            "inequality. Received: rho=0"
        )


def check_reach(graph, states, inner_steps):
    """Warns of layers that nothing of the loss reaches within a batch."""
    if states == "persistent":
        return
    far = _distances(graph)
    beyond = [
        unknown.name
        for place, unknown in enumerate(graph.unknowns)
        if far[place] > inner_steps
    ]
    if beyond:
        warnings.warn(
            f"{_OWNER}: a message passes one layer in an inner step, so that "
            f"with inner_steps={inner_steps} none reaches {beyond}, which "
            f"will not learn. Use {max(far)} at least, and better some more.",
            stacklevel=3,
        )


def _distances(graph):
    """For each unknown, after how many steps the loss moves it."""
    far = [len(graph.unknowns)] * len(graph.unknowns)
    for place in graph.tail.reads:
        far[place] = 1
    # Each block comes after those that it reads.
    for block in reversed(graph.blocks):
        own = min(far[place] for place in block.unknowns)
        for place in block.reads:
            far[place] = min(far[place], own + 1)
    return far


def check_rules(model, state_optimizer, multiplier_optimizer):
    """Raises `ValueError` where rates are to fit a `rho` of zero."""
    fits = state_optimizer is None or multiplier_optimizer is None
    if fits and not isinstance(model.rho, _SCHEDULE) and model.rho == 0:
        raise ValueError(
            f"{_OWNER} expects `state_optimizer` and `multiplier_optimizer` "
            "with rho=0, since the rates are else taken from `rho`. Received: "
            f"state_optimizer={state_optimizer}, "
            f"multiplier_optimizer={multiplier_optimizer}"
        )


def scheduled(value, steps):
    """A number, or what a schedule says of a step, as a scalar tensor."""
    found = value(steps.value) if isinstance(value, _SCHEDULE) else value
    return ops.cast(found, "float32")


def loaded(config, custom_objects):
    """The arguments from a configuration."""
    config = dict(config)
    for name in ("model", "rho", "epsilon"):
        config[name] = keras.saving.deserialize_keras_object(
            config[name], custom_objects=custom_objects
        )
    return config
