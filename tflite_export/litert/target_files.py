"""The files of the target `"litert"`."""

from tflite_export import vectors
from tflite_export.litert._calibration import calibration_signal
from tflite_export.litert._packages import import_writers
from tflite_export.litert._told import in_json, is_exact, told_of_int8
from tflite_export.litert.model_of_fast import model_of_fast
from tflite_export.litert.snr import snr
from tflite_export.litert.to_flatbuffer import PROFILES, to_flatbuffer
from tflite_export.litert.versions import versions

# Of a model of a stream, where nothing else is asked for.
_BLOCK = 64
# What equals the reference. The other one is for those who ask for it.
_DEFAULT = ("exact", "fast")
_PROMISES = {
    True: "every sample equals the integer reference",
    False: "LiteRT's own roundings of a Kerr rotation, as model_of_fast says",
}


def target_files(
    chain,
    *,
    name,
    batch,
    time,
    profiles=_DEFAULT,
    block=None,
    calibration="random",
):
    """The files of the target `"litert"`, and what the manifest tells of them.

    `NAME_exact.tflite` and `NAME_stream.tflite` are of the exact profile, of
    whole signals and of a stream; `NAME_fast.tflite` is of the fast one,
    `NAME_int8.tflite` of the one of int8, and both are left out where they
    cannot compute the chain.

    Args:
        chain: `tflite_export.ChainSpec`.
        name: String, with which the names of the files begin.
        batch: Positive integer, batch size of the models.
        time: Positive integer, samples of a signal.
        profiles: Sequence of strings, `"exact"`, `"fast"` and `"int8"`, or
            one string of them with commas between. `"int8"` promises no
            equal samples, and is made on request alone.
            Defaults to the first two.
        block: Positive integer, samples of a block of the stream, with
            `"exact"` alone, or None for at most 64. Defaults to `None`.
        calibration: What the steps of `"int8"` are chosen on, with that
            profile alone, see `to_flatbuffer`. Defaults to `"random"`.

    Returns:
        Dictionary from file names to bytes; dictionary for the manifest with
        the versions, and why a file is left out; of each model the operators
        and bytes, whether it is `exact`, equal to the reference in every
        sample, and what it promises; of the fast one the SNR in dB on random
        samples (None where all integers agree); of int8 that and others, see
        docs/export.md.

    Raises:
        FileNotFoundError: There is no file `calibration`.
        ImportError: The extra `export` is not installed.
        TypeError: A count, or `calibration`, holds no integers.
        ValueError: The exact profile cannot compute the chain, or another
            one where it is asked for alone; a profile is unknown; a count is
            out of range; `calibration` does not fit; or it or `block` is
            given without the profile that it is for.
    """
    profiles = _check_profiles(profiles)
    _check_used(profiles, block, calibration)
    files, told, left_out = {}, {}, {}
    sizes = {"batch": batch, "time": time}
    if "exact" in profiles:
        files[f"{name}_exact.tflite"] = to_flatbuffer(chain, **sizes)
        files[f"{name}_stream.tflite"] = to_flatbuffer(
            chain,
            batch=batch,
            time=_block_of(chain, time) if block is None else block,
            streaming=True,
        )
        told = {file: _told_of(data, True) for file, data in files.items()}
    if "int8" in profiles:
        # What is wrong with it would be no reason to leave the file out.
        calibration_signal(chain, calibration)
    for profile in [each for each in ("fast", "int8") if each in profiles]:
        file = f"{name}_{profile}.tflite"
        try:
            data = to_flatbuffer(
                chain, profile=profile, calibration=calibration, **sizes
            )
        except ValueError as error:
            left_out[file] = str(error)
            continue
        files[file] = data
        if profile == "fast":
            told[file] = _told_of_fast(chain, data, time)
        else:
            told[file] = _told_of(data, is_exact(chain, profile))
            told[file] |= told_of_int8(chain, data, calibration, **sizes)
    if not files:
        raise ValueError("; ".join(left_out.values()))
    told = {"versions": versions(), "models": told, "left_out": left_out}
    return files, told


def _check_profiles(profiles):
    if isinstance(profiles, str):
        profiles = profiles.split(",")
    known = isinstance(profiles, list | tuple) and set(profiles) <= {*PROFILES}
    if not known or not profiles:
        raise ValueError(
            f"The target litert expects `profiles` among {list(PROFILES)}, at "
            f"least one. Received: profiles={profiles!r}"
        )
    return profiles


def _check_used(profiles, block, calibration):
    """Raises `ValueError` for an option of a profile that is not made."""
    given = {
        "exact": ("block", block, block is not None),
        "int8": (
            "calibration",
            calibration,
            not isinstance(calibration, str) or calibration != "random",
        ),
    }
    for profile, (name, value, is_given) in given.items():
        if is_given and profile not in profiles:
            raise ValueError(
                f"The target litert expects {profile!r} among `profiles` "
                f"with `{name}`. Received: profiles={list(profiles)}, "
                f"{name}={value!r}"
            )


def _block_of(chain, time):
    """At most so many samples, but a multiple of the strides."""
    strides = chain.strides
    return max(1, min(time, _BLOCK) // strides) * strides


def _told_of(data, exact):
    schema, _ = import_writers()
    model = schema.ModelT.InitFromPackedBuf(data)
    (graph,) = model.subgraphs
    return {
        "operators": len(graph.operators),
        "bytes": len(data),
        "exact": exact,
        "promise": _PROMISES[exact],
    }


def _told_of_fast(chain, data, time):
    signal = vectors.draw(chain, "random", time)
    found = snr(chain, model_of_fast(chain), signal)
    return {**_told_of(data, is_exact(chain, "fast")), "snr_db": in_json(found)}
