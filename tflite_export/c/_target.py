"""The target "c" of an export."""

from tflite_export.c._header import BLOCK, describe, to_header
from tflite_export.c._program import test_program


def target_files(chain, *, name, batch, time, block=BLOCK):
    """The files of the target `"c"`, and what the manifest tells.

    Args:
        chain: `tflite_export.ChainSpec`.
        name: String, with which the names of files and functions begin.
        batch: Integer, which does not count: a state serves one signal.
        time: Integer, which does not count either: a stream has no end.
        block: Positive integer, see `to_header`. Defaults to `256`.

    Returns:
        Dictionary from file names to bytes: `NAME.h`, and `NAME_test.c`,
        which filters samples from its standard input; dictionary for the
        manifest, see `describe`.

    Raises:
        TypeError, ValueError: As `to_header` does.
    """
    files = {
        f"{name}.h": to_header(chain, name, block=block).encode(),
        f"{name}_test.c": test_program(name).encode(),
    }
    return files, describe(chain, block=block)
