"""Counts what a chain computes and keeps."""

import dataclasses

import numpy as np

from tflite_export.adder_graph import AdderGraph, bit_width
from tflite_export.chain_spec import check_chain
from tflite_export.fir_spec import FIRSpec
from tflite_export.kerr_spec import KerrSpec
from tflite_export.reference import SIXTH


@dataclasses.dataclass(frozen=True)
class StageOperations:
    """The operations of one stage, for each sample that it gives out.

    Multiplications and additions are real ones: a complex tap takes four and
    two. Roundings are not counted.

    Args:
        kind: String, `"fir"`, `"kerr"` or `"round"`.
        rate: Float, samples given out for each one that enters the chain.
        multiplications: Integer, every tap with every sample.
        pre_added: Integer, multiplications where the two samples of equal
            taps are added first.
        shared: Integer, multiplications where taps are constant: of each
            input one for every odd number above 1 that, but for sign and a
            power of two, is a tap.
        additions: Integer, with the samples of equal taps added first.
        tap_bits: Integer, of the taps, equal ones once.
        state_bits: Integer, of what is kept from sample to sample.
        table_bits: Integer, of tables.
        adders: Integer, adders that take the place of the additions and
            of the multiplications by constants.
        adder_bits: Integer, full adders in them.
        adder_depth: Integer, the largest number of them in a row.
    """

    kind: str
    rate: float
    multiplications: int = 0
    pre_added: int = 0
    shared: int = 0
    additions: int = 0
    tap_bits: int = 0
    state_bits: int = 0
    table_bits: int = 0
    adders: int = 0
    adder_bits: int = 0
    adder_depth: int = 0


@dataclasses.dataclass(frozen=True)
class Operations:
    """The operations of a chain.

    Args:
        stages: Tuple of `StageOperations`.
    """

    stages: tuple

    @property
    def total(self):
        """Dictionary of sums over the stages, by the names of their fields.

        Operations for each sample that enters the chain; `adder_depth` is
        that of the deepest stage.
        """
        found = {
            name: sum(each.rate * getattr(each, name) for each in self.stages)
            for name in ("multiplications", "pre_added", "shared", "additions")
        }
        for name in ("tap_bits", "state_bits", "table_bits"):
            found[name] = sum(getattr(each, name) for each in self.stages)
        for name in ("adders", "adder_bits"):
            found[name] = sum(getattr(each, name) for each in self.stages)
        found["adder_depth"] = max(each.adder_depth for each in self.stages)
        return found


def operations(chain):
    """Counts the operations of a chain, stage by stage.

    Args:
        chain: `ChainSpec`.

    Returns:
        `Operations`.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export import ChainSpec, FIRSpec, cost
    >>> form = FixedPoint(8, 7)
    >>> taps = np.array([3, -5, 3]).reshape(3, 1, 1)
    >>> fir = FIRSpec(taps, form, form, form, complex=False)
    >>> total = cost.operations(ChainSpec([fir], 1)).total
    >>> total["multiplications"], total["pre_added"], total["adders"]
    (3.0, 2.0, 4)
    """
    check_chain(chain, "operations")
    found, rate = [], 1.0
    for stage, channels in zip(
        chain.stages, chain.stage_channels, strict=False
    ):
        rate /= getattr(stage, "strides", 1)
        if isinstance(stage, FIRSpec):
            found.append(_fir(stage, channels, rate))
        elif isinstance(stage, KerrSpec):
            found.append(_kerr(stage, channels, rate))
        else:
            found.append(StageOperations("round", rate))
    return Operations(tuple(found))


def _fir(stage, channels, rate):
    num_taps, each, outputs = stage.kernel.shape
    signals = channels // each
    kept = _kept(stage.kernel)
    pairs = (num_taps - kept) * each
    products = kept * each * outputs
    graph = _graph(stage.kernel, stage.signal_format)
    pair_bits = _pair_width(stage.signal_format)
    stored = kept if np.array_equal(stage.taps, stage.taps[::-1]) else num_taps
    return StageOperations(
        "fir",
        rate,
        multiplications=signals * num_taps * each * outputs,
        pre_added=signals * products,
        shared=signals
        * sum(map(_odd_numbers, np.swapaxes(stage.kernel, 0, 1))),
        additions=signals * (pairs + products - outputs),
        tap_bits=stored * stage.taps[0].size * stage.tap_format.word_length,
        state_bits=stage.memory * channels * stage.signal_format.word_length,
        adders=signals * (pairs + len(graph.adders)),
        adder_bits=signals * (pairs * pair_bits + graph.adder_bits),
        adder_depth=graph.depth,
    )


def _kerr(stage, channels, rate):
    taps = stage.coefficients[:, None, None]
    kept, pairs = _kept(taps), len(taps) - _kept(taps)
    graph = _graph(taps, stage.power_format)
    # Squares, and the rotation: four for each complex signal.
    variable = channels + 2 * channels
    constants, additions = 0, channels - 1 + channels + len(taps) - 1
    adders, bits, depth = len(graph.adders), graph.adder_bits, graph.depth
    if stage.method != "lut":
        variable, additions = variable + 1, additions + 1
    if stage.method == "taylor3":
        variable, constants, additions = variable + 1, 1, additions + 1
        sixth = _graph(np.array([[[SIXTH[0]]]]), stage.rotation_format)
        adders, bits = adders + len(sixth.adders), bits + sixth.adder_bits
        depth = max(depth, sixth.depth)
    state = len(taps) // 2 * channels * stage.signal_format.word_length
    tables = sum(len(t) for t in (stage.cosines, stage.sines) if t is not None)
    return StageOperations(
        "kerr",
        rate,
        multiplications=variable + constants + len(taps),
        pre_added=variable + constants + kept,
        shared=variable + constants + _odd_numbers(taps),
        additions=additions,
        tap_bits=kept * stage.coefficient_format.word_length,
        state_bits=state + stage.memory * stage.power_format.word_length,
        table_bits=tables * stage.rotation_format.word_length,
        adders=pairs + adders,
        adder_bits=pairs * _pair_width(stage.power_format) + bits,
        adder_depth=depth,
    )


def _kept(kernel):
    """Taps that are left once samples of equal ones are added."""
    symmetric = np.array_equal(kernel, kernel[::-1])
    return (len(kernel) + 1) // 2 if symmetric else len(kernel)


def _pair_width(form):
    return bit_width(2 * form.minimum_integer, 2 * form.maximum_integer)


def _odd_numbers(taps):
    """How many odd numbers above 1 there are among integers."""
    found = {abs(int(tap)) for tap in taps.ravel()}
    return len({tap // (tap & -tap) for tap in found if tap} - {1})


def _graph(kernel, form):
    """The adders of a filter, behind those that add equal taps' samples."""
    num_taps, channels, outputs = kernel.shape
    kept = _kept(kernel)
    paired = np.repeat(np.arange(kept) < num_taps - kept, channels)
    low, high = form.minimum_integer, form.maximum_integer
    return AdderGraph(
        kernel[:kept].reshape(kept * channels, outputs).T,
        [(low * (1 + p), high * (1 + p)) for p in paired],
        [int(p) for p in paired],
    )
