"""What the example of generators of bits says of its runs, without any."""

import types

import numpy as np
import pytest

from examples.binary_gan_parts import config, figures
from examples.binary_gan_parts.published import GRIDS, against
from examples.binary_gan_parts.summary import METRICS, Summary
from examples.store import Store

ALIKE = [100] * 10


def made_up(tmp_path, run, epochs, **measures):
    """A `Summary` of one run of MNIST, with the same measures each time."""
    images = types.SimpleNamespace(
        is_mnist=True, test=np.arange(100), test_labels=None
    )
    judge = types.SimpleNamespace(accuracy=lambda *_: 1.0)
    reference = types.SimpleNamespace(
        judge=judge,
        measured=lambda x: {"on": float(np.mean(x[:20])), "histogram": [1]},
    )
    end = "threshold" if run.neuron == "dbn" else "bernoulli"
    evaluation = {
        end: {**dict.fromkeys(METRICS, 1.0), "histogram": ALIKE, **measures},
        "histogram": {"first": 0.1, "last": 0.1, "notch": 0.1},
    }
    store = Store(tmp_path, "bits")
    store.keep(
        run.name,
        {
            "evaluations": {str(epoch): evaluation for epoch in epochs},
            "seconds": [1.0],
        },
    )
    return Summary(images, store, reference)


@pytest.mark.parametrize("variant", ["paper", "slope4"])
def test_an_aim_is_of_the_value_after_the_last_epoch(tmp_path, variant):
    run = config.Run("cnn", "dbn", variant=variant)
    # An expectation of 1 - .99^64 for the class of one in a hundred.
    histogram = [10] + [110] * 9
    measures = {"components": 1.596, "iso4": [0.05, 0.01]}
    measures |= {"histogram": histogram, "score of 64": 6.94}
    rows = made_up(tmp_path, run, (5, 10), **measures).rows()
    rows = [x for x in rows if x.name.startswith("mnist/cnn")]
    judged = {x.metric: x for x in rows if x.aim is not None}
    assert {name: (x.aim, x.verdict) for name, x in judged.items()} == {
        METRICS["components"][0]: ("<= 1.31", "miss"),
        METRICS["iso4"][0]: ("<= 0.06", "pass"),
        METRICS["classes"][0]: (">= 9.5", "miss"),
        METRICS["score of 64"][0]: (">= 6.95", "miss"),
    }
    classes = 9 * (1 - 0.89**64) + 1 - 0.99**64
    assert judged[METRICS["classes"][0]].value == pytest.approx(classes)
    assert all("10 epochs" in x.name for x in judged.values())
    first = judged[METRICS["components"][0]]
    assert (first.against, first.ratio) == ("published grid of 64 (1.31)", None)
    early = [x for x in rows if x.metric == METRICS["components"][0]][0]
    assert early.ratio == pytest.approx(1.596 / 1.31)


@pytest.mark.parametrize(
    ("neuron", "bins"), [("dbn", 3), ("sbn", 2), ("real", 2)]
)
def test_the_published_bins_are_those_of_the_published_code(
    neuron, bins, tmp_path
):
    for variant, shown in (("paper", 0), ("published", bins)):
        run = config.Run("mlp", neuron, variant=variant)
        rows = made_up(tmp_path / variant, run, (20,)).rows()
        found = [x for x in rows if x.against == "published"]
        # A published share of none is one.
        assert len(found) == shown
        assert all(x.against_value is not None for x in found)


def test_flips_are_those_of_the_same_latents_and_the_rarest_class_is_told(
    tmp_path,
):
    run = config.Run("mlp", "sbn")
    found = made_up(tmp_path, run, (5, 10), histogram=[14, 2, 4])
    for epoch, share in ((5, 0.4), (10, 0.9)):
        grid = np.full((64, 28, 28, 1), 0.1, "float32")
        grid[:, :, : epoch // 5] = share
        found.store.keep_weights(f"{run.name}-{epoch}", {"probability": grid})
    rows = {x.metric: x for x in found.rows() if "10 epochs" in x.name}
    # Two columns are above a half after the tenth epoch, and none before.
    flips = rows["flips of 64 fixed latents since epoch 5"]
    assert flips.value == pytest.approx(2 / 28) and flips.low is None
    assert rows["share of the rarest class"].value == 0.1


def test_each_seed_is_told_after_its_last_epoch(tmp_path):
    made_up(tmp_path, config.Run("cnn", "dbn"), (5, 13), components=1.5)
    found = made_up(tmp_path, config.Run("cnn", "dbn", seed=1), (5, 10, 20))
    assert {len(x) for x in found.kinds().values()} == {2}
    rows = [x for x in found.rows() if x.metric == METRICS["components"][0]]
    told = {x.name.rpartition(", ")[2]: x for x in rows}
    assert list(told) == ["5 epochs", "13 epochs", "20 epochs"]
    assert [x.value for x in told.values()] == [1.25, 1.5, 1.0]
    assert [x.aim for x in told.values()] == [None, None, "<= 1.31"]


def test_test_images_are_measured_from_all_over_the_set(tmp_path):
    # The first fifth has about the mean of all, 49.5, and not 9.5.
    data = made_up(tmp_path, config.Run("mlp", "sbn"), (20,)).data
    assert data["on"] == pytest.approx(49.5, abs=10)


def test_all_grids_hold_the_same_measures():
    assert len({tuple(grid) for grid in GRIDS.values()}) == 1


def test_lines_of_a_picture_differ_and_are_few(tmp_path, monkeypatch):
    runs = [x for x in config.STUDIES["mnist"] if x.seed == 0]
    for run in runs:
        summary = made_up(tmp_path, run, (5,))
    drawn = []
    monkeypatch.setattr(
        figures, "_line", lambda *arguments: drawn.append(arguments[-1])
    )
    summary.data = dict.fromkeys(METRICS, 1.0)
    figures._curves(summary)
    looks = {(x["color"], x["ls"], x["marker"]) for x in drawn}
    labels = {x["label"] for x in drawn}
    assert len(looks) == len(labels) == len(drawn) // 4 > 10
    assert not any("slope" in x for x in labels)


def test_aims_are_two_standard_errors_below_what_is_published():
    run = config.Run("cnn", "dbn")
    assert against(run, "threshold", "iso4") == (0.16, "<= 0.06")
    run = config.Run("cnn", "sbn")
    assert against(run, "bernoulli", "iso4") == (0.38, "<= 0.22")
    assert against(run, "bernoulli", "score of 64") == (6.85, ">= 6.85")
    assert against(run, "bernoulli", "FD") == (None, None)
    assert against(config.Run("mlp", "dbn"), "threshold", "iso4")[1] is None


def test_a_device_is_told_and_whether_it_trained_all(tmp_path):
    found = made_up(tmp_path, config.Run("mlp", "sbn"), (20,))
    assert found.device() is None
    _, record = found.runs["mlp-wgan-gp-sbn-paper-0"]
    found.runs["another"] = (None, {**record, "device": "some GPU"})
    assert found.device() == "in part trained on some GPU"
    record["device"] = "some GPU"
    assert found.device() == "trained on some GPU"
