"""Runs jobs one after the other, in this process."""

import traceback


class Here:
    """What runs one job at a time, as soon as it begins."""

    def __init__(self):
        self._ended = []

    @property
    def is_free(self):
        return not self._ended

    def begin(self, name, function, arguments):
        self._ended.append((name, *outcome(function, arguments)))

    def ended(self):
        """Triples of a name, what the job gave, and None or its failure."""
        ended, self._ended = self._ended, []
        return ended

    def close(self):
        """Nothing goes on."""


def outcome(function, arguments):
    """What a job gave, and None; or None, and why it failed."""
    try:
        return function(*arguments), None
    except Exception:
        return None, traceback.format_exc()
