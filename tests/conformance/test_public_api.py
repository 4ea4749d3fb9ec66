"""The golden list of public names, signatures and registered names.

A change of it is a change for users: look at it, then regenerate the file by
`python tests/conformance/test_public_api.py --update`, and say it in CHANGELOG.
"""

import inspect
import pathlib
import pkgutil
import sys

import keras
from catalogue import packages, public_objects

GOLDEN = pathlib.Path(__file__).with_name("public_api.txt")


def describe(path, value):
    if not callable(value):
        return path
    # Without annotations: their names differ between versions of Python.
    signature = inspect.signature(value)
    bare = [
        parameter.replace(annotation=parameter.empty)
        for parameter in signature.parameters.values()
    ]
    signature = signature.replace(
        parameters=bare, return_annotation=signature.empty
    )
    line = f"{path}{signature}"
    if inspect.isclass(value):
        registered = keras.saving.get_registered_name(value)
        if registered != value.__name__:
            line += f" [{registered}]"
    return line


def rendered():
    lines = sorted(describe(*found) for found in public_objects())
    return "\n".join(lines) + "\n"


def test_the_public_api_is_the_golden_one():
    assert rendered() == GOLDEN.read_text(), __doc__


def test_every_public_class_of_keras_is_registered():
    bases = (
        keras.Layer,
        keras.Loss,
        keras.Metric,
        keras.initializers.Initializer,
        keras.regularizers.Regularizer,
        keras.constraints.Constraint,
        keras.optimizers.Optimizer,
    )
    for path, value in public_objects():
        if inspect.isclass(value) and issubclass(value, bases):
            name = keras.saving.get_registered_name(value)
            assert name == f"keras_bp>{value.__name__}", (
                f"{path}: put @serializable from keras_bp._registration on it"
            )


def test_all_lists_every_import_of_an_init_file():
    for package in packages():
        public = {name for name in vars(package) if not name.startswith("_")}
        modules = {m.name for m in pkgutil.iter_modules(package.__path__)}
        # A function may have the name of its module.
        missing = public - modules - set(package.__all__)
        assert not missing, f"{package.__name__}.__all__ lacks {missing}"
        assert list(package.__all__) == sorted(package.__all__)


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    GOLDEN.write_text(rendered())
    print(f"Wrote {GOLDEN.name}.")
