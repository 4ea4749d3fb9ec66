import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import app
from scipy import stats

from benchmarks import results
from examples import backdrop_textures as example
from examples.texture_parts import methods, networks, studies, summary
from keras_bp.layers import BackdropMask

RNG = np.random.default_rng(0)
TASK = studies.Task(
    lengths=((1.0, 1.5), (2.0, 2.5)),
    per_class=2,
    size=16,
    cells=(8, 4),
    channels=2,
    others=(4, 8),
    epochs=1,
)


def study(**changed):
    given = {"methods": ("none", "fine 0.9"), "rates": (0.01,)}
    given |= {"seeds": 2, "batch": 8}
    return studies.Study("points", (TASK,), **{**given, **changed})


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("textures")
    return example.work(study(), ["fine 0.9"], folder), folder


def test_finished_runs_are_not_run_again(done):
    found, folder = done
    (path,) = folder.glob("*.jsonl")
    before = path.read_bytes()
    assert example.work(study(), ["fine 0.9"], folder, 5.0) == found
    assert path.read_bytes() == before
    rows = found[TASK.name]["fine 0.9"]
    assert [row["seed"] for row in rows] == [0, 1]
    assert {"accuracy", "fine", "coarse"} <= set(rows[0]["test"])


def test_nothing_begins_after_the_minutes(tmp_path, capsys):
    assert example.work(study(), study().methods, tmp_path, -1.0) == {}
    assert "Left: 4 of" in capsys.readouterr().out


def rows_of(method, accuracies):
    return [
        {
            "method": method,
            "seed": seed,
            "rate": rate,
            "seconds": 1.0,
            "validation": {"accuracy": 0.5 + (rate == 0.01)},
            "test": dict.fromkeys(
                ("accuracy", "fine", "coarse"), a if rate == 0.01 else 0.0
            ),
        }
        for seed, a in enumerate(accuracies)
        for rate in (0.01, 0.03)
    ]


def test_the_result_and_the_picture_are_written(tmp_path):
    known = {name: rows_of(name, [0.5, 0.75]) for name in ("none", "fine 0.9")}
    found = {name: known for name in (TASK.name, "another")}
    example.conclude("small", study(), found, tmp_path, tmp_path / "a.json")
    made = json.loads((tmp_path / "a.json").read_text("utf-8"))
    results.check(made)
    assert made["seeds"] == [0, 1]
    names = {row["name"] for row in made["rows"]}
    assert f"small/{TASK.name}/fine 0.9" in names and len(names) == 4
    assert (tmp_path / "textures.png").stat().st_size > 5_000


def test_differences_are_paired_and_at_the_rate_that_validation_chose():
    found = {
        "a": {
            "none": rows_of("none", [0.5, 0.6, 0.7, 0.1]),
            "crop": rows_of("crop", [0.6, 0.7, 0.9]),
        }
    }
    read = summary.Summary("small", study(), found)
    np.testing.assert_allclose(read.differences("a", "crop"), [10, 10, 20])
    assert read.differences("a", "none") is None
    assert read.seeds() == [0, 1, 2, 3] and read.seconds() == 14
    row = summary.mean_row("x", "y", read.differences("a", "crop"), "points")
    half = stats.t.ppf(0.975, 2) * np.sqrt(100 / 3 / 3)
    np.testing.assert_allclose(
        [row.low, row.value, row.high], [40 / 3 - half, 40 / 3, 40 / 3 + half]
    )


def test_no_image_is_in_two_parts_and_smaller_sets_begin_larger_ones():
    parts = TASK.data(0)
    images = np.concatenate([parts[x][0] for x in methods_of(parts)])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == 8 + 4 + 8
    fewer = dataclasses.replace(TASK, per_class=1).data(0)
    np.testing.assert_array_equal(fewer["train"][0], parts["train"][0][:4])
    np.testing.assert_array_equal(fewer["test"][0], parts["test"][0])
    assert not np.array_equal(TASK.data(1)["train"][0], parts["train"][0])


def methods_of(parts):
    return [x for x in parts if x != "name"]


