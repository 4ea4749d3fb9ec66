"""Rows of a sweep in a file of JSON lines."""

import json
import math
import pathlib

_KEY = ("set", "method", "seed", "rate")


def key_of(row):
    """What tells a row from others."""
    return tuple(row[name] for name in _KEY)


class SweepFile:
    """Keeps finished rows, and reads those of an earlier call.

    The first line holds the settings. A last line without an end, of a call
    that was broken off, is cut off.

    Args:
        path: Path, or None to keep nothing.
        settings: Dictionary that goes into JSON.
    """

    def __init__(self, path, settings):
        self._path = None if path is None else pathlib.Path(path)
        self._settings = settings
        self._rows = {}
        if self._path is not None:
            self._open()

    def get(self, row, data):
        """The finished row with the key of `row`, or None.

        Args:
            row: Dictionary with the entries of a key.
            data: String, the digest of the data of the run.
        """
        found = self._rows.get(key_of(row))
        if found is not None and found["data"] != data:
            raise ValueError(
                "learning_rate_sweep expects rows of `path` to be of the same "
                "data. Give another path, or another 'name' in `data`. "
                f"Received: other data for {_KEY} = {key_of(row)}"
            )
        return found

    def append(self, row):
        self._rows[key_of(row)] = row
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(_line(_without_nan(row)))

    def _open(self):
        header = _line({"learning_rate_sweep": self._settings})
        text = self._path.read_text() if self._path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if not whole:
            if not header.startswith(text):
                raise self._of_another_form(text)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(header)
            return
        first, *rest = whole.splitlines(keepends=True)
        if first != header:
            raise self._of_another_form(first)
        for line in rest:
            try:
                row = _with_nan(json.loads(line))
                self._rows[key_of(row)] = row
            except (ValueError, KeyError, TypeError) as error:
                raise self._of_another_form(line) from error
        if whole != text:
            self._path.write_text(whole)

    def _of_another_form(self, line):
        return ValueError(
            f"learning_rate_sweep expects {self._path} to begin with the "
            f"settings {json.dumps(self._settings)} and to go on with rows. "
            "Give another path, or remove the file. "
            f"Received: a line {line[:200]!r}"
        )


def _line(value):
    return json.dumps(value, allow_nan=False) + "\n"


def _without_nan(value):
    """JSON has no NaN: null stands for it."""
    if isinstance(value, dict):
        return {key: _without_nan(x) for key, x in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _with_nan(value, key=None):
    if isinstance(value, dict):
        return {name: _with_nan(x, name) for name, x in value.items()}
    return math.nan if value is None and key != "set" else value
