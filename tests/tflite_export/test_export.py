import json
from pathlib import Path

import numpy as np
import pytest

from keras_bp.layers import QuantizedFIR
from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, export, litert, load_manifest


def content(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_artefact_computes_what_the_layer_computes(layer, tmp_path):
    result = export(layer, tmp_path / "fir", batch=3)
    spec = load_manifest(tmp_path / "fir")
    assert spec == result.spec == ChainSpec.from_layer(layer)
    rng = np.random.default_rng(0)
    integers = rng.integers(-512, 512, (3, 32, 2))
    y = litert.run(result.files["filter_fast.tflite"], integers)
    np.testing.assert_array_equal(y, spec.run(integers))
    layer_y = layer(integers / 256.0, training=False)
    np.testing.assert_array_equal(y / 256.0, layer_y)


def test_the_result_names_every_file_and_nothing_else_is_left(layer, tmp_path):
    result = export(layer, tmp_path / "deep" / "fir", "litert")
    assert result.folder == tmp_path / "deep" / "fir"
    assert content(tmp_path / "deep") == ["fir"]
    assert content(result.folder) == sorted(result.files)
    assert "filter_exact" in repr(result) and "taps" not in repr(result)
    assert all(path.is_file() for path in result.files.values())


def test_the_manifest_tells_all_and_names_no_place(layer, tmp_path):
    result = export(layer, tmp_path / "fir", batch=2, time=16)
    text = result.files["manifest.json"].read_text()
    assert str(tmp_path) not in text
    manifest = json.loads(text)
    assert manifest["format_version"] == 2
    assert (manifest["name"], list(manifest["targets"])) == (
        "filter",
        ["litert"],
    )
    assert (manifest["batch"], manifest["time"]) == (2, 16)
    assert manifest["chain"] == result.spec.get_config()
    assert manifest["link"] is None
    assert {"filter_exact.tflite", "filter_fast.tflite"} <= set(
        manifest["files"]
    )
    assert {"keras_bp", "keras", "numpy"} <= set(manifest["versions"])
    assert "ai-edge-litert" in manifest["targets"]["litert"]["versions"]


def test_the_same_layer_gives_the_same_files(layer, tmp_path):
    first, second = export(layer, tmp_path / "a"), export(layer, tmp_path / "b")
    for name, path in first.files.items():
        assert path.read_bytes() == second.files[name].read_bytes()


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"tap_format": None}, "give it a `tap_format`"),
        ({"signal_format": None}, "give it a `signal_format`"),
        (
            {"tap_format": FixedPoint(6, 4, scale="real")},
            "train with scale='power_of_two'",
        ),
        (
            {
                "tap_format": FixedPoint(32, 28),
                "signal_format": FixedPoint(32, 28),
                "accumulator": "float64",
                "dtype": "float64",
            },
            "at most 53 bits.*'sum' of stage 0",
        ),
    ],
)
def test_a_filter_that_is_refused_leaves_nothing(
    make_layer, settings, match, tmp_path
):
    layer = make_layer(**settings)
    layer.build((None, 32, 2))
    with pytest.raises(ValueError, match=match):
        export(layer, tmp_path / "fir")
    assert content(tmp_path) == []


def test_a_layer_that_is_not_built_is_refused(make_layer, tmp_path):
    with pytest.raises(ValueError, match="expects a built layer"):
        export(make_layer(), tmp_path / "fir")


def test_time_is_asked_for_where_it_is_open(make_layer, tmp_path):
    layer = make_layer()
    layer.build((None, None, 2))
    with pytest.raises(ValueError, match="pass `time=` an integer"):
        export(layer, tmp_path / "fir")
    export(layer, tmp_path / "fir", time=5)


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        (
            {"targets": ("abacus",)},
            ValueError,
            r"'litert'.*'abacus'",
        ),
        ({"targets": ()}, ValueError, r"at least one. Received: targets=\(\)"),
        ({"name": "2nd"}, ValueError, "`name` to be an identifier"),
        ({"options": {"c": {}}}, ValueError, "options of \\['c'\\]"),
        (
            {"options": {"litert": {"speed": 3}}},
            ValueError,
            r"among \['profiles', 'block', 'calibration'\].*'speed'",
        ),
        (
            {"options": {"litert": {"batch": 3}}},
            ValueError,
            r"among \['profiles', 'block', 'calibration'\].*'batch'",
        ),
        (
            {"targets": "report", "options": {"report": {"x": 3}}},
            ValueError,
            r"'report' among \[\]",
        ),
        (
            {"options": {"litert": {"profiles": 7}}},
            ValueError,
            "`profiles` among",
        ),
        (
            {"targets": "vectors", "options": {"vectors": {"seed": -1}}},
            ValueError,
            "`seed` to be 0 or greater",
        ),
        ({"options": ["litert"]}, TypeError, "`options` to be a dictionary"),
        ({"options": {"litert": 3}}, TypeError, "to\\s+dictionaries"),
        ({"batch": 0}, ValueError, "`batch` to be 1 or greater"),
        ({"time": 2.5}, TypeError, "`time` to be an integer"),
    ],
)
def test_settings_are_checked_first(layer, settings, error, match, tmp_path):
    with pytest.raises(error, match=match):
        export(layer, tmp_path / "fir", **settings)
    assert content(tmp_path) == []


