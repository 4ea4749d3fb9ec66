import json
import shutil

import pytest

from tflite_export import export, load_manifest
from tflite_export.manifest import _digest


@pytest.mark.parametrize("name", ["filter_fast.tflite", "manifest.json"])
@pytest.mark.parametrize("at", [0, 100, -5])
def test_a_changed_byte_in_any_file_is_found(layer, name, at, tmp_path):
    path = export(layer, tmp_path / "fir").files[name]
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"a changed '{name}'"):
        load_manifest(tmp_path / "fir")


def test_a_changed_tap_in_the_manifest_is_found(layer, tmp_path):
    path = export(layer, tmp_path / "fir").files["manifest.json"]
    manifest = json.loads(path.read_text())
    manifest["chain"]["stages"][0]["taps"][0][0][0][0] ^= 1
    path.write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="changed 'manifest.json'.*SHA-256"):
        load_manifest(tmp_path / "fir")


def test_missing_files_and_other_formats_are_named(layer, tmp_path):
    folder = export(layer, tmp_path / "fir").folder
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert load_manifest(moved) == load_manifest(folder)
    (moved / "filter_fast.tflite").unlink()
    with pytest.raises(FileNotFoundError, match="'filter_fast.tflite', which"):
        load_manifest(moved)
    manifest = json.loads((moved / "manifest.json").read_text())
    manifest["format_version"] = 1
    (moved / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="format version 2.*Received: 1"):
        load_manifest(moved)
    (moved / "manifest.json").unlink()
    with pytest.raises(FileNotFoundError, match="without manifest.json"):
        load_manifest(moved)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"speed": 1}, r"entries \['speed'\]"),
        ({"batch": "2"}, r"entries \['batch'\]"),
        ({"link": 3}, r"entries \['link'\]"),
        ({"files": {"../x": {}}}, r"entries \['../x'\]"),
        ({"chain": {"stages": 3}}, "its chain cannot be read"),
    ],
)
def test_the_schema_is_checked(layer, tmp_path, change, words):
    path = export(layer, tmp_path / "fir", "vectors").files["manifest.json"]
    manifest = json.loads(path.read_text()) | change
    manifest["sha256"] = _digest(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=words):
        load_manifest(tmp_path / "fir")
