"""Hostile arguments are refused by a message, or give a right answer.

Of every public function and class. A larger run, once in a while:
`KERAS_BP_EXAMPLES=500 pytest tests/conformance/test_arguments.py`.
"""

import inspect
import os

import argument_exports  # noqa: F401
import argument_maps  # noqa: F401
import argument_metrics  # noqa: F401
import argument_ops  # noqa: F401
import argument_optics  # noqa: F401
import argument_training  # noqa: F401
import hypothesis
import keras
import numpy as np
import pytest
import tensorflow as tf
from argument_cases import CASES, EXEMPT
from argument_values import (
    OPTIONS,
    all_finite,
    changed,
    defaults_of,
    limited,
    moderate,
    no_nan,
)
from catalogue import public_objects
from hypothesis import strategies

from keras_bp import _checks
from tflite_export.tools import MissingToolError

OBJECTS = {
    path: value
    for path, value in public_objects()
    if inspect.isclass(value) or inspect.isfunction(value)
}
EXAMPLES = int(os.environ.get("KERAS_BP_EXAMPLES", "0"))


def test_every_public_object_has_a_case():
    missing = set(OBJECTS) - set(CASES) - set(EXEMPT)
    assert not missing, (
        f"Add {sorted(missing)} to tests/conformance/argument_*.py, or "
        "to EXEMPT in argument_cases.py with the reason why not."
    )
    unknown = (set(CASES) | set(EXEMPT)) - set(OBJECTS)
    assert not unknown, f"These are not public: {sorted(unknown)}"
    assert not set(CASES) & set(EXEMPT)


def refused(case, given):
    """The errors that are an answer, by the names of hostile arguments."""
    found = (ValueError, TypeError, MissingToolError, *case.accepts)
    if any(name in case.data for name in given):
        # Of tensors that do not fit together, in TensorFlow's own words.
        found += (tf.errors.OpError,)
    return found


def check(path, given):
    """Calls what is public with some arguments that it may not take."""
    case = CASES[path]
    function = case.call or OBJECTS[path]
    arguments = {**case.arguments(), **given}
    try:
        with limited(), np.errstate(all="ignore"):
            found = case.then(function(**arguments))
    except refused(case, given):
        return
    defaults = {**defaults_of(function), **case.arguments()}
    for name, value in given.items():
        number = type(defaults[name]) in (int, float)
        nan = isinstance(value, float) and value != value
        assert name in case.data or not (number and nan), (
            f"{path} takes NaN for {name}"
        )
        if not moderate(value) and name in case.data:
            return
        if name in case.unchecked:
            return
    finite = no_nan if case.infinite else all_finite
    assert finite(found), f"{path} returns no number for {given}: {found}"


def hostile(path):
    """A strategy of dictionaries of one or two hostile arguments."""
    case = CASES[path]
    base = case.arguments()
    names = [
        name
        for name in {**base, **defaults_of(case.call or OBJECTS[path])}
        if name not in (*case.keep, *case.free)
    ]
    values = {}
    for name in names:
        values[name] = strategies.sampled_from(OPTIONS)
        if name in case.data and base.get(name) is not None:
            own = strategies.sampled_from(changed(base[name]))
            values[name] = strategies.one_of(own, own, values[name])
    if not names:
        return strategies.just({})
    some = strategies.lists(
        strategies.sampled_from(names), min_size=1, max_size=2, unique=True
    )
    return some.flatmap(
        lambda chosen: strategies.fixed_dictionaries(
            {name: values[name] for name in chosen}
        )
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", sorted(CASES))
def test_hostile_arguments_are_refused_or_right(path, tmp_path, monkeypatch):
    # Some of the strings are names of files.
    monkeypatch.chdir(tmp_path)
    check(path, {})
    examples = EXAMPLES or (4 if CASES[path].slow else 16)

    @hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.generate,),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(hostile(path))
    def search(given):
        check(path, given)

    search()
    keras.utils.set_random_seed(0)


def test_the_search_sees_what_is_wrong(monkeypatch):
    monkeypatch.setattr(_checks, "check_positive", lambda *_, **__: None)
    path = "keras_bp.ops.binarize"
    with pytest.raises(AssertionError, match="takes NaN for slope"):
        check(path, {"slope": float("nan")})
    monkeypatch.undo()
    check(path, {"slope": float("nan")})
