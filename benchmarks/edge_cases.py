"""What `benchmarks.edge` measures."""

import functools
import shutil
import statistics

import numpy as np

from benchmarks import edge_kernels, edge_rivals, results, timing
from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, Stream, c, vectors

LENGTHS = (9, 31)
# What the caches of a core hold, in and out.
_SAMPLES = 16384
_NATIVE = "gcc -O3 -march=native"


def filter_chain(num_taps, tap_bits=6, signal_bits=15):
    """A complex symmetric filter as a digital backpropagation learns it.

    Args:
        num_taps: Odd positive integer.
        tap_bits: Integer, bits of a tap. Defaults to `6`.
        signal_bits: Integer, bits of a sample. Defaults to `15`.

    Returns:
        `tflite_export.ChainSpec`, causal.
    """
    tap = FixedPoint(tap_bits, tap_bits - 1)
    signal = FixedPoint(signal_bits, signal_bits - 1)
    rng = np.random.default_rng(0)
    ends = tap.minimum_integer, tap.maximum_integer + 1
    taps = rng.integers(*ends, (num_taps, 1, 1, 2))
    taps[num_taps // 2 + 1 :] = taps[: num_taps // 2][::-1]
    return ChainSpec([FIRSpec(taps, tap, signal, signal, "causal")], 2)


def signal_of(chain):
    """Integers that fill the range of a chain's input."""
    return vectors.draw(chain, "full_scale", _SAMPLES)


def speed(rounds):
    """One filter, exported and by others, each in turn."""
    rows = []
    for num_taps in LENGTHS:
        chain = filter_chain(num_taps)
        signal = signal_of(chain)
        kernels = edge_kernels.build(chain, signal)
        ours = edge_kernels.exported(chain, signal, ("-O3", "-march=native"))
        _check_equal(chain, signal, {"exported C": ours, **kernels})
        limits = edge_kernels.limits()
        functions = {
            "ours": ours.call,
            **{name: kernel.call for name, kernel in kernels.items()},
            **{name: call for name, (call, _) in limits.items()},
            **edge_rivals.filters(chain, signal),
        }
        times = timing.compare(functions, rounds=rounds)
        # A complex tap takes four products, two symmetric ones as many.
        products = 4 * (num_taps // 2 + 1)
        samples = {name: _SAMPLES for name in functions}
        for name, call in {"ours": ours, **kernels}.items():
            samples[name] = _SAMPLES * call.repeats
        for name, (_, added) in limits.items():
            samples[name] = added / products
        each = {
            name: [1e9 * one / samples[name] for one in found]
            for name, found in times.items()
        }
        rows += _compared(num_taps, each)
        rows += _int8(num_taps, chain, each)
    return rows


def _int8(num_taps, chain, each):
    """The one that computes other integers: how fast, and how far off."""
    name, key = f"{num_taps} complex symmetric taps", edge_rivals.INT8
    if key not in each:
        return []
    found = edge_rivals.int8_ratios(chain, _SAMPLES)
    return [
        results.row(
            name,
            f"samples a second, {key}",
            1e3 / statistics.median(each[key]),
            "million",
            samples=[1e3 / one for one in each[key]],
        ),
        results.row(
            name,
            f"SNR to the exact integers, {key}",
            found["snr_db"],
            "dB",
            against="what 8 bits leave of the input: "
            f"{found['snr_of_input_db']:.1f} dB",
        ),
    ]


def _compared(num_taps, each):
    """Rows of nanoseconds a sample, against each of the others."""
    name = f"{num_taps} complex symmetric taps, C by {_NATIVE}"
    middle = {key: statistics.median(found) for key, found in each.items()}
    best = {}
    for kind in ("limit", "hand-written"):
        keys = [key for key in middle if key.startswith(kind)]
        best[min(keys, key=middle.get)] = 4.0 if kind == "limit" else 2.0
    limit = next(iter(best))
    ours = each["ours"]
    rows = [
        results.row(
            name,
            "samples a second",
            1e3 / middle["ours"],
            "million",
            samples=[1e3 / one for one in ours],
        ),
        # Whatever else the machine did meanwhile, it did not do in these.
        results.row(
            name,
            "time a sample, the fastest of both",
            min(ours),
            "ns",
            against=limit,
            against_value=min(each[limit]),
            aim="<= 4.0",
        ),
    ]
    for key in middle:
        kernel = key.startswith(("limit", "hand-written"))
        aim = best.get(key) if kernel else 1.0
        if key != "ours":
            rows.append(
                results.row(
                    name,
                    f"time a sample, against {key}",
                    middle["ours"],
                    "ns",
                    samples=ours,
                    against=key,
                    against_value=middle[key],
                    aim=aim and f"<= {aim}",
                )
            )
    return rows


def builds(rounds):
    """The same header by other compilers and settings; without aims."""
    rows = []
    for num_taps in LENGTHS:
        calls = {}
        for told, chain, flags, compiler in _builds(num_taps):
            if shutil.which(compiler):
                signal = signal_of(chain)
                made = edge_kernels.exported(chain, signal, flags, compiler)
                _check_equal(chain, signal, {told: made})
                calls[told] = made
        functions = {told: call.call for told, call in calls.items()}
        times = timing.compare(functions, rounds=rounds)
        for told, found in times.items():
            each = [
                1e9 * one / (_SAMPLES * calls[told].repeats) for one in found
            ]
            rows.append(
                results.row(
                    f"{num_taps} complex symmetric taps, C",
                    f"time a sample, {told}",
                    statistics.median(each),
                    "ns",
                    samples=each,
                )
            )
    return rows


def _builds(num_taps):
    chain = filter_chain(num_taps)
    # Taps and samples over the whole range: sums of more than 32 bits.
    wide = filter_chain(num_taps, 16, 16)
    native, plain = ("-O3", "-march=native"), ("-DEDGE_PORTABLE",)
    return [
        ("gcc -O3", chain, ("-O3",), "gcc"),
        ("clang -O3 -march=native", chain, native, "clang"),
        (f"{_NATIVE}, plain C alone", chain, (*native, *plain), "gcc"),
        (
            "clang -O3 -march=native, plain C alone",
            chain,
            (*native, *plain),
            "clang",
        ),
        (f"{_NATIVE}, full-scale Q15, 64-bit sums", wide, native, "gcc"),
        ("gcc -O3, full-scale Q15, 64-bit sums", wide, ("-O3",), "gcc"),
    ]


def _check_equal(chain, signal, calls):
    """Raises unless what is timed computes the integers of the reference."""
    expected = Stream(chain).process(signal)[0]
    for name, call in calls.items():
        if not np.array_equal(call.output(), expected):
            raise RuntimeError(f"{name} computes other integers.")


def size(rounds):
    """Bytes of state and code, and instructions on a Cortex-M4."""
    del rounds
    rows = []
    for num_taps in LENGTHS:
        chain = filter_chain(num_taps)
        name = f"{num_taps} complex symmetric taps"
        bytes_of = functools.partial(results.row, name, unit="bytes")
        state = c.describe(chain)["state_bytes"]
        rows.append(bytes_of("state", value=state))
        rows += [
            bytes_of(f"model, {told}", value=size)
            for told, size in edge_rivals.model_sizes(chain, _SAMPLES).items()
        ]
        if all(map(shutil.which, ("arm-none-eabi-gcc", "qemu-system-arm"))):
            told = c.measure_cortex_m4(chain, samples=2048)
            rows += [
                bytes_of("code on a Cortex-M4, -O2", value=told["code_bytes"]),
                results.row(
                    name,
                    "instructions a sample on a Cortex-M4, -O2",
                    told["instructions_per_sample"],
                    "",
                ),
            ]
    return rows
