import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from benchmarks import results
from examples import backdrop_auc as example
from examples.backdrop_auc_parts import (
    data,
    libauc_session,
    methods,
    studies,
    summary,
    training,
)

RNG = np.random.default_rng(0)


def tiny():
    """One problem of points, at one rate."""
    x = RNG.normal(size=(60, 3)).astype("float32")
    y = (x[:, 0] > 1).astype("float32")
    y[:3] = 1.0

    def parts(seed):
        train, validation = data.split(x, y, seed)
        return {"train": train, "validation": validation, "test": (x, y)}

    study = studies.Study(
        "points",
        None,
        seeds=2,
        epochs=2,
        rates=(0.01,),
        batch=12,
        pieces=2,
        most=2.0,
        methods=(methods.CROSSENTROPY, "backdrop-0", "backdrop-0.5"),
    )
    return study, [data.Problem("points", parts)]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("auc")
    study, problems = tiny()
    with pytest.MonkeyPatch.context() as patch:
        # Which takes less time to begin with.
        patch.setattr(methods, "JIT_COMPILE", False)
        found = example.work(study, problems, study.methods, folder)
    return study, problems, found, folder


@pytest.mark.slow
def test_finished_runs_are_kept_and_told_whatever_runs(done, monkeypatch):
    study, problems, found, folder = done
    monkeypatch.setattr(methods, "session", None)
    again = example.work(study, problems, ["backdrop-0"], folder)
    assert again == found
    assert set(found[problems[0]]["runs"]) == set(study.methods)


def test_whole_sets_are_given_the_epochs_and_the_steps_of_batches(done):
    study, problems, found, _ = done
    # 36 of 60 for training: 3 batches of 12.
    for name, least in (("backdrop-0.5", 6), (methods.CROSSENTROPY, 2)):
        points = found[problems[0]]["runs"][name][0]["points"]
        epochs = [point["epochs"] for point in points]
        assert epochs[:2] == [1, 2] and least in epochs
        seconds = [point["seconds"] for point in points]
        assert seconds == sorted(seconds)


def test_the_result_and_the_picture_are_written(done):
    study, _, found, folder = done
    example.COMMAND.conclude(
        "points", study, found, folder, folder / "result.json"
    )
    made = json.loads((folder / "result.json").read_text("utf-8"))
    results.check(made)
    rows = {(row["name"], row["metric"]): row for row in made["rows"]}
    for budget in ("epochs", "time", "steps"):
        assert ("points/backdrop-0", f"test AUC, equal {budget}") in rows
        better = f"problems where it is better, equal {budget}"
        told = f"backdrop-0.5 less {methods.CROSSENTROPY}"
        assert rows[told, better]["aim"] == ">= 1"
        assert ("backdrop-0.5 less backdrop-0", better) in rows
    assert (folder / "areas.png").stat().st_size > 5_000


def test_others_wait_for_the_time_of_crossentropy(tmp_path):
    study, problems = tiny()
    with pytest.raises(Exception, match="crossentropy first"):
        example.work(study, problems, ["backdrop-0"], tmp_path)


def test_without_libauc_a_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(libauc_session, "missing", lambda: "no torch")
    study, problems = tiny()
    assert example.work(study, problems, [methods.LIBAUC], tmp_path) == {}
    assert "Skipped: libauc (no torch)." in capsys.readouterr().out


def run(seed, rate, tests, seconds, validation):
    return {
        "seed": seed,
        "rate": rate,
        "points": [
            {
                "epochs": epochs,
                "seconds": spent,
                "validation": validation,
                "test": test,
            }
            for epochs, spent, test in zip(
                (1, 2, 6), seconds, tests, strict=True
            )
        ],
    }


