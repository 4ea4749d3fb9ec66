"""Tests of examples.sweeps."""

import dataclasses

import pytest

from benchmarks import results
from examples.backdrop_auc import COMMAND

ROW = results.row("name", "metric", 1.0, "")


@pytest.mark.parametrize(
    ("seeds", "told"), [(None, ""), (10, ""), (4, " --seeds=4")]
)
def test_a_recorded_command_repeats_its_seeds(
    seeds, told, tmp_path, monkeypatch
):
    class Nothing:
        def __init__(self, *_):
            pass

        def rows(self):
            return [ROW]

        def draw(self, path):
            return path

        def seconds(self):
            return 1.0

    kept = []
    monkeypatch.setattr(
        "benchmarks.results.write", lambda result, path: kept.append(result)
    )
    study = COMMAND.studies["shares"].with_seeds(seeds)
    command = dataclasses.replace(COMMAND, summary=Nothing)
    command.conclude("shares", study, {}, tmp_path)
    expected = f"python -m examples.backdrop_auc --study=shares{told}"
    assert kept[0].command == expected
    assert kept[0].seeds == list(range(seeds or 10))
