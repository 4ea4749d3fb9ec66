"""Writes a trained FIR filter as files for other machines."""

import dataclasses
import hashlib
import importlib.metadata
import json
import shutil
import uuid
from pathlib import Path

from keras_bp import __version__, _checks
from tflite_export import litert
from tflite_export._find_fir import find_fir
from tflite_export.fir_spec import FIRSpec

FORMAT_VERSION = 1
MANIFEST = "manifest.json"


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """What `export` wrote.

    Args:
        folder: `pathlib.Path` of the folder.
        files: Dictionary from the name of each file to its `pathlib.Path`.
        spec: `FIRSpec` of the filter.
    """

    folder: Path
    files: dict
    spec: FIRSpec


def _litert_files(spec, batch, time):
    return {"fir.tflite": litert.to_flatbuffer(spec, batch=batch, time=time)}


# For each target: what makes its files, and the packages that it uses.
_TARGETS = {"litert": (_litert_files, litert.versions)}


def export(
    layer,
    out_dir,
    targets=("litert",),
    *,
    batch=1,
    time=None,
    overwrite=False,
):
    """Writes a filter as integer-only artefacts, with a manifest.

    `manifest.json` holds the taps, formats, versions and the SHA-256 of every
    file; `load_manifest` checks them. The folder appears whole or not at all:
    it is written under another name beside its place, and moved.

    Args:
        layer: Built `keras_bp.layers.QuantizedFIR`, or a functional or
            Sequential `keras.Model` that applies one and nothing else.
        out_dir: Path of the folder. It is made, with its parents; where it
            exists it is empty, or `overwrite` is true.
        targets: List of strings, or one. `"litert"`: `fir.tflite`, see
            `tflite_export.litert`. Defaults to `("litert",)`.
        batch: Positive integer, batch size of the artefacts.
            Defaults to `1`.
        time: Positive integer, samples of a signal, or None for that which
            the layer was built for. Defaults to `None`.
        overwrite: Boolean, whether to replace an earlier export. A folder
            with files of another kind is refused all the same.
            Defaults to `False`.

    Returns:
        `ExportResult`.

    Raises:
        FileExistsError: `out_dir` is a file, or a folder with content.
        ImportError: The extra `export` is not installed.
        OSError: The folder cannot be written.
        TypeError: `layer` is neither a `QuantizedFIR` nor a model.
        ValueError: A target is unknown or cannot compute the filter exactly,
            the layer does not round or is not built, the model computes
            something else too, or `time` is not known.

    Example:

    >>> import tempfile
    >>> from keras_bp.layers import QuantizedFIR
    >>> from tflite_export import export, load_manifest
    >>> layer = QuantizedFIR(1, 9, padding="causal")
    >>> layer.build((None, 64, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = export(layer, folder)
    ...     sorted(result.files), load_manifest(folder) == result.spec
    (['fir.tflite', 'manifest.json'], True)
    """
    targets = _check_targets(targets)
    fir, input_shape = find_fir(layer, owner="export")
    spec = FIRSpec.from_layer(fir)
    if time is None:
        time = _time_of(fir, input_shape)
    _checks.check_integer("batch", batch, minimum=1, owner="export")
    _checks.check_integer("time", time, minimum=1, owner="export")
    out_dir = Path(out_dir).resolve()
    _check_folder(out_dir, overwrite)
    # Whatever may refuse the filter does so before anything is written.
    files = {}
    for target in targets:
        files.update(_TARGETS[target][0](spec, batch, time))
    manifest = _manifest(spec, targets, batch, time, files)
    files[MANIFEST] = json.dumps(manifest, indent=1).encode()
    _write(out_dir, files)
    paths = {name: out_dir / name for name in files}
    return ExportResult(out_dir, paths, spec)


def load_manifest(out_dir):
    """Checks an exported folder, and returns what it computes.

    Args:
        out_dir: Path of the folder.

    Returns:
        `FIRSpec`.

    Raises:
        FileNotFoundError: There is no manifest, or a file is missing.
        ValueError: A file, the manifest included, is not as it was written,
            or is of another format version.
    """
    path = Path(out_dir) / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(
            "load_manifest expects a folder that `tflite_export.export` "
            f"wrote. Received: {str(out_dir)!r} without {MANIFEST}"
        )
    manifest = _parse(path)
    for name, entry in manifest["files"].items():
        file = path.with_name(name)
        if not file.is_file():
            raise FileNotFoundError(
                f"load_manifest expects {name!r}, which the manifest lists; "
                f"export again. Received: {str(out_dir)!r} without it"
            )
        if _sha256(file.read_bytes()) != entry["sha256"]:
            _corrupt(name, "its SHA-256 is another one")
    return FIRSpec.from_config(manifest["filter"])


