"""The example of generators of bits, on few small images."""

import dataclasses
import json
import types

import numpy as np
import pytest
from absl import app

from benchmarks import results
from examples import binary_gan
from examples.binary_gan_parts import config, side_by_side, training
from examples.binary_gan_parts.classifier import classifier
from examples.binary_gan_parts.data import Images
from examples.binary_gan_parts.measure import Reference
from examples.binary_gan_parts.summary import Summary
from examples.store import Store
from keras_bp.surgery import change_output
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


@pytest.mark.slow
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


def test_no_epoch_is_trained_twice_wherever_a_run_is_stopped(
    images, reference, tmp_path, quick, monkeypatch
):
    run, store = RUNS[1], Store(tmp_path, "bits")
    write = results.replace_file

    def stopped(path, text):
        if path.suffix == ".json":
            raise KeyboardInterrupt
        write(path, text)

    # After the model, and before its record.
    monkeypatch.setattr(results, "replace_file", stopped)
    with pytest.raises(KeyboardInterrupt):
        training.Training(run, images, store).go_on(reference, never)
    monkeypatch.undo()
    monkeypatch.setattr(training, "make", None)
    answers = iter([True])
    done = training.Training(run, images, store)
    done.go_on(reference, lambda: next(answers))
    assert done.left == 1
    found = json.loads((tmp_path / f"{run.name}.json").read_text())
    assert set(found["epochs"][0]) >= {"generator_loss"}
    assert not list(tmp_path.glob("*.next"))


def test_a_record_of_another_model_is_begun_anew_and_stays_as_long_as_it_is(
    images, reference, tmp_path, quick
):
    run, store = config.Run("mlp", "dbn", epochs=3), Store(tmp_path, "bits")
    longer = {"device": "GPU", "epochs": [{}] * 2, "seconds": [1.0, 1.0]}
    longer["evaluations"] = {"2": {}}
    store.keep(run.name, longer)
    for left in (3, 2):
        done = training.Training(run, images, store)
        assert done.left == left
        # An epoch each: a shorter run replaces no longer one.
        done.go_on(reference, iter([False, True]).__next__)
        assert store.found(run.name) == longer or left == 2
    found = store.found(run.name)
    assert len(found["epochs"]) == 2 and "device" not in found
    assert all(x.keys() >= {"generator_loss"} for x in found["epochs"])
    assert not list(tmp_path.glob("*.part"))
    # Now the model has two epochs, and a record of one is none of it.
    store.keep(run.name, {**longer, "epochs": [{}], "seconds": [1.0]})
    trained(run, images, reference, tmp_path)
    found = store.found(run.name)
    assert len(found["epochs"]) == 3 and "device" not in found
    assert "3" in found["evaluations"]
    # Nor one of as many epochs that was trained beside others.
    store.keep(run.name, {**longer, "epochs": [{}] * 3})
    again = training.Training(dataclasses.replace(run, epochs=4), images, store)
    again.go_on(reference, never)
    assert len(store.found(run.name)["epochs"]) == 4
    assert store.found(run.name)["seconds"][0] != 1.0
    assert training.Training(run, images, store).left == 0


def test_a_run_beside_others_keeps_what_is_longer_and_what_may_go_on(tmp_path):
    run, store = RUNS[0], Store(tmp_path, "bits")
    record = {"epochs": [{"of": "TensorFlow"}], "seconds": [1.0]}
    record["evaluations"] = {}
    store.keep(run.name, record)

    def keep(epochs):
        told = {**record, "device": "GPU", "epochs": [{}] * epochs}
        side_by_side._keep(store, run, told, {1: {"x": np.full(1, epochs)}})

    for epochs, kept in ((2, 2), (4, 4), (3, 4)):
        keep(epochs)
        assert len(store.found(run.name)["epochs"]) == kept
        assert store.weights(f"{run.name}-1")["x"] == kept
        part = json.loads((tmp_path / f"{run.name}.part").read_text())
        assert part == record


def test_a_folder_of_other_data_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_BP_DATA", raising=False)
    (tmp_path / "content.txt").write_text("other\n")
    with pytest.raises(app.UsageError, match="an empty one"):
        binary_gan.main(["binary_gan"], holders(out_dir=str(tmp_path)))


