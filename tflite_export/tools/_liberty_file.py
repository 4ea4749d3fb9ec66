"""Hands liberty files to programs that read no compressed ones."""

import contextlib
import gzip
import tempfile
from pathlib import Path


@contextlib.contextmanager
def plain(liberty):
    """Path of a liberty file in plain text, in a `with` statement.

    Args:
        liberty: Path of the file, plain or `.gz`, or a `cost.Liberty`.

    Raises:
        FileNotFoundError: There is no such file.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.lib"
        if hasattr(liberty, "write"):
            liberty.write(path)
        else:
            packed = Path(liberty).suffix == ".gz"
            with (gzip.open if packed else open)(liberty, "rb") as file:
                path.write_bytes(file.read())
        yield path
