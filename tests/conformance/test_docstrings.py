"""Public docstrings say what users need, and their examples run."""

import doctest
import inspect
import sys

import pytest
from catalogue import public_objects

OBJECTS = [
    (path, value)
    for path, value in public_objects()
    if inspect.isclass(value) or inspect.isfunction(value)
]

each_object = pytest.mark.parametrize(
    ("path", "value"), OBJECTS, ids=[path for path, _ in OBJECTS]
)


@each_object
def test_examples_run_as_printed(path, value, monkeypatch):
    # An example may register an estimator; others must not meet it.
    for name in ("binary_estimators", "node_estimators"):
        module = sys.modules[f"keras_bp.ops.{name}"]
        monkeypatch.setattr(module, "_REGISTRY", dict(module._REGISTRY))
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for example in finder.find(value, path, globs={}):
        shown = []
        runner.run(example, out=shown.append)
        assert runner.failures == 0, "".join(shown)


@each_object
def test_docstrings_name_every_argument(path, value):
    text = inspect.getdoc(value)
    assert text, f"{path} has no docstring"
    assert text.split("\n")[0].endswith("."), f"{path}: end line 1 by a period"
    if inspect.isclass(value) and "Attributes:" in text:
        return
    for name, parameter in inspect.signature(value).parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        assert f"\n    {name}:" in text or f" {name}:" in text, (
            f"{path}: describe `{name}` under Args"
        )


@pytest.mark.parametrize(
    ("path", "value"),
    [found for found in OBJECTS if found[0].startswith("keras_bp.layers.")],
)
def test_docstrings_of_layers_have_every_section(path, value):
    text = inspect.getdoc(value)
    for section in (
        "Args:",
        "Call arguments:",
        "Input shape:",
        "Output shape:",
        "Raises:",
        "Example:",
    ):
        assert section in text, f"{path}: add {section}"
