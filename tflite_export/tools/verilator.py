"""Verilator: finds what is doubtful in Verilog."""

import tempfile
from pathlib import Path

from tflite_export.tools import _process

PACKAGE = "verilator"


def lint(files, top):
    """Checks Verilog with all warnings on.

    Args:
        files: Dictionary from file names to text or bytes; those that end in
            `.v` are checked.
        top: String, the module at the top.

    Raises:
        MissingToolError: Verilator is not installed.
        RuntimeError: There is a warning or error; with its text.
    """
    program = _process.find("verilator", PACKAGE)
    with tempfile.TemporaryDirectory() as folder:
        names = [name for name in files if name.endswith(".v")]
        for name in names:
            text = files[name]
            data = text.encode() if isinstance(text, str) else text
            (Path(folder) / name).write_bytes(data)
        options = ["--lint-only", "-Wall", "--default-language", "1364-2001"]
        _process.run(
            [program, *options, "--top-module", top, *names], cwd=folder
        )
