import dataclasses
import types

import keras
import numpy as np
import pytest
from absl import app

from benchmarks import results
from examples import piano_rolls
from examples.piano_roll_parts import measure, networks, training
from examples.piano_roll_parts.config import CONFIGS, Run, runs
from examples.piano_roll_parts.data import NoChoralesError, Windows, windows
from examples.piano_roll_parts.experiment import Experiment
from examples.piano_roll_parts.summary import PUBLISHED, Summary
from examples.store import Store

TINY = dataclasses.replace(
    CONFIGS["small"],
    steps=8,
    epochs=1,
    more_epochs=1,
    batch=8,
    critic_steps=1,
    first=(1, 2),
    width=2,
    refiner_filters=2,
    samples=12,
)


def random_windows(seed=0, pitches=6, steps=8):
    rng = np.random.default_rng(seed)
    shape = (40, steps, 1, pitches)
    bits = (rng.random(shape) < 0.3).astype("uint8")
    return Windows(bits[:20], bits[20:30], bits[30:], "bits")


def experiment_of(folder, config=TINY):
    data = random_windows()
    store = Store(folder, f"{config}\n{data.told}\n")
    return Experiment(config, data, store)


@pytest.mark.parametrize("neuron", ["dbn", "sbn"])
def test_untrained_pitches_are_on_about_as_often_as_those_of_the_data(neuron):
    keras.utils.set_random_seed(0)
    means = np.array([0.0, 0.02, 0.1, 0.3])
    model = networks.generator(neuron, means, 16, 24, seed=0)
    rng = np.random.default_rng(0)
    z = rng.standard_normal((400, networks.LATENT), "float32")
    found = np.asarray(model(z, training=True))
    assert found.shape == (400, 16, 1, 4)
    found = found.mean(axis=(0, 1, 2))
    # Logits are not quite normal; draws are on where they are off, too.
    bound = 1.3 * means + 0.01 if neuron == "dbn" else 2 * means + 0.05
    assert np.all(found < bound)
    assert np.all(found[2:] > 0.7 * means[2:])


def test_windows_are_cropped_to_the_pitches_that_are_used(monkeypatch):
    monkeypatch.delenv("KERAS_BP_DATA", raising=False)
    found = windows(CONFIGS["small"])
    pitches = found.shape[-1]
    assert found.shape == (16, 1, pitches) and 36 < pitches <= 42
    assert found.train.any(axis=(0, 1, 2))[[0, -1]].all()
    assert "synthetic" in found.told
    with pytest.raises(NoChoralesError, match="expects JSB_Chorales.mat"):
        windows(CONFIGS["jsb"])


def test_batches_are_shuffled_and_of_one_size():
    found = training.batches(np.arange(10), 4, seed=0)
    first = np.array(list(found))
    assert first.shape == (2, 4) and len(set(first.ravel())) == 8
    assert not np.array_equal(first.ravel(), np.arange(8))
    assert not np.array_equal(first, np.array(list(found)))
    assert found.options().autotune.enabled is False


def test_short_notes_are_those_of_one_step():
    bits = np.zeros((2, 5, 3), "uint8")
    bits[0, [0, 2, 4], 0] = 1
    bits[0, 1:3, 1] = 1
    bits[1, 4] = 1
    np.testing.assert_array_equal(measure.short_notes(bits), [3, 3])


def test_real_windows_are_measured_as_real():
    data = random_windows()
    reference = measure.Reference(data)
    found = reference.measured(data.train)
    assert found["nearest"] == [0.0, 0.0] and found["known"][0] == 1
    assert found["pitch gap"] == 0
    values = measure.rolls(data.train).mean(axis=(1, 2))
    error = values.std(ddof=1) / np.sqrt(len(values))
    np.testing.assert_allclose(found["on"], [values.mean(), error])
    silent = reference.measured(np.zeros_like(data.train))
    assert silent["notes3"] == [0.0, 0.0] and silent["pitch gap"] == 0.5
    # All but the steps of training that are silent, too.
    sounding = measure.rolls(data.train).any(axis=2).mean()
    np.testing.assert_allclose(silent["polyphony gap"], sounding)
    assert reference.measured(data.test)["coverage"] == 1
    assert reference.measured(np.ones_like(data.test))["coverage"] == 0


@pytest.mark.slow
def test_a_cut_run_goes_on_where_it_ended(tmp_path, capsys, monkeypatch):
    experiment = experiment_of(tmp_path)
    pretrained, two_stage = (
        Run("pretrained", "real", 0),
        Run("two-stage", "dbn", 0),
    )
    monkeypatch.setattr(
        "examples.piano_roll_parts.experiment.runs",
        lambda config, seeds: [pretrained, two_stage],
    )
    for name in ("step-joint", "step-pretrained"):
        experiment.store.keep(name, 0.5)
    piano_rolls.work(experiment, [0], minutes=-1)
    assert "2 runs are left" in capsys.readouterr().out
    experiment.run(pretrained)
    kept = experiment.store.found(pretrained.name)
    # 2 batches an epoch, and one more step of the critic in the first.
    assert kept["steps"] == 2
    assert training.steps_of(pretrained, TINY, experiment.windows) == 5
    assert kept["measures"].keys() == {"threshold", "bernoulli"}
    again = experiment_of(tmp_path)
    piano_rolls.work(again, [0])
    out = capsys.readouterr().out
    assert "about 0.0 min" in out and "0 runs are left" in out
    assert again.store.found(pretrained.name) == kept
    # What is refined in two stages stays as it was; the critic learns on.
    before, after = (
        again.store.weights(f"{run.name}-weights")
        for run in (pretrained, two_stage)
    )
    held = [x.tobytes() for key, x in after.items() if "generator" in key]
    for key, weight in before.items():
        if key.startswith("generator"):
            assert weight.tobytes() in held, key
    assert not np.array_equal(
        before["discriminator/0"], after["discriminator/0"]
    )


