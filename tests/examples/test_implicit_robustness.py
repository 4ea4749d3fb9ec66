import json

import fan_out_jobs
import numpy as np
import pytest

from benchmarks import results
from examples import fan_out
from examples import implicit_robustness as example
from examples.fan_out_parts import Here
from examples.implicit_parts import data, methods, networks, studies, summary

RNG = np.random.default_rng(0)


def tiny_study(seeds=2):
    """Two methods at three rates, on separable points."""
    study = studies.Study(
        None, ("explicit", "dual"), np.array([1e-3, 1.0, 1e3]), seeds
    )
    return study, fan_out_jobs.tiny_sweeps()


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("implicit")
    study, sweeps = tiny_study()
    found = example.work(study, sweeps, study.methods, folder)
    return study, sweeps, found, folder


def test_finished_runs_are_not_run_again(done, capsys):
    study, sweeps, found, folder = done
    again = example.work(study, sweeps, study.methods, folder)
    assert again == found
    files = sorted(path.name for path in folder.glob("*.jsonl"))
    assert files == ["points-dual.jsonl", "points-explicit.jsonl"]


def without_seconds(found):
    return {
        (name, method, row["seed"], row["rate"]): {**row, "seconds": None}
        for name, known in found.items()
        for method, rows in known.items()
        for row in rows
    }


@pytest.mark.slow
def test_two_processes_find_what_one_does(done, tmp_path, monkeypatch):
    study, sweeps, found, _ = done
    make = (fan_out_jobs.tiny_sweeps,)

    def by_two():
        fan = fan_out.FanOut(2)
        return fan, example.work(
            study, sweeps, study.methods, tmp_path, fan=fan, make=make
        )

    fan, first = by_two()
    assert without_seconds(first) == without_seconds(found)
    assert fan.failed == []
    # One row is lost, and another cut short: only these are done again.
    path = tmp_path / "points-dual.jsonl"
    header, *rows = path.read_text("utf-8").splitlines(keepends=True)
    rows.sort(key=lambda row: json.loads(row)["seed"])
    lost = rows.pop(0)
    path.write_text("".join([header, *rows])[:-5], "utf-8")
    begun, run = [], Here.begin

    def begin(self, name, function, arguments):
        begun.append((name, arguments[-1]))
        run(self, name, function, arguments)

    monkeypatch.setattr(Here, "begin", begin)
    monkeypatch.setattr(fan_out.FanOut, "_pool", lambda *_: Here())
    _, again = by_two()
    assert without_seconds(again) == without_seconds(found)
    assert begun == [
        (f"points, dual, seed {row['seed']}", [row["rate"]])
        for row in map(json.loads, (lost, rows[-1]))
    ]


def test_what_fails_elsewhere_is_left_out(done, tmp_path, monkeypatch):
    study, sweeps, *_ = done
    monkeypatch.setattr(fan_out.FanOut, "_pool", lambda *_: Here())
    monkeypatch.setattr(example.apart, "run", lambda *_: 1 / 0)
    fan = fan_out.FanOut(2)
    make = (fan_out_jobs.tiny_sweeps,)
    found = example.work(
        study, sweeps, study.methods, tmp_path, fan=fan, make=make
    )
    assert found == {} and len(fan.failed) == 4


def test_rows_of_other_settings_are_refused(done, tmp_path):
    _, _, _, folder = done
    text = (folder / "points-dual.jsonl").read_text("utf-8")
    path = tmp_path / "rows.jsonl"
    example.apart.append(path, text)
    assert path.read_text("utf-8") == text
    other = text.replace('"epochs": 3', '"epochs": 4', 1)
    with pytest.raises(ValueError, match="rows.jsonl is of other settings"):
        example.apart.append(path, other)


def test_no_method_begins_after_the_minutes(done, tmp_path):
    study, sweeps, *_ = done
    assert example.work(study, sweeps, study.methods, tmp_path, -1.0) == {}


def test_the_result_and_the_picture_are_written(done):
    study, _, found, folder = done
    example.COMMAND.conclude(
        "relu", study, found, folder, folder / "result.json"
    )
    made = json.loads((folder / "result.json").read_text("utf-8"))
    results.check(made)
    rows = {(row["name"], row["metric"]): row for row in made["rows"]}
    assert len(rows) == len(made["rows"])
    row = rows["relu/dual", summary.robust_metric("accuracy")]
    assert row["aim"] == ">= 4" and row["verdict"] in ("pass", "miss")
    assert (folder / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_tuned_rates_are_chosen_by_validation():
    def row(rate, validation, test, seed=0):
        return {
            "set": "s",
            "method": "explicit",
            "seed": seed,
            "rate": rate,
            "validation": {"accuracy": validation},
            "test": {"accuracy": test},
            "seconds": 1.0,
        }

    rows = [row(0.1, 0.9, 0.5), row(1.0, 0.8, 0.9)]
    study, _ = tiny_study(1)
    made = summary.Summary("uci", study, {"s": {"explicit": rows}})
    value = {x.metric: x.value for x in made.rows()}
    assert value["best accuracy, test, rate by validation"] == 50.0
    assert made.seconds() == 2.0


def test_some_methods_alone_have_rows(done, tmp_path):
    study, _, found, _ = done
    alone = {name: {"dual": known["dual"]} for name, known in found.items()}
    made = summary.Summary("relu", study, alone)
    metrics = {row.metric for row in made.rows()}
    assert "best rate for all" in metrics
    assert not any("explicit" in metric for metric in metrics)


def test_each_fold_has_three_parts(tmp_path):
    count = 16
    arrays = {
        "iris/x": RNG.normal(size=(count, 2)).astype("float32"),
        "iris/y": np.arange(count) % 3,
        "iris/test_folds": (np.arange(count)[:, None] % 4 == np.arange(4)),
    }
    np.savez(tmp_path / "uci10.npz", **arrays)
    fold, features, classes = data.uci("iris", tmp_path)
    assert (features, classes) == (2, 3)
    rows = [fold(1)[part][0] for part in ("train", "validation", "test")]
    assert [len(x) for x in rows] == [9, 3, 4]
    assert len(np.unique(np.concatenate(rows), axis=0)) == count


@pytest.mark.parametrize("name", (*methods.NAMES, methods.PUBLISHED))
def test_every_method_has_a_learning_rate_to_sweep(name):
    make = methods.make(name, lambda: networks.mlp(3, 2, "relu", (4,)), "mse")
    assert make().optimizer.learning_rate.shape == ()
    rates = methods.rates(name, [1e-3, 1.0])
    assert rates == ([1e-6, 1e-3] if name == "adam" else [1e-3, 1.0])


def test_networks_are_those_of_the_authors():
    assert networks.conv().count_params() == 260 + 5020 + 320 * 50 + 50 + 510
    assert networks.recurrent().output_shape == (None, None, 88)
    assert [x.units for x in networks.uci(7, 3).layers] == [7, 7, 7, 3]
    output = networks.recurrent(3, 2)(RNG.normal(size=(1, 4, 3)))
    assert np.min(output) > 0 and np.max(output) < 1
