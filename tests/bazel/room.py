"""Entry point of the Bazel tests of rooms: imports one, alone, and tests it.

Bazel lays out what a room declares under `deps` and nothing else, in a folder
of its own, so that an import of a room above or beside it fails. A package
that is installed in place would be found all the same: it is left out.
"""

import importlib
import pathlib
import sys

import pytest

if __name__ == "__main__":
    room, *tests = sys.argv[1:]
    sys.path[:] = [
        name for name in sys.path if not pathlib.Path(name, "setup.py").exists()
    ]
    found = importlib.import_module(room)
    here = pathlib.Path.cwd()
    if here not in pathlib.Path(found.__file__).parents:
        sys.exit(f"{room} is not the one below {here}: {found.__file__}")
    print(f"{room}: {len(found.__all__)} public names")
    sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *tests]))
