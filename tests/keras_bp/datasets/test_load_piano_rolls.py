import sys

import numpy as np
import pytest

from keras_bp.datasets import load_piano_rolls

LENGTHS = {"traindata": (9, 4, 13), "validdata": (8,), "testdata": (5, 12)}


def cells(pieces):
    found = np.empty((1, len(pieces)), object)
    for index, piece in enumerate(pieces):
        found[0, index] = piece
    return found


def pieces_of(width=88):
    rng = np.random.default_rng(0)
    return {
        part: [rng.integers(0, 2, (n, width), np.uint8) for n in lengths]
        for part, lengths in LENGTHS.items()
    }


def save(path, parts):
    io = pytest.importorskip("scipy.io")
    io.savemat(path, {part: cells(x) for part, x in parts.items()})


@pytest.fixture
def folder(tmp_path):
    save(tmp_path / "JSB_Chorales.mat", pieces_of())
    return tmp_path


@pytest.fixture
def without_variable(monkeypatch):
    monkeypatch.delenv("KERAS_BP_DATA", raising=False)


@pytest.mark.parametrize("by_variable", [True, False])
@pytest.mark.parametrize("hop", [None, 1, 3])
def test_windows_are_cut_from_the_pieces(folder, monkeypatch, by_variable, hop):
    if by_variable:
        monkeypatch.setenv("KERAS_BP_DATA", str(folder))
    found = load_piano_rolls(None if by_variable else folder, steps=5, hop=hop)
    for part, windows in zip(pieces_of().values(), found, strict=True):
        assert windows.dtype == "uint8"
        expected = []
        for piece in part:
            start = 0
            while start + 5 <= len(piece):
                expected.append(piece[start : start + 5])
                start += hop or 5
        np.testing.assert_array_equal(windows, expected)


def test_a_file_is_chosen_by_its_name(folder):
    parts = {part: [1 - x for x in y] for part, y in pieces_of().items()}
    save(folder / "Other.mat", parts)
    one, other = (
        load_piano_rolls(folder, name, steps=4)[0]
        for name in ("JSB_Chorales", "Other")
    )
    np.testing.assert_array_equal(one, 1 - other)


def test_synthetic_pieces_are_the_same_each_time(without_variable):
    found, again = load_piano_rolls(), load_piano_rolls()
    for windows, same in zip(found, again, strict=True):
        assert windows.shape[1:] == (16, 88) and windows.dtype == "uint8"
        np.testing.assert_array_equal(windows, same)
    assert len(found[0]) > 300 and min(map(len, found)) > 100
    seen = {window.tobytes() for window in found[0]}
    assert sum(window.tobytes() in seen for window in found[2]) == 0


def test_synthetic_pieces_have_four_voices_in_c_major(without_variable):
    windows, _, _ = load_piano_rolls(steps=16, hop=1)
    voices = windows.sum(axis=2)
    assert set(np.unique(windows)) == {0, 1}
    # Two voices may meet on a key.
    assert voices.min() >= 2 and voices.max() == 4
    assert np.mean(voices == 4) > 0.75
    used = np.flatnonzero(windows.any(axis=(0, 1)))
    assert used.min() >= 19 and used.max() <= 60
    # The C of key 39, and its major scale above it.
    assert set((used - 39) % 12) == {0, 2, 4, 5, 7, 9, 11}


def test_a_variable_without_the_file_falls_back(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BP_DATA", str(tmp_path))
    found = load_piano_rolls()
    monkeypatch.delenv("KERAS_BP_DATA")
    np.testing.assert_array_equal(found[1], load_piano_rolls()[1])


def test_a_folder_without_the_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="Other.mat.*absent"):
        load_piano_rolls(tmp_path / "absent", "Other")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"steps": 0}, ValueError, "`steps` to be 1 or greater.*steps=0"),
        ({"hop": -1}, ValueError, "`hop` to be 1 or greater.*hop=-1"),
        ({"steps": 2.0}, TypeError, "`steps` to be an integer.*steps=2.0"),
        ({"hop": True}, TypeError, "`hop` to be an integer.*hop=True"),
        ({"steps": 9}, ValueError, "steps=9.*validdata has 8 steps"),
    ],
)
def test_bad_windows_are_refused(folder, arguments, error, words):
    with pytest.raises(error, match=words):
        load_piano_rolls(folder, **arguments)


def test_a_missing_scipy_is_named_with_its_extra(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match="SciPy: pip install.*examples"):
        load_piano_rolls(folder, steps=4)


def _without_test(parts):
    del parts["testdata"]


def _doubled(parts):
    parts["validdata"][0] = 2 * parts["validdata"][0]


@pytest.mark.parametrize(
    ("width", "spoil"),
    [(88, _without_test), (88, _doubled), (87, lambda parts: None)],
)
def test_a_file_of_another_form_is_refused(tmp_path, width, spoil):
    parts = pieces_of(width)
    spoil(parts)
    save(tmp_path / "JSB_Chorales.mat", parts)
    with pytest.raises(ValueError, match="JSB_Chorales.mat to hold.*form"):
        load_piano_rolls(tmp_path, steps=4)
