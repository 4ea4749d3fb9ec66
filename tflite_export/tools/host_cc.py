"""The C compilers of this machine, gcc and clang."""

from pathlib import Path

from keras_bp import _checks
from tflite_export.tools import _process

COMPILERS = ("gcc", "clang")

# Standard C, and no warning.
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")


def build(sources, folder, *, compiler="gcc", flags=("-O2",), output="program"):
    """Compiles C into a program of this machine.

    Args:
        sources: Dictionary from file names to their text. They are written
            into `folder`; those that end in `.c` are compiled.
        folder: Path of an existing folder.
        compiler: String, `"gcc"` or `"clang"`. Defaults to `"gcc"`.
        flags: Sequence of strings, after `STRICT`; `("-shared", "-fPIC")`
            makes a library that `ctypes.CDLL` loads.
            Defaults to `("-O2",)`.
        output: String, name of the program. Defaults to `"program"`.

    Returns:
        `pathlib.Path` of the program.

    Raises:
        MissingToolError: The compiler is not installed.
        RuntimeError: It refused the sources; with its messages.
        ValueError: `compiler` is unknown.
    """
    _checks.check_one_of("compiler", compiler, COMPILERS, owner="host_cc.build")
    path = _process.find(compiler, compiler)
    return compile_with(path, sources, folder, (*STRICT, *flags), output)


def run(program, input=""):
    """Runs a program that `build` made.

    Args:
        program: Path.
        input: String for its standard input. Defaults to `""`.

    Returns:
        String, what it wrote.

    Raises:
        RuntimeError: It failed.
    """
    return _process.run([program], input=input)


def compile_with(path, sources, folder, flags, output):
    """Writes sources and compiles them; for compilers of other machines, too.

    Args:
        path: Path of the compiler.
        sources: Dictionary from file names to their text.
        folder: Path of an existing folder.
        flags: Sequence of strings.
        output: String, name of the program.

    Returns:
        `pathlib.Path` of the program.

    Raises:
        RuntimeError: The compiler refused them.
    """
    folder = Path(folder)
    for name, text in sources.items():
        (folder / name).write_text(text, encoding="utf-8")
    units = [name for name in sources if name.endswith((".c", ".s"))]
    _process.run([path, *flags, *units, "-o", output], cwd=folder)
    return folder / output