def test_an_empty_folder_is_filled(layer, tmp_path):
    export(layer, tmp_path)
    assert load_manifest(tmp_path)


def test_an_earlier_export_is_replaced_only_on_request(layer, tmp_path):
    export(layer, tmp_path / "fir", time=16)
    with pytest.raises(FileExistsError, match="=True.*--overwrite.*filter_ex"):
        export(layer, tmp_path / "fir", time=20)
    assert (
        json.loads((tmp_path / "fir/manifest.json").read_text())["time"] == 16
    )
    export(layer, tmp_path / "fir", time=20, overwrite=True)
    assert (
        json.loads((tmp_path / "fir/manifest.json").read_text())["time"] == 20
    )
    assert content(tmp_path) == ["fir"]


def test_files_of_another_kind_are_never_overwritten(layer, tmp_path):
    export(layer, tmp_path / "fir")
    (tmp_path / "fir" / "thesis.tex").write_text("words")
    with pytest.raises(FileExistsError, match="its other files.*thesis.tex"):
        export(layer, tmp_path / "fir", overwrite=True)
    assert (tmp_path / "fir" / "thesis.tex").read_text() == "words"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes").write_text("words")
    with pytest.raises(FileExistsError, match="notes"):
        export(layer, tmp_path / "other", overwrite=True)
    with pytest.raises(FileExistsError, match="to be a folder.*notes"):
        export(layer, tmp_path / "other" / "notes", overwrite=True)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("failing", ["write_bytes", "rename"])
def test_a_write_that_fails_changes_nothing(
    layer, before, failing, tmp_path, monkeypatch
):
    folder = tmp_path / "fir"
    if before:
        export(layer, folder, time=16)
    works = getattr(Path, failing)

    def fail(self, argument):
        # The new folder fails to take its place after the old one left it.
        if failing == "rename" and not self.name.endswith(".new"):
            return works(self, argument)
        if failing == "write_bytes" and self.name == "filter_fast.tflite":
            return works(self, argument)
        raise PermissionError("no")

    monkeypatch.setattr(Path, failing, fail)
    with pytest.raises(OSError, match="nothing was changed. Received: .*no"):
        export(layer, folder, time=20, overwrite=True)
    monkeypatch.undo()
    assert content(tmp_path) == (["fir"] if before else [])
    if before:
        assert load_manifest(folder)


def test_a_spoiled_export_can_be_replaced(layer, tmp_path):
    path = export(layer, tmp_path / "fir").files["manifest.json"]
    path.write_text(path.read_text().replace('"time": 32', '"time": 33'))
    with pytest.raises(ValueError, match="a changed 'manifest.json'"):
        load_manifest(tmp_path / "fir")
    export(layer, tmp_path / "fir", overwrite=True)
    assert load_manifest(tmp_path / "fir")


def test_a_folder_within_a_file_is_refused(layer, tmp_path):
    (tmp_path / "file").write_text("words")
    with pytest.raises(OSError, match="where it can write"):
        export(layer, tmp_path / "file" / "fir")


@pytest.mark.parametrize("targets", [3, [["litert"]], [], None])
def test_targets_that_are_no_names_are_refused(tmp_path, targets):
    layer = QuantizedFIR(1, 3)
    layer.build((None, 8, 2))
    with pytest.raises(ValueError, match="export expects `targets` among"):
        export(layer, tmp_path / "out", targets)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("batch_and_time", [(1, 2**31), (2**31, 8)])
def test_more_entries_than_an_int32_are_refused(tmp_path, batch_and_time):
    batch, time = batch_and_time
    layer = QuantizedFIR(1, 3, padding="causal")
    layer.build((None, None, 2))
    with pytest.raises(ValueError, match=r"2\^31 entries.*several runs"):
        export(layer, tmp_path / "out", batch=batch, time=time)


def test_a_path_that_is_none_is_refused(layer):
    with pytest.raises(TypeError, match="`out_dir` to be a path"):
        export(layer, None)


def test_the_current_folder_is_not_replaced(layer, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for folder in (".", "..", tmp_path):
        with pytest.raises(ValueError, match="the current folder is not in"):
            export(layer, folder, "vectors")
    assert Path.cwd() == tmp_path / "here"
    export(layer, "below", "vectors")
    assert load_manifest("below")


def test_a_write_that_fails_leaves_no_new_parents(layer, tmp_path, monkeypatch):
    def fail(self, data):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="nothing was changed.*disk full"):
        export(layer, tmp_path / "a" / "b" / "fir", "vectors")
    assert content(tmp_path) == []


@pytest.mark.parametrize("files", [None, 3, [["x"]]])
def test_a_manifest_that_lists_nothing_protects_nothing(layer, tmp_path, files):
    folder = tmp_path / "fir"
    folder.mkdir()
    text = json.dumps({"files": files})
    (folder / "manifest.json").write_text(text)
    with pytest.raises(FileExistsError, match="nothing but an earlier export"):
        export(layer, folder, "vectors", overwrite=True)
    assert (folder / "manifest.json").read_text() == text
