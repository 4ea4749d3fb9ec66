import numpy as np
import pytest

from keras_bp.datasets import load_digits


@pytest.fixture
def mnist(tmp_path):
    """A folder with a small file of MNIST's form."""
    rng = np.random.default_rng(0)
    parts = {}
    for part, n in (("train", 12), ("test", 5)):
        parts[f"x_{part}"] = rng.integers(0, 256, (n, 28, 28), np.uint8)
        parts[f"y_{part}"] = rng.integers(0, 10, n, np.uint8)
    np.savez(tmp_path / "mnist.npz", **parts)
    return tmp_path, parts


def test_embedded_digits_are_split_without_overlap(monkeypatch):
    monkeypatch.delenv("KERAS_BP_DATA", raising=False)
    (x, y), (x_test, y_test) = load_digits()
    assert x.shape == (1438, 8, 8, 1) and x_test.shape == (359, 8, 8, 1)
    assert x.dtype == "float32" and y.dtype == "int64"
    assert x.min() == 0 and x.max() == 1
    assert set(y) == set(y_test) == set(range(10))
    seen = {image.tobytes() for image in x}
    assert sum(image.tobytes() in seen for image in x_test) == 0


@pytest.mark.parametrize("by_variable", [True, False])
def test_mnist_is_read_from_the_folder(mnist, monkeypatch, by_variable):
    folder, parts = mnist
    if by_variable:
        monkeypatch.setenv("KERAS_BP_DATA", str(folder))
    (x, y), (x_test, y_test) = load_digits(None if by_variable else folder)
    np.testing.assert_array_equal(np.rint(x[..., 0] * 255), parts["x_train"])
    np.testing.assert_array_equal(y_test, parts["y_test"])
    assert x.shape == (12, 28, 28, 1) and x.dtype == "float32"
    assert len(x_test) == 5 and len(y) == 12


def test_a_variable_without_the_file_falls_back(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BP_DATA", str(tmp_path))
    (x, _), _ = load_digits()
    assert x.shape[1:] == (8, 8, 1)


def test_a_folder_without_the_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="data_dir.*mnist.npz.*absent"):
        load_digits(tmp_path / "absent")