@pytest.mark.slow
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
    table = summary.table().splitlines()
    assert len(table) == 6
    # In the order in which they are measured, each time.
    assert ["threshold" in table[3], "bernoulli" in table[4]] == [True, True]
    assert binary_gan.conclude(images, store, reference) is None
    named = tmp_path / "named" / "result.json"
    binary_gan.conclude(images, store, reference, named)
    for path in (tmp_path / "metrics.json", named):
        results.check(path)
    for name in ("samples.png", "curves.png"):
        picture = (tmp_path / name).read_bytes()
        assert picture.startswith(b"\x89PNG") and len(picture) < 200_000


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


def test_a_sigmoid_has_the_slope_of_its_variant(images):
    made = [
        training.make(config.Run("mlp", "real", variant=x), images.sample_shape)
        for x in ("paper", "slope1", "slope4")
    ]
    z = np.random.default_rng(0).standard_normal((3, 128), "float32")
    odds = []
    for gan in made:
        p = gan.generator(z).numpy().astype("float64")
        odds.append(np.log(p / (1 - p)))
    np.testing.assert_array_equal(odds[0], odds[1])
    np.testing.assert_allclose(odds[2], 4 * odds[0], rtol=1e-3, atol=1e-5)
    names = [[x.path.split("/")[-1] for x in y.weights] for y in made]
    assert names[0] == names[2]
    ends = [change_output(x.generator, "threshold")(z) for x in made]
    np.testing.assert_array_equal(ends[0], ends[2])


def test_a_real_valued_generator_is_measured_behind_both_ends(
    images, reference, tmp_path, quick
):
    found = trained(RUNS[1], images, reference, tmp_path)["evaluations"]["2"]
    assert set(found) == {"threshold", "bernoulli", "histogram"}
    assert found["threshold"]["same latent"][0] == 0
    assert found["bernoulli"]["same latent"][0] > 0
    assert sum(found["histogram"]["shares"]) == pytest.approx(1)


def test_minutes_are_those_since_the_limit_was_made(monkeypatch):
    assert not binary_gan.until(None)()
    clock = iter([100.0, 219.0, 221.0])
    monkeypatch.setattr(binary_gan.time, "perf_counter", lambda: next(clock))
    enough = binary_gan.until(2.0)
    assert [enough(), enough()] == [False, True]


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
    names = [(x.preset, x.neuron, x.variant, x.epochs) for x in runs]
    place = names.index(("mlp", "sbn", "slope4", 20))
    assert names[place + 1] == ("mlp", "real", "slope4", 20)
    assert names[place + 4 : place + 8] == [
        ("cnn", neuron, variant, 5)
        for variant in ("slope4", "published")
        for neuron in ("dbn", "sbn")
    ]
    for run in runs:
        config.check(run, is_mnist=True)


def test_flags_of_runs_make_runs_and_are_not_mixed_with_a_study(monkeypatch):
    def found(**changes):
        given = {k: x.value for k, x in holders(**changes).items()}
        return binary_gan.chosen(given)

    assert {x.epochs for x in found(epochs=3)} == {3}
    assert {x.seed for x in found(seeds=2)} == {0, 1}
    assert found() == config.STUDIES["digits"]
    assert found(study="mnist") == config.STUDIES["mnist"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neuron": ["dbm"]}, "expects --neuron to be of"),
        ({"variant": ["new"]}, "expects --variant to be of"),
        ({"objective": ["wgan-pg"]}, "expects --objective to be of"),
        ({"preset": "cnn"}, "needs mnist.npz"),
        ({"data_dir": "nowhere"}, "expects `data_dir` to hold mnist.npz"),
        ({"only": ["nothing"]}, "No run is called"),
        ({"study": "digits", "epochs": 3}, "expects --study or .* --epochs"),
        ({"study": "digits", "seeds": 3}, "expects --study or .* --seeds"),
        ({"neuron": ["real"], "variant": ["disarm"]}, "--variant of real"),
        ({"neuron": ["dbn"], "variant": ["rloo"]}, "--variant of dbn"),
        ({"neuron": ["dbn"], "variant": ["gumbel"]}, "--variant of dbn"),
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
