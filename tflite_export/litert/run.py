"""Runs models in LiteRT's interpreter."""

from tflite_export.litert._interpreter import fit_input, open_interpreter


def run(model, signal, *, resolver="default"):
    """Runs a model of whole signals in LiteRT's interpreter, on one thread.

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
        ValueError: `signal` has another shape, or exceeds the bits of the
            model's input; LiteRT cannot read the model, or it is one of a
            stream; or `resolver` is unknown.
    """
    interpreter = open_interpreter(model, resolver, owner="run")
    entries = interpreter.get_input_details()
    if len(entries) != 1:
        raise ValueError(
            "run expects a model of whole signals; take `litert.Session` for "
            f"one of a stream. Received: a model of {len(entries)} inputs"
        )
    interpreter.set_tensor(
        entries[0]["index"], fit_input(entries[0], signal, owner="run")
    )
    interpreter.invoke()
    (result,) = interpreter.get_output_details()
    return interpreter.get_tensor(result["index"]).astype("int64")