def fabricated(folder, config):
    """An experiment whose runs are done, with numbers that are made up."""
    experiment = experiment_of(folder, config)
    real = experiment.real()["train"]
    bits = random_windows().test
    for run in runs(config, range(config.seeds)):
        # One kind is nearer to the data than thresholding, the others not.
        off = {"joint": 0.1}.get(run.kind, 0.3)
        if run.name.startswith("end-to-end-real"):
            off = 0.2
        off *= 1 + 0.1 * run.seed
        measures = {
            name: [x[0] + off, 0.01] if isinstance(x, list) else x + off
            for name, x in real.items()
        }
        numbers = {"core seconds": 2.0, "total seconds": 3.0}
        ends = measure.ends(run.neuron)
        numbers["measures"] = dict.fromkeys(ends, measures)
        experiment.store.keep(run.name, numbers)
        experiment.store.keep_weights(
            f"{run.name}-samples", dict.fromkeys(ends, bits)
        )
    return experiment


def test_each_model_is_compared_with_thresholding(tmp_path):
    config = dataclasses.replace(TINY, seeds=3, refiners=("dbn", "sbn"))
    experiment = fabricated(tmp_path, config)
    path = tmp_path / "metrics.json"
    piano_rolls.conclude(experiment, "tiny", path)
    result = results.load(path)
    assert result.seconds == 3 * 8 * 3.0 and result.seeds == [0, 1, 2]
    found = {(row.name, row.metric): row for row in result.rows}
    told = measure.MEASURES["notes2"]
    real = found["tiny/train windows", f"{told} (standard error)"]
    test = found["tiny/test windows", f"{told} (standard error)"]
    assert ("tiny/test windows", measure.OF_SETS["coverage"]) not in found
    row = found["tiny/joint DBN", f"{told} (standard error)"]
    # 0.10, 0.11 and 0.12 more, a standard error of 0.01 / sqrt(3).
    np.testing.assert_allclose(row.value, real.value + 0.11)
    np.testing.assert_allclose(row.high - row.value, 0.01 / np.sqrt(3))
    assert row.against_value == test.value
    gap = f"gap to real windows: {told}"
    assert found["tiny/joint DBN", gap].verdict == "pass"
    np.testing.assert_allclose(found["tiny/joint DBN", gap].ratio, 0.5)
    assert found["tiny/end-to-end SBN", gap].verdict == "miss"
    # Nearer than held-out windows is near enough.
    summary = Summary(experiment, "tiny")
    summary.real["test"]["notes2"] = [real.value + 1, 0.01]
    wide = [x for x in summary.rows() if x.metric == gap]
    np.testing.assert_allclose([x.against_value for x in wide], 1.0)
    assert {x.verdict for x in wide} == {"pass"}
    summary.real["train"]["coverage"] += 0.3
    assert summary._spread("coverage") == pytest.approx(
        abs(
            summary.real["train"]["coverage"]
            - summary.real["validation"]["coverage"]
        )
    )
    known = [summary.real[x]["known"][0] for x in ("validation", "test")]
    assert summary._spread("known") == pytest.approx(abs(np.diff(known)[0]))
    # A refiner costs what comes before it, too.
    seconds = "training of a seed, one core"
    assert found["tiny/two-stage DBN", seconds].value == 4.0
    assert found["tiny/end-to-end DBN", seconds].value == 2.0
    place = f"place of 8 by the gap of {measure.MEASURES['notes3']}"
    here = {name: found[f"tiny/{name}", place] for name in PUBLISHED}
    assert here["joint SBN"].value == 1 and here["two-stage DBN"].value == 3
    assert "published place 1, 0.78" in here["two-stage DBN"].against
    assert "published place 3, 0.67" in here["end-to-end SBN"].against
    picture = tmp_path / "piano_rolls.png"
    assert 5_000 < picture.stat().st_size < 200_000


def test_one_seed_has_the_error_of_its_windows(tmp_path):
    experiment = fabricated(tmp_path, TINY)
    summary = Summary(experiment, "tiny")
    models = summary.models()
    assert summary.value(models["joint DBN"], "on")[1] == 0.01
    assert summary.value(models["joint DBN"], "coverage")[1] is None
    # Not all of the published ones are there.
    assert not any("place" in row.metric for row in summary.rows())


@pytest.mark.parametrize("seeds", [["a"], ["3"], ["-1"], [""], []])
def test_seeds_that_it_has_not_are_told(seeds):
    config = dataclasses.replace(TINY, seeds=3)
    with pytest.raises(ValueError, match="expects --seeds to be of 0, 1, 2"):
        piano_rolls.chosen(seeds, config)
    assert piano_rolls.chosen(["2", "0", "2"], config) == [2, 0]
    assert piano_rolls.chosen(None, config) == [0, 1, 2]


def test_a_folder_of_other_data_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_BP_DATA", raising=False)
    (tmp_path / "content.txt").write_text("other\n")
    given = dict.fromkeys(["data_dir", "seeds", "minutes", "out"])
    given |= {"config": "small", "out_dir": str(tmp_path)}
    held = {name: types.SimpleNamespace(value=x) for name, x in given.items()}
    with pytest.raises(app.UsageError, match="an empty one"):
        piano_rolls.main([""], held)