@pytest.mark.parametrize("name", methods.NAMES)
def test_all_methods_begin_and_predict_alike(name):
    x = RNG.normal(size=(4, 16, 16, 1)).astype("float32")
    found = []
    for method in (methods.METHODS[name], methods.Method()):
        keras.utils.set_random_seed(0)
        model = networks.compiled(method, TASK)
        found.append([w.numpy() for w in model.trainable_weights])
        found[-1].append(model(x))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "name", ["shared 0.3+0.95", "dropout 0.3", "spatial dropout 0.2", "crop"]
)
def test_a_method_takes_other_steps_than_none(name):
    x = RNG.normal(size=(4, 16, 16, 1)).astype("float32")
    y = np.arange(4)
    gradients = []
    for method in (methods.METHODS[name], methods.Method()):
        keras.utils.set_random_seed(0)
        model = networks.compiled(method, TASK)
        with tf.GradientTape() as tape:
            loss = model.loss(y, model(x, training=True))
        gradients.append(tape.gradient(loss, model.trainable_weights))
    differ = [
        not np.allclose(one, other)
        for one, other in zip(*gradients, strict=True)
    ]
    assert differ[0] and all(np.isfinite(g).all() for g in gradients[0])
    # What lies behind the masks has the full gradient.
    assert differ[-1] != name.startswith("shared")


def masks(model):
    return [x for x in model.layers if isinstance(x, BackdropMask)]


def test_masks_lie_on_the_cells_of_the_paper():
    # Of its own size, and of the one that is a quarter of it.
    for name, preset in studies.STUDIES.items():
        for task in preset.tasks:
            made = networks.network(
                methods.Method(fine=0.3, coarse=0.9),
                task.size,
                task.cells,
                2,
                4,
            )
            sides = [x.output.shape[1] for x in masks(made)]
            assert tuple(sides) == task.cells, name
            assert [x.get_config()["rate"] for x in masks(made)] == [0.3, 0.9]
    for name in ("quarter", "paper"):
        (task,) = studies.STUDIES[name].tasks
        assert task.cells == (32, 4)
        np.testing.assert_allclose(
            np.multiply(task.lengths, 1024 / task.size), [[9.5, 10], [80, 140]]
        )
    kernels = [
        x.kernel_size[0]
        for x in networks.network(methods.Method(), 1024, (32, 4), 2, 4).layers
        if isinstance(x, keras.layers.Conv2D)
    ]
    assert kernels == [5] + [2] * 7


@pytest.mark.parametrize("name", ["both 0.3+0.95", "shared 0.3+0.95"])
def test_masks_are_shared_as_the_method_says(name):
    made = networks.network(methods.METHODS[name], 16, (8, 4), 2, 4)
    own = [x.get_config()["per_sample"] for x in masks(made)]
    assert own == [not name.startswith("shared")] * 2


def test_crops_are_windows_of_their_images_and_only_in_training():
    count = 40
    x = np.arange(count * 36, dtype="float32").reshape(count, 6, 6, 1)
    layer = networks.TrainingCrop(4, seed=0)
    assert layer(x).shape == x.shape
    found = [np.asarray(layer(x, training=True)) for _ in range(3)]
    places = [w[:, 0, 0, 0] - 36 * np.arange(count) for w in found]
    # Any of 9, each image its own, others each time.
    assert {*np.concatenate(places)} == {0, 1, 2, 6, 7, 8, 12, 13, 14}
    assert not np.array_equal(places[0], places[1])
    window = found[0][1, :, :, 0]
    np.testing.assert_array_equal(
        window - window[0, 0], np.arange(4)[:, None] * 6 + np.arange(4)
    )


def test_the_accuracy_of_a_scale_ignores_the_other():
    labels = np.array([0, 1, 2, 3, 4, 5])
    scores = np.eye(6, dtype="float32")[[0, 2, 2, 0, 1, 4]]
    # Of three small lengths: 0 1 2 0 1 2, found 0 2 2 0 1 1.
    np.testing.assert_array_equal(
        networks.fine_accuracy(3)(labels, scores), [1, 0, 1, 1, 1, 0]
    )
    np.testing.assert_array_equal(
        networks.coarse_accuracy(3)(labels[:, None], scores), [1, 1, 1, 0, 0, 1]
    )


def test_unknown_methods_are_refused():
    class Flag:
        def __init__(self, value):
            self.value = value

    given = dict.fromkeys(("seeds", "minutes", "out_dir", "out"), Flag(None))
    given |= {"preset": Flag("small"), "only": Flag(["magic"])}
    with pytest.raises(app.UsageError, match="magic"):
        example.run(["x"], given)
