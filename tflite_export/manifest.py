"""The file that says what an exported folder holds, and checks it."""

import hashlib
import importlib.metadata
import json
from pathlib import Path

from keras_bp import __version__
from tflite_export.chain_spec import ChainSpec

FORMAT_VERSION = 2
MANIFEST = "manifest.json"

# Entry: the class of its value.
_SCHEMA = {
    "format_version": int,
    "name": str,
    "targets": dict,
    "batch": int,
    "time": int,
    "chain": dict,
    "link": (dict, type(None)),
    "files": dict,
    "versions": dict,
    "sha256": str,
}


def make_manifest(chain, files, *, name, targets, batch, time, link=None):
    """The bytes of a manifest.

    Args:
        chain: `ChainSpec`.
        files: Dictionary from file names to bytes.
        name: String, of the filter.
        targets: Dictionary from each target to what it tells of itself.
        batch: Integer.
        time: Integer, samples of a signal.
        link: Dictionary, the fiber link that the filter undoes, or None.

    Returns:
        Bytes, JSON.
    """
    versions = {
        package: importlib.metadata.version(package)
        for package in ("keras", "numpy")
    }
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "targets": targets,
        "batch": int(batch),
        "time": int(time),
        "chain": chain.get_config(),
        "link": link,
        "files": {
            file: {"bytes": len(data), "sha256": _sha256(data)}
            for file, data in files.items()
        },
        "versions": {"keras_bp": __version__, **versions},
    }
    manifest["sha256"] = _digest(manifest)
    return json.dumps(manifest, indent=1).encode()


def load_manifest(out_dir):
    """Checks an exported folder, and returns what it computes.

    Args:
        out_dir: Path of the folder.

    Returns:
        `ChainSpec`.

    Raises:
        FileNotFoundError: There is no manifest, or a file is missing.
        ValueError: A file, the manifest included, is not as it was written,
            or is of another format version.
    """
    config = read_manifest(out_dir)["chain"]
    try:
        return ChainSpec.from_config(config)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        _corrupt(MANIFEST, f"its chain cannot be read: {error}")


def read_manifest(out_dir):
    """Checks an exported folder, and returns its whole manifest.

    Args:
        out_dir: Path of the folder.

    Returns:
        Dictionary.

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
    return manifest


def listed_files(out_dir):
    """Names of the files in a folder that an earlier export wrote."""
    try:
        listed = json.loads((Path(out_dir) / MANIFEST).read_bytes())["files"]
        return {MANIFEST, *listed}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()


def _parse(path):
    """Reads a manifest, and checks its schema and its own SHA-256."""
    try:
        manifest = json.loads(path.read_bytes())
        version = manifest["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        _corrupt(MANIFEST, f"it cannot be read: {error!r}")
    if version != FORMAT_VERSION:
        raise ValueError(
            f"load_manifest expects format version {FORMAT_VERSION}; export "
            f"again with this release. Received: {version!r}"
        )
    wrong = sorted(set(manifest) ^ set(_SCHEMA))
    wrong += [
        name
        for name, kind in _SCHEMA.items()
        if name in manifest and not isinstance(manifest[name], kind)
    ]
    if not wrong:
        wrong = [
            file
            for file, entry in manifest["files"].items()
            if Path(file).name != file
            or not isinstance(entry, dict)
            or set(entry) != {"bytes", "sha256"}
        ]
    if wrong:
        _corrupt(MANIFEST, f"missing, unknown or wrong entries {wrong}")
    if manifest["sha256"] != _digest(manifest):
        _corrupt(MANIFEST, "its SHA-256 is another one")
    return manifest


def _corrupt(name, reason):
    raise ValueError(
        "load_manifest expects the files as they were written; export again. "
        f"Received: a changed {name!r}, {reason}"
    )


def _digest(manifest):
    rest = {name: x for name, x in manifest.items() if name != "sha256"}
    return _sha256(json.dumps(rest, sort_keys=True).encode())


def _sha256(data):
    return hashlib.sha256(data).hexdigest()
