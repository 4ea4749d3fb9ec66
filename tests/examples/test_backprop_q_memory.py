"""The memory study, tiny, and what both studies of critics share."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from benchmarks import results
from examples.backprop_q_memory import COMPARISON
from examples.critic_parts import command, summary
from examples.critic_parts.memory import Memory
from examples.critic_parts.study import Config, Study
from examples.store import Store

TASK = Memory(steps=2, bits=2, shown=1, units=4)
# XLA would take longer than all else.
TINY = Config(
    ("score", "all_action_mc"),
    seeds=2,
    rates=(0.01, 0.03),
    steps=4,
    every=2,
    evaluated=32,
    batch=8,
    critic_units=4,
    compiled=False,
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    made = Study(TASK, TINY, Store(folder, "tiny"))
    command.work(made)
    return made


@pytest.fixture(scope="module")
def trainer(study):
    return study._trainer("all_action_mc")


def weights(trainer):
    return [v.numpy().copy() for v in trainer._learned()]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.slow
def test_a_training_does_not_depend_on_those_before_it(trainer):
    found = []
    for seed in (3, 4, 3):
        history = trainer.train(seed, 0.03, 4, ["test"])
        found.append((weights(trainer), history["test"]))
    assert same(found[0][0], found[2][0])
    assert found[0][1] == found[2][1]
    assert not same(found[0][0], found[1][0])


def test_each_seed_draws_other_weights_of_the_same_size(trainer):
    trainer.begin(0, 0.03)
    first = weights(trainer)
    assert trainer.model.optimizer.learning_rate == np.float32(0.03)
    trainer.begin(1, 0.01)
    for one, other in zip(first, weights(trainer), strict=True):
        np.testing.assert_array_equal(
            np.sort(one.ravel()), np.sort(other.ravel())
        )
    assert not same(first, weights(trainer))


def test_methods_begin_at_the_same_weights(study):
    found = []
    for method in TINY.methods:
        trainer = study._trainer(method)
        trainer.begin(5, 0.03)
        shared = trainer.model.trainable_variables
        found.append({v.path: v.numpy().copy() for v in shared})
    # The baseline of the first has weights of its own.
    assert set(found[0]) > set(found[1])
    assert {"see/kernel", "tell/kernel", "hold/kernel"} < set(found[1])
    for path, value in found[1].items():
        np.testing.assert_array_equal(value, found[0][path])


def test_what_is_to_be_told_is_seen_in_the_first_steps_alone():
    task = Memory(steps=4, bits=4, shown=2)
    x = 1.0 + np.arange(8, dtype="float32")[None]
    views = [np.array(task._view(x, step))[0] for step in range(4)]
    np.testing.assert_array_equal(
        views,
        [[1, 2, 0, 0, 5], [0, 0, 3, 4, 6], [0, 0, 0, 0, 7], [0, 0, 0, 0, 8]],
    )


def test_no_unit_is_surer_than_the_limit():
    seen = []

    def node(index):
        def sample(logits):
            seen.append(logits)
            return ops.cast(ops.greater(logits, 0), "float32")

        return sample

    x, _, _ = Memory(steps=2, units=4, hold=50.0, limit=2.0).graph(node)
    logits = keras.Model(x, seen[1])(np.ones((3, 3), "float32"))
    np.testing.assert_allclose(np.abs(logits), 2.0, rtol=1e-5)


def test_wrong_answers_are_half_without_memory(trainer):
    trainer.begin(0, 0.03)
    error = 100 * np.sqrt(0.25 / (TINY.evaluated * TASK.bits))
    assert abs(trainer.wrong("test") - 50) < 5 * error


def test_a_cut_run_goes_on_where_it_ended(study, capsys):
    parts = study.parts()
    assert not study.left(parts)
    kept = study.store.found(parts[-1].name)
    again = Study(TASK, TINY, study.store)
    (study.store.folder / f"{parts[-2].name}.json").unlink()
    assert again.left(parts) == [parts[-2]]
    command.work(again)
    told = capsys.readouterr().out
    assert "Budget:" in told and "0 of 10 parts are left" in told
    assert study.store.found(parts[-1].name) == kept


def test_nothing_begins_after_the_minutes(tmp_path, capsys):
    command.work(Study(TASK, TINY, Store(tmp_path, "tiny")), minutes=-1)
    assert "10 of 10 parts are left" in capsys.readouterr().out


def test_rates_are_chosen_by_validation_with_equal_budgets(study):
    for method in TINY.methods:
        tried = [x for x in study.tunings() if x.method == method]
        assert [x.rate for x in tried] == list(TINY.rates)
        runs = study.found(tried)
        assert all(len(run["step"]) == 3 for run in runs)
        scores = [np.mean(run["validation"][1:]) for run in runs]
        assert study.rate(method) == TINY.rates[int(np.argmin(scores))]


def test_the_result_has_both_readings_and_a_picture(study, tmp_path, capsys):
    found = summary.Summary(study, "tiny")
    command.conclude(COMPARISON, found, tmp_path)
    told = capsys.readouterr().out
    assert "The critic pays: " in told and "Not decided: " in told
    rows = results.load(tmp_path / "metrics.json").rows
    pair = "memory, tiny/all_action_mc against score"
    assert sum(row.name == pair for row in rows) == 2
    assert (tmp_path / "curves.png").stat().st_size < 200_000


def test_equal_seconds_are_those_of_the_quickest(study, monkeypatch):
    found = summary.Summary(study, "tiny")
    seconds = {"score": 0.5, "all_action_mc": 1.0}
    monkeypatch.setattr(found, "per_step", seconds.get)
    assert found.limit() == 4 * 0.5
    with monkeypatch.context() as patch:
        # Which is quicker, but learns nothing.
        patch.setitem(seconds, "uniform", 0.1)
        patch.setattr(found, "methods", lambda: list(seconds))
        assert found.limit() == 4 * 0.5
    _, values = found.curves("all_action_mc")
    # Half of the steps, which is the second of three evaluations.
    np.testing.assert_allclose(found.at_seconds("all_action_mc"), values[:, 1])
    np.testing.assert_allclose(
        found.at_seconds("score"), found.at_steps("score")
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([-3.0, -2.9, -3.1], summary.PAYS),
        ([3.0, 2.9, 3.1], summary.COSTS),
        ([-3.0, 0.5, -1.0], summary.OPEN),
        ([0.0, 0.0, 0.0], summary.OPEN),
        ([-3.0], summary.OPEN),
    ],
)
def test_a_whole_interval_decides(values, told):
    assert summary.verdict(np.array(values)) == told


@pytest.mark.parametrize("name", COMPARISON.presets)
def test_presets_evaluate_whole_epochs(name):
    make, config = COMPARISON.presets[name]
    assert config.steps % config.every == 0
    assert set(config.methods) >= {"rloo", "score"}
    if name != "small":
        assert make(None).steps == 20 and config.seeds >= 5


def test_a_folder_of_another_study_is_refused(study):
    other = dataclasses.replace(TINY, batch=9)
    with pytest.raises(ValueError, match="of another"):
        Store(study.store.folder, repr(other))
