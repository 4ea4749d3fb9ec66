"""Writes a trained filter as files for other machines."""

import dataclasses
import inspect
import re
from pathlib import Path

import keras

from keras_bp import _checks
from tflite_export import c, litert, vectors, verilog
from tflite_export._folder import check_folder, write_folder
from tflite_export._read_model import read_stages
from tflite_export.chain_spec import ChainSpec
from tflite_export.manifest import MANIFEST, make_manifest
from tflite_export.report import report_html
from tflite_export.verify import verify as verify_files

# What makes the files of each target.
_MAKERS = {
    "litert": litert.target_files,
    "c": c.target_files,
    "verilog": verilog.target_files,
    "vectors": vectors.target_files,
}
# What every target is told.
_SETTINGS = ("name", "batch", "time")
# The report tells of the others.
TARGETS = (*_MAKERS, "report")


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """What `export` wrote.

    Args:
        folder: `pathlib.Path` of the folder.
        files: Dictionary from the name of each file to its `pathlib.Path`.
        spec: `ChainSpec` of the filter.
        checks: Tuple of `tflite_export.verify.Check`, what came of running
            the artefacts.
    """

    folder: Path
    files: dict
    # Of a long chain, pages of taps.
    spec: ChainSpec = dataclasses.field(repr=False)
    checks: tuple = ()


def export(
    layer,
    out_dir,
    targets=("litert",),
    *,
    name="filter",
    batch=1,
    time=None,
    options=None,
    overwrite=False,
    verify=False,
    progress=None,
):
    """Writes a filter as integer-only artefacts, with a manifest.

    `manifest.json` holds the taps, formats, versions and the SHA-256 of every
    file; `load_manifest` checks them. The folder appears whole or not at all:
    it is written under another name beside its place, and moved.

    Args:
        layer: Built `keras_bp.layers.QuantizedFIR`, a chain of them, or a
            quantized `keras_bp.optics.LearnedDBP`, see
            `ChainSpec.from_layer`.
        out_dir: Path of the folder. It is made, with its parents; where it
            exists it is empty, or `overwrite` is true.
        targets: List of strings, or one. `"litert"`: integer-only LiteRT
            models, see `tflite_export.litert`; equal to the integers of the
            others, but for the profile `"int8"`, which is made on request
            and promises an SNR alone. `"c"`: a C99 header, see
            `tflite_export.c`. `"verilog"`: Verilog-2001 and its test bench,
            see `tflite_export.verilog`. `"vectors"`: inputs and outputs to
            test with, see `tflite_export.vectors`. `"report"`: a page that
            shows it all. Defaults to `("litert",)`.
        name: String, an identifier in C and Verilog, with which the names of
            files begin. Defaults to `"filter"`.
        batch: Positive integer, batch size of the LiteRT models.
            Defaults to `1`.
        time: Positive integer, samples of a signal, or None for that which
            the layer was built for. Defaults to `None`.
        options: Dictionary from a target to the arguments of its own.
            Defaults to `None`.
        overwrite: Boolean, whether to replace an earlier export. A folder
            with files of another kind is refused all the same.
            Defaults to `False`.
        verify: Boolean, whether to run the artefacts on test vectors where
            what runs them is installed; `ExportResult.checks` tells what came
            of it. Defaults to `False`.
        progress: Function of a string that is told what is being done, or
            None. Defaults to `None`.

    Returns:
        `ExportResult`.

    Raises:
        FileExistsError: `out_dir` is a file, or a folder with content.
        ImportError: The extra `export` is not installed.
        OSError: The folder cannot be written.
        TypeError: `layer` is none of those.
        ValueError: A target or option is unknown or cannot compute the filter
            exactly, the layer does not round or is not built, the model
            computes something else too, or `time` is not known.

    Example:

    >>> import tempfile
    >>> from keras_bp.layers import QuantizedFIR
    >>> from tflite_export import export, load_manifest
    >>> layer = QuantizedFIR(1, 9, padding="causal")
    >>> layer.build((None, 64, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = export(layer, folder, "vectors")
    ...     sorted(result.files), load_manifest(folder) == result.spec
    (['input.txt', 'manifest.json', 'output.txt'], True)
    """
    targets = _check_targets(targets)
    _check_name(name)
    options = _check_options(options, targets)
    found = read_stages(layer, owner="export")
    time = _check_time(time, found.time, layer)
    _checks.check_integer("batch", batch, minimum=1, owner="export")
    out_dir = check_folder(out_dir, overwrite)
    settings = {"name": name, "batch": batch, "time": time}
    # Whatever may refuse the filter does so before anything is written.
    chain, files, told, checks = _make(
        found, options, settings, verify, progress or (lambda words: None)
    )
    link = getattr(layer, "link", None)
    files[MANIFEST] = make_manifest(
        chain,
        files,
        targets=told,
        link=link and keras.saving.serialize_keras_object(link),
        **settings,
    )
    write_folder(out_dir, files)
    paths = {file: out_dir / file for file in files}
    return ExportResult(out_dir, paths, chain, tuple(checks))


