import dataclasses
import functools
import json

import keras
import numpy as np
import pytest

from benchmarks import results
from examples import replace_backprop as example
from examples import sweeps as commands
from examples.replace_parts import rules, studies, summary, watch

RNG = np.random.default_rng(0)


def points(seed):
    x = RNG.normal(size=(24, 3)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    return {
        **{part: (x, y) for part in ("train", "validation", "test")},
        "name": "points",
    }


def tiny(methods=("backprop", "forward_forward")):
    """Rules at two rates, chosen by the first of two seeds."""
    data = functools.cache(points)
    network = functools.partial(studies._dense, 3, 2, (4, 4), "tanh")
    sweep = studies.RuleSweep("points", 2, network, data, 2, compiled=False)
    study = studies.RuleStudy(
        "points",
        None,
        methods,
        seeds=2,
        epochs=2,
        batch=12,
        rates=(0.01, 0.03),
        tuning_seeds=1,
        watched=("points",),
    )
    return study, [sweep]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replace")
    study, sweeps = tiny()
    found = example.work(study, sweeps, study.methods, folder)
    return study, sweeps, found, folder


@pytest.mark.slow
def test_all_rates_have_the_seeds_for_tuning_and_the_best_one_has_all(done):
    for known in done[2]["points", 2].values():
        runs = [(row["rate"], row["seed"]) for row in known["rows"]]
        other = ({0.01, 0.03} - {known["rate"]}).pop()
        expected = [(known["rate"], 0), (known["rate"], 1), (other, 0)]
        assert sorted(runs) == sorted(expected)


def test_finished_runs_are_not_run_again(done):
    study, sweeps, found, folder = done
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert len(before) == 2 + 3
    assert example.work(study, sweeps, study.methods, folder) == found
    assert before == {p: p.read_bytes() for p in before}
    assert example.work(study, sweeps, study.methods, folder, -1.0) == {}


def test_the_result_and_the_pictures_are_written(done):
    study, _, found, folder = done
    example.COMMAND.conclude(
        "uci", study, found, folder, folder / "result.json"
    )
    made = json.loads((folder / "result.json").read_text("utf-8"))
    results.check(made)
    names = {row["name"]: row for row in made["rows"]}
    assert "uci/2/forward_forward" in names
    metrics = [
        row["metric"]
        for row in made["rows"]
        if row["name"] == "watched/points/2/forward_forward"
    ]
    assert "angle of layer 1, last epoch" in metrics
    assert "variables and slots" in metrics
    for name in ("differences.png", "angles.png"):
        assert (folder / name).stat().st_size > 5_000


def test_a_closer_look_is_taken_at_the_rate_that_is_chosen(
    monkeypatch, tmp_path
):
    def trained(study, sweep, name, path):
        (rate,) = study.rates
        return rate, rows_of([0.9] * study.seeds)

    monkeypatch.setattr(example, "_trained", trained)
    monkeypatch.setattr(
        example, "watched", lambda name, sweep, study, rate: {"rate": rate}
    )
    study, sweeps = tiny(("backprop",))
    for rate in (0.03, 0.01):
        now = dataclasses.replace(study, rates=(rate,))
        found = example.work(now, sweeps, ["backprop"], tmp_path)
        assert found["points", 2]["backprop"]["watched"] == {"rate": rate}


def test_a_rate_at_the_end_of_the_grid_is_told():
    grid = (0.01, 0.03, 0.1)
    assert example.at_the_end(0.03, grid) == ""
    assert "largest" in example.at_the_end(0.1, grid)
    assert "least" in example.at_the_end(0.01, grid)
    assert example.at_the_end(0.01, (0.01,)) == ""


def test_what_cannot_be_compared_is_not_drawn(done, tmp_path, capsys):
    study, _, found, _ = done
    conclude = example.COMMAND.conclude
    conclude("digits", study, {}, tmp_path)
    assert "Nothing is done yet" in capsys.readouterr().out
    known = {"forward_forward": found["points", 2]["forward_forward"]}
    conclude("digits", study, {("points", 2): known}, tmp_path)
    told = capsys.readouterr().out
    assert "angles.png" in told and "differences.png" not in told


def test_nothing_begins_where_memory_maps_run_out(monkeypatch, capsys):
    full = iter([False, False, True])
    monkeypatch.setattr(commands, "maps_are_full", lambda: next(full))
    sweep = tiny()[1][0]
    made = commands.in_time([sweep, sweep], ["a", "b"], None)
    assert [name for _, name, _ in made] == ["a", "b"]
    told = capsys.readouterr().out
    assert told.count("Begin again") == 1
    assert told.index("Begin again") < told.index("Left: points, a.")
    assert "Left: points, b." in told


def test_memory_maps_are_counted_against_the_limit(tmp_path):
    (tmp_path / "vm").mkdir()
    (tmp_path / "vm" / "max_map_count").write_text("10\n")
    for count, expected in ((8, False), (9, True)):
        (tmp_path / "maps").write_text("a map\n" * count)
        assert commands.maps_are_full(tmp_path, tmp_path) == expected
    # Other systems tell nothing.
    assert not commands.maps_are_full(tmp_path / "none", tmp_path)
    assert not commands.maps_are_full()


def rows_of(accuracies, seconds=1.0):
    return [
        {
            "method": "?",
            "seed": seed,
            "rate": rate,
            "seconds": seconds * (1 if seed else 9),
            "validation": {"accuracy": 0.5},
            "test": {"accuracy": a if rate == 0.01 else 0.0},
        }
        for seed, a in enumerate(accuracies)
        for rate in (0.01, 0.03)
    ]


def test_errors_stand_beside_those_of_others():
    found = {
        ("MNIST", 5): {
            name: {"rows": rows_of(a, s), "rate": 0.01, "watched": None}
            for name, a, s in (
                ("backprop", [0.99, 0.98], 1.0),
                ("feedback_alignment", [0.981, 0.979], 3.0),
            )
        }
    }
    made = summary.RuleSummary("lenet", studies.STUDIES["lenet"], found).rows()
    rows = {(row.name, row.metric): row for row in made}
    error = rows["lenet/5/feedback_alignment", "error, test"]
    np.testing.assert_allclose([error.value, error.against_value], [2.0, 1.7])
    assert error.verdict == "pass"
    assert rows["lenet/5/backprop", "error, test"].verdict == "miss"
    seconds = "seconds of the fastest training, all sets"
    taken = rows["lenet/5/feedback_alignment", seconds]
    assert taken.ratio == 3


def test_steps_are_counted_to_an_accuracy():
    found = {"accuracy": [0.5, 0.8, 0.9], "steps": 7}
    assert watch.steps_to(found, 0.8) == 14
    assert watch.steps_to(found, 0.95) is None


def test_results_of_the_other_example_are_taken_over(tmp_path):
    source, target = tmp_path / "lin.jsonl", tmp_path / "new" / "own.jsonl"
    source.write_text('{"method": "lin", "seed": 0}\n')
    example.adopt(source, target, "lin", "lagrangian")
    assert target.read_text() == '{"method": "lagrangian", "seed": 0}\n'
    source.write_text("other")
    example.adopt(source, target, "lin", "lagrangian")
    assert "other" not in target.read_text()


@pytest.mark.parametrize(
    "name", ["lagrangian", "uniform_sign", "forward_forward_linear"]
)
def test_every_rule_takes_a_step(name):
    sweep = tiny()[1][0]
    model = rules.make(name, sweep.network, False)()
    model.run_eagerly = True
    x, y = sweep.for_method(name)(0)["train"]
    before = [np.array(w.numpy()) for w in model.trainable_variables]
    model.train_on_batch(x, y)
    after = [np.array(w.numpy()) for w in model.trainable_variables]
    moved = [
        not np.array_equal(a, b) for a, b in zip(before, after, strict=True)
    ]
    assert all(moved[:4])
    keras.backend.clear_session()


def test_studies_name_rules_and_le_net_has_the_layers_of_its_authors():
    for name, study in studies.STUDIES.items():
        assert set(study.methods) <= set(rules.RULES)
        # The long one shows what more epochs of another study do.
        assert study.seeds >= (3 if name == "lenet_long" else 5)
    shapes = [w.shape for w in studies.le_net().trainable_weights[::2]]
    assert shapes == [
        (5, 5, 1, 6),
        (5, 5, 6, 16),
        (5, 5, 16, 120),
        (120, 84),
        (84, 10),
    ]
