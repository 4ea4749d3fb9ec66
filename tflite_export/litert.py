"""Integer-only LiteRT (TFLite) models of FIR filters, and their interpreter.

The flatbuffer is written directly, with power-of-two scales and zero points of
0: then CONV_2D with int16 samples, int8 taps and an int64 bias sums exactly and
rounds half up in every resolver, while a converter would choose scales that
integers cannot follow.
"""

import importlib.metadata
from pathlib import Path

import numpy as np

from keras_bp import _checks
from tflite_export._litert_checks import check_size, check_supported
from tflite_export._litert_graph import Graph, build_fir
from tflite_export._signals import as_int64

RESOLVERS = ("default", "builtin", "reference")

_IMPORT_MESSAGE = (
    "tflite_export.litert expects the packages ai-edge-litert and flatbuffers; "
    "install them with `pip install keras_bp[export]`. Received: {error}"
)


def to_flatbuffer(
    spec,
    *,
    batch=1,
    time,
    input_name="signal",
    output_name="filtered",
    description=None,
):
    """Writes a filter as a LiteRT model of int16 in, int16 out.

    Args:
        spec: `tflite_export.FIRSpec`.
        batch: Positive integer, the batch size, which is fixed.
            Defaults to `1`.
        time: Positive integer, samples of a signal, which is fixed too.
        input_name: String, name of the input, an int16 tensor of shape
            `(batch, time, channels)`. Defaults to `"signal"`.
        output_name: String, name of the output, an int16 tensor of shape
            `(batch, new_time, outputs)`. Defaults to `"filtered"`.
        description: String for the header of the model, or None for one
            made from `spec`.

    Returns:
        The bytes of the model; the same ones for the same arguments.

    Raises:
        ImportError: The extra `export` is not installed.
        ValueError: LiteRT cannot compute `spec` exactly (the message says
            why, and what to change), or the signal is too short.

    Example:

    >>> import numpy as np
    >>> from keras_bp.layers import QuantizedFIR
    >>> from tflite_export import FIRSpec, litert
    >>> layer = QuantizedFIR(1, 3, complex=False, padding="causal")
    >>> layer.build((None, 4, 1))
    >>> model = litert.to_flatbuffer(FIRSpec.from_layer(layer), time=4)
    >>> signal = np.array([[[5], [0], [-7], [1]]])
    >>> litert.run(model, signal).ravel().tolist()
    [5, 0, -7, 1]
    """
    _checks.check_integer("batch", batch, minimum=1, owner="to_flatbuffer")
    spec.output_time(time)
    check_supported(spec)
    check_size(spec, batch, time)
    schema, flatbuffers = _writers()
    graph = Graph(schema)
    build_fir(graph, spec, batch, time, (input_name, output_name))
    model = graph.model(description or _describe(spec))
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run(model, signal, *, resolver="default"):
    """Runs a model in LiteRT's interpreter, on one thread.

    Args:
        model: Path of the model, or its bytes.
        signal: Integer array with the shape of the model's input.
        resolver: String, which kernels run it. `"default"`: LiteRT's choice,
            the XNNPACK delegate included. `"builtin"`: optimized kernels
            without a delegate. `"reference"`: the plain kernels.
            Defaults to `"default"`.

    Returns:
        NumPy array of int64, the output.

    Raises:
        ImportError: The extra `export` is not installed.
        TypeError: `signal` does not hold integers.
        ValueError: `signal` has another shape, or exceeds 16 bits; LiteRT
            cannot read the model; or `resolver` is unknown.
    """
    _checks.check_one_of("resolver", resolver, RESOLVERS, owner="run")
    signal = as_int64("signal", signal, owner="run")
    interpreter = _interpreter(model, resolver)
    (entry,) = interpreter.get_input_details()
    (result,) = interpreter.get_output_details()
    if signal.shape != tuple(entry["shape"]):
        raise ValueError(
            "run expects a signal with the shape of the model's input, "
            f"{tuple(map(int, entry['shape']))}. "
            f"Received: shape={signal.shape}"
        )
    if np.any(signal != signal.astype("int16")):
        raise ValueError(
            "run expects samples from -32768 to 32767. Received: samples "
            f"from {signal.min()} to {signal.max()}"
        )
    interpreter.set_tensor(entry["index"], signal.astype("int16"))
    interpreter.invoke()
    return interpreter.get_tensor(result["index"]).astype("int64")


def versions():
    """Dictionary with the versions of the packages behind this module."""
    return {
        name: importlib.metadata.version(name)
        for name in ("ai-edge-litert", "flatbuffers")
    }


def _describe(spec):
    num_taps, channels, outputs = spec.kernel.shape
    kind = "complex" if spec.complex else "real"
    return (
        f"FIR filter: {num_taps} {kind} taps of {spec.tap_format.word_length} "
        f"bits, {channels} channels of {spec.signal_format.word_length} bits "
        f"to {outputs} of {spec.output_format.word_length}, "
        f"padding {spec.padding}, stride {spec.strides}"
    )


def _writers():
    try:
        import flatbuffers
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise ImportError(_IMPORT_MESSAGE.format(error=error)) from error
    return schema, flatbuffers


def _interpreter(model, resolver):
    try:
        from ai_edge_litert import interpreter as litert
    except ImportError as error:
        raise ImportError(_IMPORT_MESSAGE.format(error=error)) from error
    kernels = {
        "default": litert.OpResolverType.AUTO,
        "builtin": litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        "reference": litert.OpResolverType.BUILTIN_REF,
    }
    if not isinstance(model, bytes | bytearray | memoryview):
        model = Path(model).read_bytes()
    model = bytes(model)
    try:
        interpreter = litert.Interpreter(
            model_content=model,
            num_threads=1,
            experimental_op_resolver_type=kernels[resolver],
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            "run expects a model that LiteRT can read. "
            f"Received: {len(model)} bytes, of which LiteRT says: {error}"
        ) from error
    return interpreter
