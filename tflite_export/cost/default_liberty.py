"""Finds the library of cells that `make hardware` fetches."""

import os
from pathlib import Path

from tflite_export.cost.liberty import Liberty

# Where to look, first in the folder that the environment names.
VARIABLE = "KERAS_BP_LIBERTY"
_FILE = "osu018_stdcells.lib"
_FOLDER = Path(".tools") / "osu018"


def default_liberty():
    """The OSU 0.18 um cells of Debian's `qflow-tech-osu018`.

    Looked for in the folder, or as the file, that the environment variable
    `KERAS_BP_LIBERTY` names; without it in `.tools/osu018`, where
    `make hardware` puts it, of the checkout or the current folder.

    Returns:
        `Liberty`.

    Raises:
        FileNotFoundError: It is not there.
    """
    named = os.environ.get(VARIABLE)
    checkout = Path(__file__).resolve().parents[2]
    folders = [Path(named)] if named else [checkout / _FOLDER, _FOLDER]
    for folder in folders:
        path = folder if folder.is_file() else folder / _FILE
        if path.is_file():
            return Liberty(path)
    raise FileNotFoundError(
        f"default_liberty expects {_FILE} in a folder named by {VARIABLE}, or "
        f"in {_FOLDER}; get it with `make hardware`, or pass another liberty "
        f"file. Received: none in {[str(folder) for folder in folders]}"
    )
