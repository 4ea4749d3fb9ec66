"""Finds and runs programs."""

import shutil
import subprocess


class MissingToolError(RuntimeError):
    """A program is not installed.

    Args:
        message: String, which names the package that holds it.
    """

    def __init__(self, message):
        super().__init__(message)


def find(program, package):
    """Path of a program.

    Args:
        program: String, its name.
        package: String, the Debian package that holds it.

    Raises:
        MissingToolError: It is not on the `PATH`.
    """
    path = shutil.which(program)
    if path is None:
        raise MissingToolError(
            f"tflite_export expects the program {program!r} on the PATH; "
            f"install it with `apt-get install {package}`, or all of them "
            "with `make hardware`. Received: none"
        )
    return path


def run(arguments, *, cwd=None, timeout=600, input=None):
    """Runs a program to its end.

    Args:
        arguments: List of strings, the path of the program first.
        cwd: Path of the folder to run in, or None.
        timeout: Float, seconds.
        input: String for its standard input, or None.

    Returns:
        String, its standard output and errors together.

    Raises:
        RuntimeError: It failed or took too long; with the end of its output.
    """
    told = " ".join(str(each) for each in arguments[:4])
    try:
        done = subprocess.run(
            [str(each) for each in arguments],
            cwd=cwd,
            timeout=timeout,
            input=input,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(
            f"tflite_export expects `{told} ...` to end within {timeout} s. "
            "Received: no end"
        ) from error
    if done.returncode:
        raise RuntimeError(
            f"tflite_export expects `{told} ...` to succeed. Received: exit "
            f"status {done.returncode}, and at the end of its output:\n"
            f"{done.stdout[-2000:]}"
        )
    return done.stdout