def _check_targets(targets):
    if isinstance(targets, str):
        targets = [targets]
    known = isinstance(targets, list | tuple) and all(
        isinstance(target, str) and target in _TARGETS for target in targets
    )
    if not known or not targets:
        raise ValueError(
            f"export expects `targets` among {sorted(_TARGETS)}, at least "
            f"one. Received: targets={targets!r}"
        )
    return list(dict.fromkeys(targets))


def _time_of(fir, input_shape):
    if input_shape is None or input_shape[1] is None:
        raise ValueError(
            "export expects `time` where the layer was built for any number "
            "of samples; pass `time=` an integer. "
            f"Received: {fir.name!r} built for {input_shape}"
        )
    return input_shape[1]


def _check_folder(out_dir, overwrite):
    """Raises `FileExistsError` where something would be lost."""
    if not out_dir.exists():
        return
    if not out_dir.is_dir():
        raise FileExistsError(
            "export expects `out_dir` to be a folder. Received: the file "
            f"{str(out_dir)!r}"
        )
    content = sorted(path.name for path in out_dir.iterdir())
    if content and not overwrite:
        raise FileExistsError(
            "export expects `out_dir` to be new or empty; pass "
            "`overwrite=True` to replace an earlier export. "
            f"Received: {str(out_dir)!r} with {content[:5]}"
        )
    others = sorted(set(content) - _exported(out_dir))
    if others:
        raise FileExistsError(
            "export overwrites nothing but an earlier export; choose another "
            f"`out_dir`, or move its other files. Received: {str(out_dir)!r} "
            f"with {others[:5]}"
        )


def _exported(out_dir):
    """Names of the files in a folder that an earlier export wrote."""
    try:
        listed = json.loads((out_dir / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {MANIFEST, *listed}


def _manifest(spec, targets, batch, time, files):
    versions = {
        name: importlib.metadata.version(name) for name in ("keras", "numpy")
    }
    for target in targets:
        versions.update(_TARGETS[target][1]())
    manifest = {
        "format_version": FORMAT_VERSION,
        "targets": targets,
        "batch": int(batch),
        "time": int(time),
        "filter": spec.get_config(),
        "files": {
            name: {"bytes": len(data), "sha256": _sha256(data)}
            for name, data in files.items()
        },
        "versions": {"keras_bp": __version__, **versions},
    }
    return {**manifest, "sha256": _digest(manifest)}


def _parse(path):
    """Reads a manifest, and checks its version and its own SHA-256."""
    try:
        manifest = json.loads(path.read_bytes())
        version = manifest["format_version"]
        digest = manifest.pop("sha256")
        manifest["files"], manifest["filter"]
    except (ValueError, KeyError, TypeError) as error:
        _corrupt(MANIFEST, f"it cannot be read: {error!r}")
    if version != FORMAT_VERSION:
        raise ValueError(
            f"load_manifest expects format version {FORMAT_VERSION}; export "
            f"again with this release. Received: {version!r}"
        )
    if digest != _digest(manifest):
        _corrupt(MANIFEST, "its SHA-256 is another one")
    return manifest


def _corrupt(name, reason):
    raise ValueError(
        "load_manifest expects the files as they were written; export again. "
        f"Received: a changed {name!r}, {reason}"
    )


def _digest(manifest):
    return _sha256(json.dumps(manifest, sort_keys=True).encode())


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


def _write(out_dir, files):
    unique = uuid.uuid4().hex[:8]
    new = out_dir.with_name(f".{out_dir.name}.{unique}.new")
    old = out_dir.with_name(f".{out_dir.name}.{unique}.old")
    try:
        new.mkdir(parents=True)
        for name, data in files.items():
            (new / name).write_bytes(data)
        if out_dir.exists():
            out_dir.rename(old)
        new.rename(out_dir)
    except OSError as error:
        raise OSError(
            "export expects `out_dir` in a folder that it can write; nothing "
            f"was changed. Received: {str(out_dir)!r}, {error}"
        ) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if old.exists() and not out_dir.exists():
            old.rename(out_dir)
    shutil.rmtree(old, ignore_errors=True)
