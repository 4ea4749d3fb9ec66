"""LiteRT's interpreter: opens models, and hands integers over."""

from pathlib import Path

import numpy as np

from keras_bp import _checks
from tflite_export._signals import as_int64
from tflite_export.litert._packages import import_interpreter

RESOLVERS = ("default", "builtin", "reference")


def open_interpreter(model, resolver, *, owner):
    """Opens a model.

    Args:
        model: Path of the model, or its bytes.
        resolver: String, see `run`.
        owner: String, who asks, for messages.

    Returns:
        `ai_edge_litert.interpreter.Interpreter`, its tensors allocated.

    Raises:
        ImportError: The extra `export` is not installed.
        ValueError: LiteRT cannot read the model, or `resolver` is unknown.
    """
    _checks.check_one_of("resolver", resolver, RESOLVERS, owner=owner)
    litert = import_interpreter()
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
            f"{owner} expects a model that LiteRT can read. "
            f"Received: {len(model)} bytes, of which LiteRT says: {error}"
        ) from error
    return interpreter


def open_whole(model, resolver, *, owner):
    """Opens a model of whole signals; see `open_interpreter`.

    Returns:
        The interpreter; the entries of its input and of its output.

    Raises:
        ImportError: The extra `export` is not installed.
        ValueError: LiteRT cannot read the model, it is one of a stream, or
            `resolver` is unknown.
    """
    interpreter = open_interpreter(model, resolver, owner=owner)
    entries = interpreter.get_input_details()
    if len(entries) != 1:
        raise ValueError(
            f"{owner} expects a model of whole signals; take `litert.Session` "
            f"for one of a stream. Received: a model of {len(entries)} inputs"
        )
    (result,) = interpreter.get_output_details()
    return interpreter, entries[0], result


def invoke(interpreter, entry, result, signal):
    """What an opened model makes of a signal in the type of its input."""
    interpreter.set_tensor(entry["index"], signal)
    interpreter.invoke()
    return interpreter.get_tensor(result["index"]).astype("int64")


def fit_input(entry, signal, *, owner):
    """Returns integers in the type of an input.

    Args:
        entry: Dictionary, one of `get_input_details`.
        signal: Integer array.
        owner: String, who asks, for messages.

    Raises:
        TypeError: `signal` does not hold integers.
        ValueError: It has another shape, or exceeds the type.
    """
    signal = as_int64("signal", signal, owner=owner)
    if signal.shape != tuple(entry["shape"]):
        raise ValueError(
            f"{owner} expects a signal with the shape of the model's input, "
            f"{tuple(map(int, entry['shape']))}. "
            f"Received: shape={signal.shape}"
        )
    cast = signal.astype(entry["dtype"])
    if np.any(signal != cast):
        ends = np.iinfo(entry["dtype"])
        raise ValueError(
            f"{owner} expects samples from {ends.min} to {ends.max}. "
            f"Received: samples from {signal.min()} to {signal.max()}"
        )
    return cast