def _make(found, options, settings, verify, progress):
    """The files of all targets, what they tell, and what came of running."""
    chain = ChainSpec(
        found.stages, found.channels, found.input_gain, found.output_gain
    )
    files, told, checks = {}, {}, []
    for target in [each for each in options if each in _MAKERS]:
        progress(f"Writing {target}")
        made, told[target] = _MAKERS[target](
            chain, **settings, **options[target]
        )
        files.update(made)
    if verify:
        progress("Running the artefacts")
        checks = verify_files(chain, files, targets=options, **settings)
    if "report" in options:
        page = report_html(
            chain,
            found.real,
            files,
            told,
            name=settings["name"],
            checks=checks,
        )
        files["report.html"] = page.encode()
        told["report"] = {}
    return chain, files, told, checks


def _check_targets(targets):
    if isinstance(targets, str):
        targets = [targets]
    known = isinstance(targets, list | tuple) and all(
        isinstance(target, str) and target in TARGETS for target in targets
    )
    if not known or not targets:
        raise ValueError(
            f"export expects `targets` among {list(TARGETS)}, at least "
            f"one. Received: targets={targets!r}"
        )
    return list(dict.fromkeys(targets))


def _check_name(name):
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(
            "export expects `name` to be an identifier of small letters, "
            f"digits and underscores. Received: name={name!r}"
        )


def _check_options(options, targets):
    """Dictionary from each target to its options, whose names are known."""
    options = {} if options is None else options
    kinds = isinstance(options, dict) and all(
        isinstance(each, dict) for each in options.values()
    )
    if not kinds:
        raise TypeError(
            "export expects `options` to be a dictionary from targets to "
            f"dictionaries. Received: options={options!r}"
        )
    unknown = sorted(set(options) - set(targets))
    if unknown:
        raise ValueError(
            "export expects `options` of its targets alone. "
            f"Received: options of {unknown}, targets {targets}"
        )
    for target, given in options.items():
        known = _known_options(target)
        wrong = sorted(set(given) - set(known))
        if wrong:
            raise ValueError(
                f"export expects options of {target!r} among {known}. "
                f"Received: {wrong}"
            )
    return {target: dict(options.get(target, {})) for target in targets}


def _known_options(target):
    if target not in _MAKERS:
        return []
    names = inspect.signature(_MAKERS[target]).parameters
    return [name for name in names if name not in ("chain", *_SETTINGS)]


def _check_time(time, built_for, layer):
    if time is None:
        time = built_for
    if time is None:
        raise ValueError(
            "export expects `time` where the layer was built for any number "
            "of samples; pass `time=` an integer. "
            f"Received: {layer.name!r}, built so"
        )
    _checks.check_integer("time", time, minimum=1, owner="export")
    return time
