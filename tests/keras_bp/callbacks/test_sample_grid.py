import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp.callbacks import SampleGrid, image_grid

RNG = np.random.default_rng(0)
X = np.ones((8, 2), "float32")


def fit(callback, epochs=4, **kwargs):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(
        X, X[:, :1], epochs=epochs, verbose=0, callbacks=[callback], **kwargs
    )
    return model


def read(path):
    return tf.io.decode_png(path.read_bytes()).numpy()


def events(folder):
    (path,) = folder.iterdir()
    found = map(
        tf.compat.v1.Event.FromString,
        tf.data.TFRecordDataset(str(path)).as_numpy_iterator(),
    )
    return [event for event in found if event.summary.value]


def test_each_epoch_is_drawn_by_its_number(tmp_path):
    seen = []

    def make_samples(model):
        seen.append(model)
        return np.full((4, 2, 2), len(seen) / 5)

    model = fit(SampleGrid(make_samples, tmp_path / "a" / "b", border=0))
    assert seen == [model] * 4
    paths = sorted((tmp_path / "a" / "b").iterdir())
    assert [path.name for path in paths] == [
        f"epoch_000{number}.png" for number in (1, 2, 3, 4)
    ]
    for number, path in enumerate(paths, start=1):
        np.testing.assert_array_equal(
            read(path), np.full((4, 4, 1), 51 * number)
        )


def test_every_so_many_epochs_and_on_from_a_resumed_one(tmp_path):
    callback = SampleGrid(lambda model: np.ones((1, 2, 2)), tmp_path, every=3)
    fit(callback, epochs=7, initial_epoch=4)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch_0006.png"]


def test_the_picture_is_the_grid_of_the_samples(tmp_path):
    samples = RNG.random((5, 3, 4, 3))
    fit(SampleGrid(lambda model: samples, tmp_path, columns=2, border=2), 1)
    np.testing.assert_array_equal(
        read(tmp_path / "epoch_0001.png"), image_grid(samples, 2, border=2)
    )


def test_event_files_hold_the_same_pictures(tmp_path):
    samples = tf.constant(RNG.integers(0, 2, (4, 3, 5)), "float32")
    callback = SampleGrid(
        lambda model: samples, tmp_path / "png", log_dir=tmp_path / "log"
    )
    for record in (True, False):
        # Not the writer's: it is on whatever the step is of others.
        with tf.summary.record_if(record):
            fit(callback, epochs=2)
        found = events(tmp_path / "log")
        assert [event.step for event in found] == [1, 2]
        for event in found:
            (value,) = event.summary.value
            assert value.tag == "samples"
            assert value.metadata.plugin_data.plugin_name == "images"
            width, height, png = tf.make_ndarray(value.tensor)
            assert (int(width), int(height)) == (11, 7)
            path = tmp_path / "png" / f"epoch_000{event.step}.png"
            assert png == path.read_bytes()
        next((tmp_path / "log").iterdir()).unlink()


def test_images_stand_row_by_row_with_gray_between():
    images = np.arange(5).reshape(5, 1, 1) / 255 * np.ones((5, 2, 3))
    grid = image_grid(images + 1e-6)
    assert grid.shape == (5, 11, 1) and grid.dtype == "uint8"
    rows = [
        [0, 0, 0, 127, 1, 1, 1, 127, 2, 2, 2],
        [3, 3, 3, 127, 4, 4, 4, 127, 127, 127, 127],
    ]
    np.testing.assert_array_equal(grid[:2, :, 0], [rows[0]] * 2)
    np.testing.assert_array_equal(grid[2], 127)
    np.testing.assert_array_equal(grid[3:, :, 0], [rows[1]] * 2)


@pytest.mark.parametrize(
    ("count", "columns", "shape"),
    [
        (1, None, (1, 1)),
        (5, None, (2, 3)),
        (7, None, (3, 3)),
        (64, None, (8, 8)),
    ]
    + [(5, 1, (5, 1)), (5, 5, (1, 5)), (5, 8, (1, 8)), (6, 4, (2, 4))],
)
def test_the_grid_is_square_or_as_wide_as_asked(count, columns, shape):
    grid = image_grid(np.ones((count, 1, 1)), columns, border=0)
    assert grid.shape == (*shape, 1)


def test_levels_are_rounded_down_so_that_white_is_one_alone():
    levels = image_grid(np.array([0.0, 0.5, 0.9999, 1.0])[:, None, None], 4, 0)
    assert levels.ravel().tolist() == [0, 127, 254, 255]
    bits = image_grid(tf.constant([[[True, False]]]))
    assert bits.ravel().tolist() == [255, 0]


def test_bad_samples_are_refused(tmp_path):
    for samples in (np.ones((4, 4)), np.ones((4, 2, 2, 2)), np.ones((0, 2, 2))):
        with pytest.raises(ValueError, match="SampleGrid expects images of sh"):
            SampleGrid(lambda _, s=samples: s, tmp_path).on_epoch_end(0)
    for value in (-0.5, 1.5, np.nan):
        with pytest.raises(ValueError, match=r"SampleGrid expects .* \[0, 1\]"):
            SampleGrid(lambda _, v=value: v * X[None], tmp_path).on_epoch_end(0)
        with pytest.raises(ValueError, match=r"image_grid expects .* \[0, 1\]"):
            image_grid(np.full((1, 2, 2), value))
    assert not list(tmp_path.iterdir())


def test_bad_arguments_are_refused(tmp_path):
    with pytest.raises(TypeError, match="`make_samples` to be a function"):
        SampleGrid(np.ones((4, 2, 2)), tmp_path)
    for arguments in ({"every": 0}, {"columns": 0}, {"border": -1}):
        (name,) = arguments
        with pytest.raises(ValueError, match=f"SampleGrid expects `{name}`"):
            SampleGrid(lambda model: X, tmp_path, **arguments)
    with pytest.raises(TypeError, match="image_grid expects `columns`"):
        image_grid(np.ones((1, 2, 2)), columns=1.5)
