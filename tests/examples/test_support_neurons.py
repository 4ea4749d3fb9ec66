"""The study of support neurons, on a few points."""

import numpy as np
import pytest

from benchmarks import results
from examples import support_neurons as example
from examples.local_parts import support

RNG = np.random.default_rng(0)


def parts():
    x = RNG.normal(size=(60, 4)).astype("float32")
    y = (np.arange(60) % 10).astype("int32")
    return {
        **{name: (x, y) for name in ("train", "validation", "test")},
        "name": "points",
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("support")
    patch = pytest.MonkeyPatch()
    patch.setattr(support, "EPSILONS", (10.0,))
    patch.setattr(support, "FRACTIONS", (0.0, 0.5))
    patch.setattr(support, "_UNITS", (6, 5))
    found = example.work(parts(), 1, folder, epochs=1)
    yield found, folder
    patch.undo()


@pytest.mark.slow
def test_a_wide_tolerance_leaves_no_support(done):
    found, _ = done
    (plain,), (wide,) = found[None], found[10.0]
    assert wide["pairs"] == wide["neurons"] == 0
    # No layer is emptied.
    assert wide["kept"] == pytest.approx(2 / 11)
    assert plain["neurons"] > 0.5


def test_nothing_dropped_is_the_trained_network(done):
    for known in done[0].values():
        for run in known:
            for curve in run["curves"].values():
                assert curve[0] == pytest.approx(run["test"])


def test_finished_runs_are_not_run_again(done, monkeypatch):
    found, folder = done
    monkeypatch.setattr(support, "run", None)
    assert example.work(parts(), 1, folder, epochs=1) == found
    assert example.work(parts(), 2, folder, epochs=1, minutes=-1.0) == found
    with pytest.raises(ValueError, match="same configuration"):
        example.work(parts(), 1, folder, epochs=2)


def test_rows_are_means_with_their_intervals(monkeypatch):
    monkeypatch.setattr(support, "FRACTIONS", (0.0, 0.5))
    run = {
        "validation": 0.5,
        "test": 0.8,
        "supported": 0.7,
        "pairs": 0.2,
        "neurons": 0.9,
        "curves": {by: [0.8, 0.7] for by in support.RANKINGS},
    }
    better = {**run, "validation": 0.9, "test": 0.9}
    found = {None: [run], 0.01: [run, run], 0.1: [run, better]}
    rows = {(r.name, r.metric): r for r in support.rows(found)}
    row = rows["epsilon 0.1", "accuracy, test"]
    assert row.value == pytest.approx(85)
    assert (row.low < 80) and (row.high > 90)
    # Curves are those of the epsilon that validation chose.
    curved = {name for name, metric in rows if metric.endswith("dropped")}
    assert curved == {
        f"{label}, {by}"
        for label in ("epsilon 0.1", "backprop")
        for by in support.RANKINGS
    }


def test_the_picture_is_drawn(done, tmp_path):
    assert support.draw(done[0], tmp_path / "a.png").stat().st_size > 5_000
    assert isinstance(support.rows(done[0])[0], results.Row)
