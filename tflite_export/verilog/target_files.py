"""The target `"verilog"` of an export."""

from tflite_export.verilog.design import to_verilog


def target_files(
    chain, *, name, batch, time, lanes=1, pipeline="none", taps="constant"
):
    """The files of the target `"verilog"`, and what the manifest tells.

    Args:
        chain: `ChainSpec`.
        name: String, with which the names of modules and files begin.
        batch: Integer, which does not count: hardware filters one signal.
        time: Positive integer, samples of each kind of vector for the test
            bench; no more than 256 are drawn.
        lanes: Positive integer, see `to_verilog`. Defaults to `1`.
        pipeline: String or integer, see `to_verilog`. Defaults to `"none"`.
        taps: String, see `to_verilog`. Defaults to `"constant"`.

    Returns:
        Dictionary from file names to bytes; dictionary for the manifest.

    Raises:
        TypeError: A number is no integer.
        ValueError: An argument is out of range, or a filter keeps only some
            of its outputs.
    """
    design = to_verilog(
        chain,
        name,
        lanes=lanes,
        pipeline=pipeline,
        taps=taps,
        time=min(time, 256),
    )
    files = {file: text.encode() for file, text in design.files.items()}
    told = {
        "top": design.top,
        "sources": list(design.sources),
        "lanes": lanes,
        "pipeline": pipeline,
        "taps": taps,
        "latency": design.latency,
        **design.counts,
        "test_bench": f"{name}_tb.v",
    }
    return files, told
