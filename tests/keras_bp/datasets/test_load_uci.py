import os
import pathlib

import numpy as np
import pytest

from keras_bp.datasets.load_uci import UCI_NAMES, load_uci


def arrays_of(name, n=8):
    rng = np.random.default_rng(len(name))
    folds = np.zeros((n, 4), np.uint8)
    folds[np.arange(n), np.arange(n) % 4] = 1
    return {
        f"{name}/x": rng.normal(size=(n, 3)).astype("float32"),
        f"{name}/y": rng.integers(0, 3, n).astype("int32"),
        f"{name}/test_folds": folds,
    }


def save(folder, arrays):
    np.savez(folder / "uci10.npz", **arrays)


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_set_is_read_from_the_folder(tmp_path, monkeypatch, by_variable):
    arrays = arrays_of("iris") | arrays_of("zoo", 12)
    save(tmp_path, arrays)
    monkeypatch.setenv(
        "KERAS_BP_DATA", str(tmp_path if by_variable else tmp_path / "absent")
    )
    x, y, folds = load_uci("zoo", None if by_variable else tmp_path)
    assert (x.dtype, y.dtype, folds.dtype) == ("float32", "int64", "bool")
    np.testing.assert_array_equal(x, arrays["zoo/x"])
    np.testing.assert_array_equal(y, arrays["zoo/y"])
    np.testing.assert_array_equal(folds, arrays["zoo/test_folds"] == 1)


def test_a_folder_without_the_file_is_refused(tmp_path, monkeypatch):
    with pytest.raises(
        FileNotFoundError, match="`data_dir` to hold uci10.npz.*absent"
    ):
        load_uci("iris", tmp_path / "absent")
    monkeypatch.setenv("KERAS_BP_DATA", str(tmp_path))
    with pytest.raises(
        FileNotFoundError, match="of KERAS_BP_DATA to hold uci10.npz"
    ):
        load_uci("iris")


def test_no_folder_is_refused(tmp_path, monkeypatch):
    # Nor is a file of the current folder taken.
    save(tmp_path, arrays_of("iris"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KERAS_BP_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="KERAS_BP_DATA=None"):
        load_uci("iris")


def test_an_unknown_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`name`.*'zoo'.*name='mnist'"):
        load_uci("mnist", tmp_path)


@pytest.mark.parametrize("key", ["x", "y", "test_folds"])
def test_a_file_without_an_array_is_refused(tmp_path, key):
    arrays = arrays_of("iris")
    del arrays[f"iris/{key}"]
    save(tmp_path, arrays)
    with pytest.raises(ValueError, match=rf"without \['iris/{key}'\]"):
        load_uci("iris", tmp_path)


@pytest.mark.parametrize(
    ("key", "spoil"),
    [
        ("x", lambda x: x[:, 0]),
        ("y", lambda y: y[:-1]),
        ("y", lambda y: y + 0.5),
        ("test_folds", lambda folds: folds[:, 0]),
        ("test_folds", lambda folds: folds[1:]),
        ("test_folds", lambda folds: 2 * folds),
    ],
)
def test_an_array_of_another_form_is_refused(tmp_path, key, spoil):
    arrays = arrays_of("iris")
    arrays[f"iris/{key}"] = spoil(arrays[f"iris/{key}"])
    save(tmp_path, arrays)
    with pytest.raises(ValueError, match="iris/test_folds of 0 and 1"):
        load_uci("iris", tmp_path)


def test_the_ten_sets_have_folds_of_equal_size():
    folder = os.environ.get("KERAS_BP_DATA")
    if not folder or not (pathlib.Path(folder) / "uci10.npz").is_file():
        pytest.skip("KERAS_BP_DATA has no uci10.npz")
    assert len(UCI_NAMES) == 10
    for name in UCI_NAMES:
        x, y, folds = load_uci(name)
        assert 100 < len(x) < 1800 and set(y) == set(range(y.max() + 1))
        assert np.all(folds.sum(axis=0) == len(x) // 4)
        # Splits of their own: they overlap, and no two are the same.
        assert folds.sum(axis=1).max() > 1
        assert np.unique(folds, axis=1).shape[1] == 4
