"""Runs models in LiteRT's interpreter."""

from tflite_export.litert._interpreter import fit_input, invoke, open_whole


def run(model, signal, *, resolver="default"):
    """Runs a model of whole signals in LiteRT's interpreter, on one thread.

    Args:
        model: Path of the model, or its bytes.
        signal: Integer array with the shape of the model's input, and in its
            steps; for those of `"int8"`, see `run_samples`.
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
    opened = open_whole(model, resolver, owner="run")
    return invoke(*opened, fit_input(opened[1], signal, owner="run"))
