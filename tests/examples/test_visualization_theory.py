"""The experiments on attribution maps, on few small images."""

import json

import numpy as np
import pytest

from benchmarks import results
from examples import visualization_theory as example
from examples.visualization_parts import config, data, figures
from examples.visualization_parts.summary import Summary

TINY = config.Config(
    depths=(1, 2),
    filters=6,
    numbers=(8, 32),
    units=(16,),
    count=4,
    few=2,
    depth=1,
    trained_filters=4,
    epochs=1,
    epsilons=(0.1, 5.0),
    seeds=1,
)


def images():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 8, 8, 1)).astype("float32")
    y = np.arange(40) % 3
    return data.Images("noise", x, y, x[:6], y[:6])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("theory")
    return example.work(images(), TINY, folder), folder


@pytest.mark.slow
def test_every_claim_becomes_a_row_with_a_verdict(done):
    (found, _), _ = done
    rows = Summary("noise", TINY, found).rows()
    claims = [row for row in rows if row.aim]
    assert len(claims) == 18
    assert {row.verdict for row in claims} <= {"pass", "miss"}
    guided = next(r for r in rows if "sum of unit patches" in r.name)
    assert guided.value > 0.8
    assert all(np.isfinite(row.value) for row in rows)
    json.dumps([row.value for row in rows])
    assert isinstance(rows[0], results.Row)


@pytest.mark.slow
def test_finished_experiments_are_not_run_again(done, monkeypatch):
    found, folder = done
    assert found[1] > 0
    monkeypatch.setattr(
        example.experiments, "random_depths", lambda *_: pytest.fail("again")
    )
    assert example.work(images(), TINY, folder) == found
    other = example.dataclasses.replace(TINY, filters=7)
    with pytest.raises(ValueError, match="same configuration"):
        example.work(images(), other, folder)


def test_nothing_begins_after_the_minutes(tmp_path):
    assert example.work(images(), TINY, tmp_path, minutes=-1.0) == ([], 0.0)


@pytest.mark.slow
def test_the_pictures_are_drawn(done, tmp_path):
    summary = Summary("noise", TINY, done[0][0])
    maps = figures.draw_maps(images(), TINY, tmp_path / "maps.png")
    points = figures.draw_distances(summary, tmp_path / "points.png")
    assert maps.stat().st_size > 10_000 < points.stat().st_size


def test_photographs_are_tested_on_regions_that_were_not_trained_on(
    monkeypatch,
):
    monkeypatch.delenv("KERAS_BP_DATA", raising=False)
    found = data.photographs(size=16, train=20, test=10)
    assert found.train.shape == (20, 16, 16, 3)
    assert found.test.shape == (10, 16, 16, 3)
    assert found.classes == 2
    assert abs(found.train.mean()) < 1e-3 and abs(found.train.std() - 1) < 1e-3
    digits = data.digits(None)
    assert digits.train.shape[1:] == (24, 24, 1) and digits.classes == 10
