"""The example of spectral GANs, on few small images."""

import dataclasses
import io
import json
import types

import numpy as np
import pytest

from benchmarks import results
from examples import spectral_gan
from examples.binary_gan_parts.classifier import classifier
from examples.binary_gan_parts.data import Images
from examples.spectral_parts import (
    config,
    factors,
    figures,
    inversion,
    summary,
    training,
    walks,
)
from examples.spectral_parts.measure import Reference
from examples.spectral_parts.networks import Views, make
from examples.store import Store

TINY = config.Study(
    name="digits",
    needs_mnist=False,
    neuron="real",
    arms=("none", "condition 0.1"),
    seeds=1,
    latents=4,
    width=8,
    batch=16,
    epochs=1,
    samples=40,
    spectra=8,
    held_out=4,
    climbed=4,
    walked=4,
)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 120)
    shades = rng.random((120, 8, 8, 1)) * (labels / 10)[:, None, None, None]
    shades = shades.astype("float32")
    return Images(shades[:80], labels[:80], shades[80:], labels[80:], "shades")


@pytest.fixture(scope="module")
def reference(images, tmp_path_factory):
    path = tmp_path_factory.mktemp("judge") / "classifier.keras"
    return Reference(TINY, images, classifier(images, path, 1))


@pytest.fixture(scope="module")
def done(reference, tmp_path_factory):
    """One run, and another that stands for the arm without a term."""
    store = Store(tmp_path_factory.mktemp("runs"), "tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walks, "DIRECTIONS", 1)
        patch.setattr(spectral_gan, "seconds_of_training", lambda *_: 1.0)
        spectral_gan.work(TINY, reference, store, ["condition"])
    one, other = (config.Run(arm, 0).name for arm in TINY.arms[::-1])
    store.keep(other, {**store.found(one), "condition": 7.0})
    store.keep_weights(other, store.weights(one))
    return store


@pytest.mark.slow
def test_finished_runs_are_not_run_again_and_nothing_begins_too_late(
    done, reference, tmp_path, capsys
):
    spectral_gan.work(TINY, reference, done)
    assert capsys.readouterr().out == ""
    fresh = Store(tmp_path, "tiny")
    spectral_gan.work(TINY, reference, fresh, minutes=-1.0)
    assert capsys.readouterr().out.count("Left: ") == 2
    spectral_gan.work(TINY, reference, fresh, ["nothing"])
    assert not list(tmp_path.glob("*.npz"))


def test_the_result_and_the_pictures_are_written(done, reference):
    path = done.folder / "result.json"
    spectral_gan.conclude(TINY, done, reference, path)
    made = json.loads(path.read_text("utf-8"))
    results.check(made)
    rows = {(row["name"], row["metric"]): row for row in made["rows"]}
    for arm in TINY.arms:
        row = rows[f"digits/{arm}", "condition number of the Jacobian"]
        found = done.found(config.Run(arm, 0).name)["condition"]
        np.testing.assert_allclose(row["value"], found, rtol=1e-6)
        error = rows[f"digits/{arm}", "error of inverted test images, a pixel"]
        assert error["value"] > 0
    ratio = rows["digits/condition 0.1", "condition over that of none"]
    np.testing.assert_allclose(ratio["value"], found / 7, rtol=1e-6)
    assert ("digits/none", "gain in conditioning that counts") not in rows
    assert made["seeds"] == [0]
    for name in ("arms", "samples", "ascent", "paths"):
        size = (done.folder / f"{name}.png").stat().st_size
        assert 2_000 < size < 200_000


def record(distance, coverage, condition):
    return {"FD": distance, "coverage": coverage, "condition": condition}


def summary_of(arm, none):
    found = summary.Summary.__new__(summary.Summary)
    found.records = {
        "condition 0.1": dict(enumerate(arm)),
        "none": dict(enumerate(none)),
    }
    return found


def test_quality_is_kept_only_where_intervals_rule_out_the_contrary():
    none = [record(2.0 + 0.1 * i, 0.5, 9.0) for i in range(3)]
    same = [record(2.0 + 0.1 * i, 0.49, 3.0) for i in range(3)]
    assert summary_of(same, none).keeps_quality("condition 0.1")
    for worse in (
        [record(2.4 + 0.1 * i, 0.5, 3.0) for i in range(3)],
        [record(2.0 + 0.1 * i, 0.4, 3.0) for i in range(3)],
        # As good in the mean, and far apart.
        [record(x, 0.5, 3.0) for x in (1.5, 2.1, 2.7)],
    ):
        assert not summary_of(worse, none).keeps_quality("condition 0.1")
    assert not summary_of(same[:1], none[:1]).keeps_quality("condition 0.1")


@pytest.mark.parametrize("neuron", ["real", "dbn"])
def test_images_that_a_generator_makes_are_inverted(neuron):
    study = dataclasses.replace(TINY, neuron=neuron)
    run = config.Run("none", 0)
    views = Views(make(study, run, (8, 8, 1)).generator)
    z = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    wanted = views.smooth(z).numpy()
    found, errors = inversion.invert(views.smooth, wanted, 4, steps=200)
    assert errors.max() < 0.01
    np.testing.assert_allclose(views.smooth(found), wanted, atol=0.05)
    found, errors = inversion.invert(views.smooth, wanted, 4, steps=2)
    rest = (views.smooth(found).numpy() - wanted).reshape(3, -1)
    np.testing.assert_allclose(errors, np.sqrt((rest**2).mean(axis=1)), 1e-4)
    if neuron == "dbn":
        assert set(np.unique(views.images(z))) <= {0.0, 1.0}


def test_paths_have_equal_steps_in_the_output_and_begin_in_the_middle(
    monkeypatch,
):
    monkeypatch.setattr(walks, "DIRECTIONS", 1)
    views = Views(make(TINY, config.Run("none", 1), (8, 8, 1)).generator)
    start = np.random.default_rng(0).normal(size=(4, 4)).astype("float32")
    for made in (walks.eigenvector_paths, walks.random_paths):
        paths = made(views.metric, start, 0.02)
        assert paths.shape == (walks.DIRECTIONS, 4, 2 * walks.STEPS + 1, 4)
        np.testing.assert_allclose(
            paths[:, :, walks.STEPS],
            np.broadcast_to(start, paths[:, :, 0].shape),
            rtol=1e-5,
        )
        images = views.images(paths)
        steps = np.diff(images, axis=2).reshape(*images.shape[:2], -1, 64)
        lengths = np.linalg.norm(steps, axis=-1)
        # A leaky ReLU that switches within a step makes another length.
        np.testing.assert_allclose(np.median(lengths), 0.02, rtol=0.02)
        np.testing.assert_allclose(
            np.linalg.norm(paths, axis=-1),
            np.linalg.norm(start, axis=1)[None, :, None]
            * np.ones(paths.shape[:3]),
            rtol=1e-4,
        )


def test_strokes_are_told_by_their_thickness_slant_and_width():
    def bar(thickness, shear):
        image = np.zeros((24, 24, 1))
        for row in range(4, 20):
            left = int(round(11 + shear * (row - 12)))
            image[row, left : left + thickness] = 1
        return image

    upright, thick, slanted = factors.strokes(
        np.stack([bar(2, 0), bar(4, 0), bar(2, 0.5)])
    )
    # A bar of 2 by 16 has edges of 36: 2 * 32 / 36.
    np.testing.assert_allclose(upright, [64 / 36, 0, 0.5], atol=1e-6)
    np.testing.assert_allclose(thick[:2], [128 / 40, 0], atol=1e-6)
    np.testing.assert_allclose(slanted[1], 0.5, atol=0.05)
    assert slanted[2] > upright[2] and thick[2] > upright[2]


def test_a_change_of_one_factor_is_all_in_one():
    assert factors.concentration(np.eye(4) * 3).tolist() == pytest.approx(
        [1.0] * 4
    )
    assert factors.concentration(np.ones(4)) == pytest.approx(0.25)


def test_changes_are_in_those_between_two_samples():
    random = np.random.default_rng(0)
    images = random.random((400, 8, 8, 1))

    def judge(images):
        shades = images.mean(axis=(1, 2))
        return None, np.concatenate([shades, 1 - shades], axis=1)

    found = factors.Factors(judge, images).changes(images[:200], images[200:])
    # Whatever the unit of each, the mean between any two of them is one.
    np.testing.assert_allclose(found.mean(axis=0), [1] * 4, rtol=1e-4)


def test_quality_is_that_of_sets_of_equal_size(reference, images):
    sizes = []

    def judge(made):
        return np.random.default_rng(0).normal(size=(len(made), 4)), None

    class Counted(Reference):
        def _quality(self, features):
            sizes.append(len(features))
            return {"FD": float(len(sizes))}

    counted = Counted.__new__(Counted)
    counted.judge, counted.count = judge, reference.count
    assert reference.count == min(TINY.samples, len(images.test)) == 40
    found = counted.quality(np.zeros((100, 8, 8, 1)))
    assert sizes == [40, 40] and found == {"FD": 1.5}


def test_a_gain_counts_only_where_its_interval_says_so():
    def gain(conditions):
        likelihoods = {
            "samples": {"likelihood": [0.0]},
            "held out": {"likelihood": [0.0]},
            "effective rank": 1.0,
        }
        none = [{**record(2.0 + i, 0.5, 9.0), **likelihoods} for i in range(3)]
        same = [
            {**x, "condition": c} for x, c in zip(none, conditions, strict=True)
        ]
        rows = summary_of(same, none)._against_none("condition 0.1", "x")
        return next(r for r in rows if "gain in cond" in r.metric).value

    assert gain([3.0, 3.1, 2.9]) == pytest.approx(3, rel=0.01)
    assert gain([9.1, 3.0, 8.5]) == 1


def test_a_folder_of_other_runs_is_named(tmp_path, monkeypatch):
    (tmp_path / "content.txt").write_text("other", encoding="utf-8")
    given = dict.fromkeys(("data_dir", "only", "minutes", "out"))
    holders = {
        name: types.SimpleNamespace(value=value)
        for name, value in {
            **given,
            "study": "digits",
            "out_dir": str(tmp_path),
        }.items()
    }
    with pytest.raises(spectral_gan.app.UsageError, match="an --out_dir that"):
        spectral_gan.main(["x"], holders)


def test_grays_of_a_picture_stay_gray():
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure((2, 2))
    figure.subplots(2, 1)[0].imshow(np.linspace(0, 1, 64).reshape(8, 8), "gray")
    figure.axes[1].plot(np.random.default_rng(0).normal(size=(9, 8)))
    found = Image.open(io.BytesIO(figures._png(figure))).convert("RGB")
    # The upper half holds no color.
    upper = np.asarray(found, int)[: found.height // 2 - 4]
    assert np.all(upper.max(axis=-1) == upper.min(axis=-1))
    colored = np.asarray(found, int)[found.height // 2 :]
    assert np.any(colored.max(axis=-1) - colored.min(axis=-1) > 50)


def test_a_run_is_timed_before_it_begins(images):
    run = config.Run("none", 0)
    assert 0 < training.seconds_of_training(TINY, run, images) < 60


def test_every_arm_of_every_study_can_be_made():
    for study in config.STUDIES.values():
        assert study.arms[0] == "none" and study.seeds >= 3
        assert set(study.arms) <= set(config.ARMS)
        assert len({run.name for run in study.runs()}) == len(study.runs())
    for name in config.ARMS:
        gan = make(TINY, config.Run(name, 0), (8, 8, 1))
        arm = config.ARMS[name]
        if not arm.is_plain:
            assert gan.likelihood_weight == arm.likelihood_weight
            assert (gan.penalty is None) == (arm.penalty is None)
