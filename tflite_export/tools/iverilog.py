"""Icarus Verilog: compiles and runs Verilog."""

import tempfile
from pathlib import Path

from tflite_export.tools import _process

PACKAGE = "iverilog"


def simulate(
    files, top, *, sources=(), arguments=(), standard="2001", timeout=600
):
    """Compiles Verilog and runs it to its end.

    Args:
        files: Dictionary from file names to text or bytes. Those that end in
            `.v` are compiled, the others lie in the folder it runs in.
        top: String, the module to run.
        sources: Sequence of paths of further Verilog files.
        arguments: Sequence of strings for the simulation, such as `"+all"`.
        standard: String, the year of the language. Defaults to `"2001"`.
        timeout: Float, seconds for each of both.

    Returns:
        String, what it printed.

    Raises:
        MissingToolError: Icarus Verilog is not installed.
        RuntimeError: It does not compile, or fails.
    """
    compiler = _process.find("iverilog", PACKAGE)
    runner = _process.find("vvp", PACKAGE)
    with tempfile.TemporaryDirectory() as folder:
        _compile(
            compiler, folder, files, top, sources, [f"-g{standard}"], timeout
        )
        return _process.run(
            [runner, "-n", "design.vvp", *arguments],
            cwd=folder,
            timeout=timeout,
        )


def lint(files, top):
    """Compiles Verilog-2001 with all warnings.

    Args:
        files: Dictionary from file names to text or bytes.
        top: String, the module at the top.

    Returns:
        String, the warnings; empty if there are none.

    Raises:
        MissingToolError: Icarus Verilog is not installed.
        RuntimeError: It does not compile.
    """
    compiler = _process.find("iverilog", PACKAGE)
    with tempfile.TemporaryDirectory() as folder:
        options = ["-g2001", "-Wall"]
        return _compile(compiler, folder, files, top, (), options, 600)


def _compile(compiler, folder, files, top, sources, options, timeout):
    for name, content in files.items():
        if isinstance(content, str):
            content = content.encode()
        (Path(folder) / name).write_bytes(content)
    names = [name for name in files if name.endswith(".v")]
    paths = [str(Path(path).resolve()) for path in sources]
    return _process.run(
        [compiler, *options, "-s", top, "-o", "design.vvp", *names, *paths],
        cwd=folder,
        timeout=timeout,
    )
