import functools
import json

import keras
import numpy as np
import pytest

from benchmarks import results
from examples import replace_backprop as example
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


def rows_of(accuracies, seconds=1.0):
    return [
        {
            "method": "?",
            "seed": seed,
            "rate": rate,
            "seconds": seconds,
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
    taken = rows["lenet/5/feedback_alignment", "seconds of a training"]
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
    for study in studies.STUDIES.values():
        assert set(study.methods) <= set(rules.RULES)
        assert study.seeds >= 5
    shapes = [w.shape for w in studies.le_net().trainable_weights[::2]]
    assert shapes == [
        (5, 5, 1, 6),
        (5, 5, 6, 16),
        (5, 5, 16, 120),
        (120, 84),
        (84, 10),
    ]
