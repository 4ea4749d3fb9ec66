"""Exports a saved model: `python -m tflite_export MODEL.keras --out=DIR`.

It writes what `tflite_export.export` writes, runs the artefacts on test
vectors where the tools are installed, and prints what came of it. All but the
LiteRT models of `--option=litert.profiles=int8` promise equal integers; of
those it prints the signal-to-noise ratio.
"""

import contextlib
import sys
import time
import zipfile

import keras
from absl import app, flags

from tflite_export.export import TARGETS, export

# The last two are of files that are no whole model.
_FAILURES = (
    ImportError,
    OSError,
    TypeError,
    ValueError,
    RuntimeError,
    KeyError,
    zipfile.BadZipFile,
)
_OUT = flags.DEFINE_string("out", None, "Folder to write; new or empty.")
_TARGET = flags.DEFINE_list(
    "target", ["litert"], f"Targets, of {', '.join(TARGETS)}."
)
_NAME = flags.DEFINE_string("name", "filter", "Name of the filter in C.")
_BATCH = flags.DEFINE_integer("batch", 1, "Batch size of LiteRT models.")
_TIME = flags.DEFINE_integer(
    "time", None, "Samples of a signal; default what the model was built for."
)
_OPTION = flags.DEFINE_multi_string(
    "option",
    [],
    "TARGET.NAME=VALUE, an argument of a target; repeatable. "
    "litert.profiles=exact,int8 adds a model of int8 alone, near the integers "
    "of the others but not equal to them.",
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Whether to replace an earlier export."
)
_VERIFY = flags.DEFINE_bool(
    "verify", True, "Whether to run the artefacts on test vectors."
)


def main(argv):
    if len(argv) != 2:
        raise app.UsageError(
            f"Expected the path of one model. Received: {argv[1:]}"
        )
    if not _OUT.value:
        raise app.UsageError("Expected --out=DIR, a folder. Received: none")
    begin = time.perf_counter()
    try:
        options = _options(_OPTION.value)
        print(f"Reading {argv[1]}", flush=True)
        model = keras.models.load_model(argv[1])
        result = export(
            model,
            _OUT.value,
            _TARGET.value,
            name=_NAME.value,
            batch=_BATCH.value,
            time=_TIME.value,
            options=options,
            overwrite=_OVERWRITE.value,
            verify=_VERIFY.value,
            progress=lambda words: print(words, flush=True),
        )
    except _FAILURES as error:
        print(f"Nothing was exported. {error}", file=sys.stderr)
        return 1
    print(summary(result))
    print(f"Done in {time.perf_counter() - begin:.1f} s.")
    return int(any(check.failed for check in result.checks))


def summary(result):
    """A table of the files, and of what came of running them.

    Args:
        result: `tflite_export.ExportResult`.

    Returns:
        String.
    """
    rows = [
        (name, f"{path.stat().st_size:,} bytes")
        for name, path in result.files.items()
    ]
    rows += [(check.name, check.told()) for check in result.checks]
    width = max(len(first) for first, _ in rows)
    lines = [f"{first.ljust(width)}  {second}" for first, second in rows]
    return "\n".join([f"Wrote {result.folder}:", *lines])


def _options(texts):
    """Dictionary from targets to arguments, of TARGET.NAME=VALUE."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        target, dot, name = key.partition(".")
        if not (equals and dot and name):
            raise ValueError(
                "tflite_export expects --option=TARGET.NAME=VALUE. "
                f"Received: {text!r}"
            )
        parsed = value
        with contextlib.suppress(ValueError):
            parsed = int(value)
        found.setdefault(target, {})[name] = parsed
    return found


if __name__ == "__main__":
    app.run(main)
