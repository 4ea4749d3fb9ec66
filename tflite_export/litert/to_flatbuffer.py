"""Writes chains of filters as integer-only LiteRT models."""

from keras_bp import _checks
from tflite_export.chain_spec import ChainSpec, check_chain
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec
from tflite_export.litert._calibration import calibration_signal
from tflite_export.litert._exact import build_exact
from tflite_export.litert._fast import build_fast
from tflite_export.litert._graph import Graph
from tflite_export.litert._int8 import build_int8

PROFILES = ("exact", "fast", "int8")


def to_flatbuffer(
    chain,
    *,
    profile="exact",
    batch=1,
    time,
    streaming=False,
    input_name="signal",
    output_name="filtered",
    description=None,
    calibration="random",
):
    """Writes a chain of filters as a LiteRT model of integers alone.

    Args:
        chain: `tflite_export.ChainSpec`, or a `FIRSpec` as one of its own.
        profile: String. `"exact"`: int32 in and out, equal to `chain.run`
            sample by sample. `"fast"`: int16 in and out, by LiteRT's
            quantized kernels, which microcontrollers have. A filter, or a
            chain of them, equals `chain.run`; of a Kerr rotation by
            `"taylor2"` LiteRT rounds the products itself, see
            `model_of_fast`. `"int8"`: int8 in and out, and between, for
            accelerators that have nothing else. It equals `chain.run`
            nowhere in particular; `snr` says how far it is from that, and
            `run_samples` runs it on samples in their own unit.
            Defaults to `"exact"`.
        batch: Positive integer, the batch size, which is fixed.
            Defaults to `1`.
        time: Positive integer, samples of a signal, or of a block where
            `streaming`; it is fixed too.
        streaming: Boolean, whether the model takes a signal block by block,
            with `"exact"` alone: it is causal, as `tflite_export.Stream` is,
            and its state are further inputs and outputs, `state_0_in` and
            `state_0_out` and so on, zeros at first; see `Session`.
            Defaults to `False`.
        input_name: String, name of the input, a tensor of shape
            `(batch, time, channels)`. Defaults to `"signal"`.
        output_name: String, name of the output, a tensor of shape
            `(batch, new_time, outputs)`. Defaults to `"filtered"`.
        description: String for the header of the model, or None for one
            made from `chain`.
        calibration: What the steps of `"int8"` are chosen on, with the least
            square error: integer array `(batch, time, channels)` of the
            chain's input, as it will be in use; the path of one, `*.npy`; or
            a kind of `tflite_export.vectors`. Defaults to `"random"`.

    Returns:
        The bytes of the model; the same ones for the same arguments.

    Raises:
        FileNotFoundError: There is no file `calibration`.
        ImportError: The extra `export` is not installed.
        TypeError: A count, or `calibration`, holds no integers.
        ValueError: The profile cannot compute `chain` (the message says
            why, and what to change), the signal is too short, or
            `calibration` does not fit.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import QuantizedFIR
    >>> from tflite_export import ChainSpec, litert
    >>> layer = QuantizedFIR(1, 3, complex=False, padding="causal")
    >>> layer.build((None, 4, 1))
    >>> model = litert.to_flatbuffer(ChainSpec.from_layer(layer), time=4)
    >>> signal = np.array([[[5], [0], [-7], [1]]])
    >>> litert.run(model, signal).ravel().tolist()
    [5, 0, -7, 1]
    """
    owner = "to_flatbuffer"
    _checks.check_one_of("profile", profile, PROFILES, owner=owner)
    _checks.check_integer("batch", batch, minimum=1, owner=owner)
    _checks.check_integer("time", time, minimum=1, owner=owner)
    chain = as_chain(chain)
    if not streaming:
        _check_time(chain, time)
    names = input_name, output_name
    if streaming and profile != "exact":
        raise ValueError(
            f"{owner} expects profile='exact' for a model of a stream. "
            f"Received: profile={profile!r}"
        )
    if profile == "exact":
        graph = Graph("int32")
        build_exact(graph, chain, batch, time, names, streaming)
    elif profile == "fast":
        graph = Graph("int16")
        build_fast(graph, chain, batch, time, names)
    else:
        graph = Graph("int8")
        signal = calibration_signal(chain, calibration)
        build_int8(graph, chain, batch, time, names, signal)
    return graph.to_bytes(description or _describe(chain))


def as_chain(chain):
    """A `ChainSpec`, or a `FIRSpec` as one of its own."""
    if isinstance(chain, FIRSpec):
        return ChainSpec([chain], chain.kernel.shape[1])
    check_chain(chain, "litert")
    return chain


def _check_time(chain, time):
    """Raises `ValueError` where a signal is too short for a stage."""
    for index, stage in enumerate(chain.stages):
        if isinstance(stage, FIRSpec):
            time = stage.output_time(time)
        elif time < max(1, stage.delay):
            raise ValueError(
                f"to_flatbuffer expects at least {max(1, stage.delay)} samples "
                f"at stage {index}. Received: time={time}"
            )


def _describe(chain):
    return "; ".join(
        _describe_stage(stage, channels)
        for stage, channels in zip(
            chain.stages, chain.stage_channels, strict=False
        )
    )


def _describe_stage(stage, channels):
    before = stage.signal_format.word_length
    after = stage.output_format.word_length
    if isinstance(stage, KerrSpec):
        return (
            f"Kerr rotation: {stage.method}, {channels} channels of {before} "
            f"bits to {after}"
        )
    if not isinstance(stage, FIRSpec):
        return f"Rounding: {channels} channels of {before} bits to {after}"
    num_taps, each, outputs = stage.kernel.shape
    kind = "complex" if stage.complex else "real"
    return (
        f"FIR filter: {num_taps} {kind} taps of {stage.tap_format.word_length} "
        f"bits, {each} channels of {before} bits "
        f"to {outputs} of {after}, "
        f"padding {stage.padding}, stride {stage.strides}"
    )