def test_differences_are_paired_at_each_budget_and_the_validated_rate():
    study, problems = tiny()
    study = dataclasses.replace(
        study, seeds=3, methods=(methods.CROSSENTROPY, "backdrop-0.5")
    )
    slow, quick = (1.0, 2.0, 3.0), (0.1, 0.2, 2.0)
    offsets = np.array([0.0, 0.01, 0.05])
    runs = {methods.CROSSENTROPY: [], "backdrop-0.5": []}
    for seed, offset in enumerate(offsets):
        for rate, better in ((0.01, 1), (0.03, 0)):
            runs[methods.CROSSENTROPY].append(
                run(seed, rate, (0.5, 0.6 * better, 0), slow, better)
            )
            tests = (0.5, 0.6 + offset, 0.8 + 2 * offset)
            runs["backdrop-0.5"].append(run(seed, rate, tests, quick, better))
    found = {problems[0]: {"seconds": 2.0, "runs": runs}}
    rows = {
        (row.name, row.metric): row
        for row in summary.Summary("points", study, found).rows()
    }
    told = "backdrop-0.5 less crossentropy"
    half = stats.t.ppf(0.975, 2) * offsets.std(ddof=1) / np.sqrt(3)
    row = rows[told, "test AUC, mean, equal epochs"]
    np.testing.assert_allclose(
        [row.value, row.low, row.high], [0.02, 0.02 - half, 0.02 + half]
    )
    for budget in ("time", "steps"):
        row = rows[told, f"test AUC, mean, equal {budget}"]
        assert row.value == pytest.approx(0.24)
    better = "problems where it is better, equal"
    assert rows[told, f"{better} epochs"].verdict == "miss"
    assert rows[told, f"{better} time"].verdict == "pass"


def test_splits_are_of_one_size_and_share_no_example():
    y = (np.arange(200) < 30).astype("float32")
    x = np.arange(200.0)[:, None]
    for share, count in ((None, 30 - 7), (0.025, 3)):
        for seed in range(3):
            train, validation = data.split(x, y, seed, share)
            assert len(train[1]) == 120 and train[1].sum() == count
            assert validation[1].sum() == 7
            assert not set(train[0][:, 0]) & set(validation[0][:, 0])
    with pytest.raises(ValueError, match="expects a share of 1/120 to 23/120"):
        data.split(x, y, 0, 0.5)


def test_the_embedded_problems_are_as_rare_as_they_say():
    for name in ("digits", "shares"):
        for problem in studies.STUDIES[name].sweeps(None):
            wanted = float(problem.name.split()[1].rstrip("%"))
            assert 100 * problem.positives() == pytest.approx(wanted, rel=0.1)


def test_batches_of_libauc_are_half_positive():
    y = (np.arange(100) < 5).astype("float32")
    found = methods.order(methods.LIBAUC, y, 0, 0, 20)
    assert found.shape == (5, 20) and (y[found].sum(axis=1) == 10).all()
    plain = methods.order(methods.PAIRS, y, 0, 0, 32)
    assert plain.shape == (3, 32) and len(set(plain.ravel())) == 96
    assert methods.order("backdrop-0", y, 0, 0, 32).shape == (1, 100)


def test_runs_begin_anew():
    x = RNG.normal(size=(20, 3)).astype("float32")
    y = np.arange(20) % 2
    session = methods.session("backdrop-0.5", 3, [0, 1])
    order = np.arange(20)[None]

    def scores(seed, rate):
        session.begin(seed, rate, x, y.astype("float32"), order)
        session.advance(order)
        return session.scores(x)

    first = scores(0, 0.01)
    assert not np.allclose(scores(0, 0.1), first)
    assert not np.allclose(scores(1, 0.01), first)
    np.testing.assert_array_equal(scores(0, 0.01), first)
    keras.backend.clear_session()


def test_a_diverged_run_ranks_by_chance():
    assert training.area([0, 1], np.array([np.nan, 1.0])) == 0.5
    assert training.area([0, 1], np.array([0.0, 1.0])) == 1.0


def test_libauc_begins_at_the_weights_of_keras():
    torch = pytest.importorskip("torch")
    keras.utils.set_random_seed(0)
    model = methods.network(3)
    x = RNG.normal(size=(5, 3)).astype("float32")
    found = libauc_session._network(model.get_weights())(torch.tensor(x))
    np.testing.assert_allclose(
        found.detach().numpy(), model(tf.constant(x)), atol=1e-6
    )
