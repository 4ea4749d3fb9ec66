"""The files of the target `"litert"`."""

import math

from tflite_export import vectors
from tflite_export.litert._packages import import_writers
from tflite_export.litert.model_of_fast import model_of_fast
from tflite_export.litert.snr import snr
from tflite_export.litert.to_flatbuffer import PROFILES, to_flatbuffer
from tflite_export.litert.versions import versions

# Of a model of a stream, where nothing else is asked for.
_BLOCK = 64


def target_files(chain, *, name, batch, time, profiles=PROFILES, block=None):
    """The files of the target `"litert"`, and what the manifest tells of them.

    `NAME_exact.tflite` and `NAME_stream.tflite` are of the exact profile, of
    whole signals and of a stream; `NAME_fast.tflite` is of the fast one, and
    left out where that cannot compute the chain.

    Args:
        chain: `tflite_export.ChainSpec`.
        name: String, with which the names of the files begin.
        batch: Positive integer, batch size of the models.
        time: Positive integer, samples of a signal.
        profiles: Sequence of strings, `"exact"` and `"fast"`.
            Defaults to both.
        block: Positive integer, samples of a block of the stream, or None
            for at most 64. Defaults to `None`.

    Returns:
        Dictionary from file names to bytes; dictionary for the manifest with
        the versions, the operators and bytes of each model, the SNR in dB of
        the fast one on random samples (None where all integers agree), and
        why a file is left out.

    Raises:
        ImportError: The extra `export` is not installed.
        TypeError: A count is no integer.
        ValueError: The exact profile cannot compute the chain, or the fast
            one where it is asked for alone; a profile is unknown; or a count
            is out of range.
    """
    profiles = _check_profiles(profiles)
    files, left_out = {}, {}
    sizes = {"batch": batch, "time": time}
    if "exact" in profiles:
        files[f"{name}_exact.tflite"] = to_flatbuffer(chain, **sizes)
        files[f"{name}_stream.tflite"] = to_flatbuffer(
            chain,
            batch=batch,
            time=_block_of(chain, time) if block is None else block,
            streaming=True,
        )
    told = {file: _told_of(data) for file, data in files.items()}
    if "fast" in profiles:
        file = f"{name}_fast.tflite"
        try:
            files[file] = to_flatbuffer(chain, profile="fast", **sizes)
            told[file] = _told_of(files[file])
            told[file]["snr_db"] = _fast_snr(chain, time)
        except ValueError as error:
            if not files:
                raise
            left_out[file] = str(error)
    told = {"versions": versions(), "models": told, "left_out": left_out}
    return files, told


def _check_profiles(profiles):
    if isinstance(profiles, str):
        profiles = [profiles]
    known = isinstance(profiles, list | tuple) and set(profiles) <= {*PROFILES}
    if not known or not profiles:
        raise ValueError(
            f"The target litert expects `profiles` among {list(PROFILES)}, at "
            f"least one. Received: profiles={profiles!r}"
        )
    return profiles


def _block_of(chain, time):
    """At most so many samples, but a multiple of the strides."""
    strides = chain.strides
    return max(1, min(time, _BLOCK) // strides) * strides


def _told_of(data):
    schema, _ = import_writers()
    model = schema.ModelT.InitFromPackedBuf(data)
    (graph,) = model.subgraphs
    return {"operators": len(graph.operators), "bytes": len(data)}


def _fast_snr(chain, time):
    """In dB, or None for infinity, which JSON does not know."""
    signal = vectors.draw(chain, "random", time)
    found = snr(chain, model_of_fast(chain), signal)
    return None if math.isinf(found) else round(found, 2)
