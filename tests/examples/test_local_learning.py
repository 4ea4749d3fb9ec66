import dataclasses
import functools
import json

import keras
import numpy as np
import pytest
from scipy import stats

from benchmarks import results
from examples import local_learning as example
from examples.local_parts import methods, studies, summary

RNG = np.random.default_rng(0)


def tiny():
    """Two methods at two rates, on separable points."""
    x = RNG.normal(size=(24, 3)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    parts = {part: (x, y) for part in ("train", "validation", "test")}
    made = functools.partial(studies.network, 3, 2, (4,), "tanh")
    sweeps = [
        studies.Sweep(name, 1, made, lambda seed, n=name: {**parts, "name": n})
        for name in ("a", "b")
    ]
    study = studies.Study(
        "points",
        None,
        ("backprop", "persistent"),
        seeds=2,
        epochs=2,
        batch=12,
        rates=(0.01, 0.03),
    )
    return study, sweeps


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    study, sweeps = tiny()
    found = example.work(study, sweeps, study.methods, folder)
    return study, sweeps, found, folder


@pytest.mark.slow
def test_finished_runs_are_not_run_again(done, capsys):
    study, sweeps, found, folder = done
    before = {path: path.read_bytes() for path in folder.glob("*.jsonl")}
    assert len(before) == 4
    assert example.work(study, sweeps, study.methods, folder) == found
    after = {path: path.read_bytes() for path in folder.glob("*.jsonl")}
    assert after == before


@pytest.mark.slow
def test_nothing_begins_after_the_minutes(done, tmp_path):
    study, sweeps, *_ = done
    assert example.work(study, sweeps, study.methods, tmp_path, -1.0) == {}


@pytest.mark.slow
def test_the_result_and_the_picture_are_written(done):
    study, _, found, folder = done
    example.COMMAND.conclude(
        "uci", study, found, folder, folder / "result.json"
    )
    made = json.loads((folder / "result.json").read_text("utf-8"))
    results.check(made)
    rows = {(row["name"], row["metric"]): row for row in made["rows"]}
    behind = rows["uci/1/persistent", "accuracy less backprop"]
    assert behind["aim"] == ">= -1"
    assert ("uci/1/persistent/b", "less backprop") in rows
    assert (folder / "differences.png").stat().st_size > 5_000


def rows_of(method, accuracies):
    return [
        {
            "method": method,
            "seed": seed,
            "rate": rate,
            "seconds": 1.0,
            "validation": {"accuracy": 0.5 + (rate == 0.01)},
            "test": {"accuracy": a if rate == 0.01 else 0.0},
        }
        for seed, a in enumerate(accuracies)
        for rate in (0.01, 0.03)
    ]


def test_differences_are_paired_and_at_the_rate_that_validation_chose():
    study = dataclasses.replace(tiny()[0], methods=("backprop", "lin"))
    found = {
        ("a", 1): {
            "backprop": rows_of("backprop", [0.9, 0.8, 0.7]),
            "lin": rows_of("lin", [0.89, 0.78, 0.67]),
        },
        ("b", 1): {
            "backprop": rows_of("backprop", [0.5, 0.5, 0.5]),
            "lin": rows_of("lin", [0.5, 0.52, 0.51]),
        },
    }
    rows = {
        (row.name, row.metric): row
        for row in summary.Summary("uci", study, found).rows()
    }
    behind = rows["uci/1/lin/a", "less backprop"]
    half = stats.t.ppf(0.975, 2) * 1.0 / np.sqrt(3)
    np.testing.assert_allclose(
        [behind.value, behind.low, behind.high], [-2, -2 - half, -2 + half]
    )
    # The intervals of both reach above -1 point.
    worse = "sets whose interval lies below -1 point"
    assert rows["uci/1/lin", worse].value == 0
    found["a", 1]["lin"] = rows_of("lin", [0.87, 0.77, 0.67])
    rows = summary.Summary("uci", study, found).rows()
    assert [r.value for r in rows if r.metric == worse] == [1]


def test_one_fold_has_seeds_that_share_it():
    given = []
    seeds = [studies._fold(given.append, 4, seed) is None for seed in range(3)]
    assert all(seeds) and given == [0, 4, 8]


@pytest.mark.parametrize("name", methods.NAMES)
def test_every_method_takes_a_step(name):
    made = functools.partial(studies.network, 3, 2, (4,), "tanh")
    model = methods.make(name, made, 6)()
    x = RNG.normal(size=(6, 3)).astype("float32")
    if methods.keeps_states(name):
        x = {"example_index": np.arange(6), "inputs": x}
    before = [np.array(w) for w in model.trainable_variables]
    model.run_eagerly = True
    model.train_on_batch(x, np.arange(6) % 2)
    after = [np.array(w) for w in model.trainable_variables]
    moved = [
        not np.array_equal(a, b) for a, b in zip(before, after, strict=True)
    ]
    assert any(moved)
    keras.backend.clear_session()


def test_unknown_methods_are_refused():
    class Flag:
        def __init__(self, value):
            self.value = value

    given = {
        "study": Flag("digits"),
        "data_dir": Flag(None),
        "seeds": Flag(None),
        "only": Flag(["magic"]),
        "minutes": Flag(None),
        "out_dir": Flag(None),
        "out": Flag(None),
    }
    with pytest.raises(Exception, match="magic"):
        example.COMMAND.run(["x"], given, example.work)
