"""Which layers are made random when, and that all is as before."""

import keras
import numpy as np
import pytest
from keras import layers
from rectified_models import by_name, images

from keras_bp.visualization import Attributor
from keras_bp.visualization.metrics import parameter_randomization

X = images(2)


class Watched(Attributor):
    """Notes which layers differ from the beginning at each call."""

    def __init__(self, model):
        super().__init__(model)
        self.start, self.changed = None, []

    def __call__(self, *args):
        now = [w.numpy() for w in self.model.trainable_variables]
        self.start = self.start or now
        pairs = zip(self.start[::2], now[::2], strict=True)
        self.changed.append([not np.array_equal(a, b) for a, b in pairs])
        return super().__call__(*args)


@pytest.mark.parametrize(
    ("order", "changed"),
    [
        ("cascading", ["001", "011", "111"]),
        ("part", ["001", "011", "111"]),
        ("reverse", ["100", "110", "111"]),
        ("independent", ["001", "010", "100"]),
        ("only", ["001", "010", "100"]),
    ],
)
def test_layers_are_made_random_in_order(order, changed):
    model = by_name("relu")
    before = model.get_weights()
    watched = Watched(model)
    rows = parameter_randomization(
        watched, X, 0, order=order, similarity="cosine", seed=0
    )
    found = ["".join(str(int(c)) for c in row) for row in watched.changed]
    # The first is the model as it was.
    assert found == ["000", *changed]
    names = [row["layer"].split("/")[-1] for row in rows]
    kept = [model.layers[i].name for i in (0, 2, 4)]
    assert names == (kept if order == "reverse" else kept[::-1])
    assert all(row["similarity"].shape == (2,) for row in rows)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_noise_has_the_moments_of_the_weights():
    model = keras.Sequential([keras.Input((100,)), layers.Dense(100)])
    kernel = np.random.default_rng(0).normal(0.5, 2, (100, 100))
    model.set_weights([kernel, np.zeros(100)])
    seen = []

    class Seeing(Attributor):
        def __call__(self, *args):
            seen.append(self.model.layers[0].kernel.numpy())
            return super().__call__(*args)

    for noise in ("normal", "permute"):
        seen.clear()
        parameter_randomization(
            Seeing(model),
            np.ones((1, 100)),
            0,
            noise=noise,
            similarity="cosine",
        )
        before, after = seen
        assert np.abs(before - after).max() > 1
        assert abs(after.mean() - before.mean()) < 0.1
        assert abs(after.std() - before.std()) < 0.1
        sorted_equal = np.array_equal(
            np.sort(before.ravel()), np.sort(after.ravel())
        )
        assert sorted_equal == (noise == "permute")


def test_weights_are_restored_when_it_fails():
    model = by_name("relu")
    before = model.get_weights()

    class Failing(Attributor):
        calls = 0

        def __call__(self, *args):
            Failing.calls += 1
            if Failing.calls == 3:
                raise RuntimeError("stop")
            return super().__call__(*args)

    with pytest.raises(RuntimeError, match="stop"):
        parameter_randomization(Failing(model), X, 0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`order`"):
        parameter_randomization(by_name("relu"), X, order="up")
    with pytest.raises(ValueError, match="`noise`"):
        parameter_randomization(by_name("relu"), X, noise="zeros")
    flat = keras.Sequential([keras.Input((3,)), layers.ReLU()])
    with pytest.raises(ValueError, match="trainable weights"):
        parameter_randomization(flat, np.ones((1, 3)), 0)


def test_layers_that_are_frozen_inside_of_others_are_named():
    inner = keras.Sequential([layers.Dense(3, trainable=False)])
    model = keras.Sequential([keras.Input((3,)), inner, layers.Dense(2)])
    with pytest.raises(ValueError, match="trainable as a whole.*12 weights"):
        parameter_randomization(model, np.ones((1, 3), "float32"), 0)


def test_a_random_class_of_dense_outputs_stays_the_same():
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Conv2D(5, 1, name="only")]
    )
    targets = []

    class Listening(Attributor):
        def __call__(self, x, target, *args):
            targets.append(np.array(target))
            return super().__call__(x, target, *args)

    images = np.ones((3, 4, 4, 1), "float32")
    parameter_randomization(
        Listening(model), images, "random", similarity="cosine"
    )
    assert len(targets) == 2 and targets[0].shape == (3,)
    np.testing.assert_array_equal(*targets)
