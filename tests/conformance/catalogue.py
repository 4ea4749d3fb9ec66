"""What the package makes public."""

import importlib
import inspect
import pkgutil

import keras_bp
import tflite_export


def packages():
    """The top packages and their public rooms."""
    for top in (keras_bp, tflite_export):
        yield from _with_rooms(top)


def _with_rooms(package):
    yield package
    for found in pkgutil.iter_modules(package.__path__):
        if found.ispkg and not found.name.startswith("_"):
            name = f"{package.__name__}.{found.name}"
            yield from _with_rooms(importlib.import_module(name))


def public_objects():
    """Pairs of a dotted name and the object, modules left out."""
    for package in packages():
        for name in package.__all__:
            value = getattr(package, name)
            if not inspect.ismodule(value):
                yield f"{package.__name__}.{name}", value
            elif not hasattr(value, "__path__"):
                yield from functions_of(value)


def functions_of(module):
    """Pairs of a dotted name and a public function of one module."""
    for name, value in inspect.getmembers(module, inspect.isfunction):
        if value.__module__ == module.__name__ and not name.startswith("_"):
            yield f"{module.__name__}.{name}", value
