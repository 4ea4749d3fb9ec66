"""A file of JSON lines, one for each finished run."""

import json
import math
import pathlib


class Lines:
    """Keeps what runs gave, and reads what those of an earlier start gave.

    The first line holds the content. A last line without an end, of a start
    that was killed, is cut off.

    Args:
        path: Path.
        content: String, what the runs are about: a file of other content is
            refused.
    """

    def __init__(self, path, content):
        self._path = pathlib.Path(path)
        self._found = {}
        header = _line({"content": content})
        first, *rest = whole_lines(self._path) or [header]
        if first != header:
            raise self._of_another_form(f"expects the content {content!r}")
        for line in rest:
            try:
                row = json.loads(line)
                self._found[row["run"]] = row["found"]
            except (ValueError, KeyError, TypeError) as error:
                raise self._of_another_form(f"is {line[:200]!r}") from error
        if not self._path.exists() or not self._path.stat().st_size:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(header, encoding="utf-8")

    def has(self, name):
        return name in self._found

    def found(self, name):
        """What a run gave, or None."""
        return self._found.get(name)

    def keep(self, name, found):
        """Adds a line.

        Args:
            name: String, of the run.
            found: Anything that JSON can hold. Numbers that are not finite,
                which it cannot, become None.
        """
        line = _line({"run": name, "found": found})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)
        # As it will be read: tuples are lists in JSON.
        self._found[name] = json.loads(line)["found"]

    def _of_another_form(self, what):
        return ValueError(
            "This example expects an --out_dir that it has filled with the "
            "same configuration, or an empty one. "
            f"Received: a line of {self._path.name} that {what}"
        )


def whole_lines(path):
    """The lines of a file that have an end; a last one without is cut off.

    Args:
        path: `pathlib.Path`.

    Returns:
        List of strings, none if there is no file.
    """
    if not path.exists():
        return []
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return whole.decode("utf-8").splitlines(keepends=True)


def _line(value):
    return json.dumps(_finite(value), allow_nan=False) + "\n"


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(x) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(x) for x in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
