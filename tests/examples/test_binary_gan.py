"""The example of generators of bits, on few small images."""

import json
import types

import numpy as np
import pytest
from absl import app

from examples import binary_gan
from examples.binary_gan_parts import config, figures, training
from examples.binary_gan_parts.classifier import classifier
from examples.binary_gan_parts.data import Images
from examples.binary_gan_parts.measure import Reference
from examples.binary_gan_parts.summary import Summary, against
from examples.store import Store
from keras_bp.training import CriticSchedule

RUNS = [
    config.Run("mlp", "sbn", epochs=2),
    config.Run("mlp", "real", epochs=2),
    config.Run("mlp", "sbn", variant="rloo", epochs=2),
]


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 200)
    bits = rng.random((200, 8, 8, 1)) < (labels / 10)[:, None, None, None]
    bits = bits.astype("uint8")
    return Images(bits[:128], labels[:128], bits[128:], labels[128:], "bits")


@pytest.fixture(scope="module")
def reference(images, tmp_path_factory):
    path = tmp_path_factory.mktemp("classifier") / "classifier.keras"
    return Reference(images, classifier(images, path, 1), 64)


@pytest.fixture
def quick(monkeypatch):
    # Steps, many, first, period.
    monkeypatch.setattr(CriticSchedule.__init__, "__defaults__", (1, 1, 0, 0))


def never():
    return False


def trained(run, images, reference, folder, enough=never):
    done = training.Training(run, images, Store(folder, "bits"))
    done.go_on(reference, enough)
    return json.loads((folder / f"{run.name}.json").read_text())


def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    images, reference, tmp_path, quick
):
    run = RUNS[0]
    whole = trained(run, images, reference, tmp_path / "whole")
    answers = iter([False, True])
    folder = tmp_path / "parts"
    first = trained(run, images, reference, folder, lambda: next(answers))
    assert len(first["epochs"]) == 1
    parts = trained(run, images, reference, folder)
    assert parts["epochs"] == whole["epochs"]
    assert parts["evaluations"] == whole["evaluations"]
    assert [x["slope"] for x in whole["epochs"]] == pytest.approx([1.0, 1.1])


def test_all_runs_become_rows_a_table_and_pictures(
    images, reference, tmp_path, quick
):
    for run in RUNS:
        trained(run, images, reference, tmp_path)
    store = Store(tmp_path, "bits")
    summary = Summary(images, store, reference)
    rows = summary.rows()
    names = {row.name for row in rows}
    assert "digits/mlp, wgan-gp, sbn, paper, 2 epochs" in names
    assert "digits/mlp, wgan-gp, real, paper, bernoulli, 2 epochs" in names
    assert "digits/mlp, wgan-gp, sbn, rloo, 2 epochs" in names
    on = {row.name: row.value for row in rows if row.metric == METRIC_OF_SHARES}
    assert on["digits/test images"] == pytest.approx(images.test.mean())
    assert len(summary.table().splitlines()) == 6
    for path in figures.draw(summary, tmp_path):
        assert path.read_bytes().startswith(b"\x89PNG")


METRIC_OF_SHARES = "share of on-pixels"


def test_variants_begin_with_their_slope(images):
    shape = images.sample_shape
    for variant, slope in (("paper", 1.0), ("slope4", 4.0)):
        run = config.Run("mlp", "sbn", variant=variant)
        neuron = training.make(run, shape).generator.layers[-1]
        assert float(neuron.slope.value) == slope
    run = config.Run("mlp", "sbn", variant="disarm")
    node, before = training.make(run, shape).generator.layers[:-3:-1]
    assert node.estimator == "disarm" and before.scale == 4.0


def test_a_real_valued_generator_is_measured_behind_both_ends(
    images, reference, tmp_path, quick
):
    found = trained(RUNS[1], images, reference, tmp_path)["evaluations"]["2"]
    assert set(found) == {"threshold", "bernoulli", "histogram"}
    assert found["threshold"]["same latent"][0] == 0
    assert found["bernoulli"]["same latent"][0] > 0
    assert sum(found["histogram"]["shares"]) == pytest.approx(1)


def test_aims_are_two_standard_errors_below_what_is_published():
    run = config.Run("cnn", "dbn")
    assert against(run, "threshold", "iso4") == (0.16, "<= 0.06")
    run = config.Run("cnn", "sbn")
    assert against(run, "bernoulli", "iso4") == (0.38, "<= 0.22")
    assert against(run, "bernoulli", "score of 64") == (7.0, ">= 7.0")
    assert against(run, "bernoulli", "FD") == (None, None)


def test_the_budget_counts_the_batches_with_many_steps():
    # 1,094 batches an epoch: 25 and two more with 100 steps, or 2 of 20.
    seconds = training.budget((1.0, 100.0), 70_000, 1)
    assert seconds == 1094 - 27 + 2700


def test_the_study_holds_what_is_compared():
    runs = config.STUDIES["mnist"]
    assert len({run.name for run in runs if run.epochs == 20}) == sum(
        run.epochs == 20 for run in runs
    )
    paper = [run for run in runs if run.variant == "paper"]
    for neuron in ("dbn", "sbn", "real"):
        of = [x for x in paper if x.neuron == neuron]
        mlp = [x for x in of if (x.preset, x.objective) == ("mlp", "wgan-gp")]
        assert {(x.seed, x.epochs) for x in mlp} == {(s, 20) for s in range(3)}
        cnn = [x for x in of if x.preset == "cnn" and x.epochs == 5]
        assert {x.seed for x in cnn} == {0, 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neuron": ["dbm"]}, "expects --neuron to be of"),
        ({"variant": ["new"]}, "expects --variant to be of"),
        ({"objective": ["wgan-pg"]}, "expects --objective to be of"),
        ({"preset": "cnn"}, "needs mnist.npz"),
        ({"data_dir": "nowhere"}, "expects `data_dir` to hold mnist.npz"),
        ({"only": ["nothing"]}, "No run is called"),
    ],
)
def test_wrong_arguments_are_told(changes, message, monkeypatch):
    monkeypatch.delenv("KERAS_BP_DATA", raising=False)
    with pytest.raises(app.UsageError, match=message):
        binary_gan.main(["binary_gan"], holders(**changes))


def holders(**changes):
    """What `define_flags` returns, with its defaults and some changes."""
    values = dict.fromkeys(
        [
            "study",
            "preset",
            "neuron",
            "objective",
            "variant",
            "epochs",
            "only",
            "data_dir",
            "minutes",
            "out_dir",
            "out",
        ]
    )
    values = {**values, "seeds": 1, **changes}
    return {name: types.SimpleNamespace(value=x) for name, x in values.items()}
