"""Where the cells are looked for."""

import pytest

from tflite_export.cost import default_liberty


def test_the_environment_names_the_folder_or_file(
    small_text, tmp_path, monkeypatch
):
    path = tmp_path / "osu018_stdcells.lib"
    path.write_text(small_text)
    for named in (tmp_path, path):
        monkeypatch.setenv("KERAS_BP_LIBERTY", str(named))
        assert default_liberty().path == path


def test_without_it_make_hardware_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BP_LIBERTY", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="make hardware"):
        default_liberty()
