"""One quantized backpropagation of three steps on every target."""

import dataclasses
import importlib

import numpy as np
import pytest

from keras_bp.optics import FiberLink, LearnedDBP, simulate
from tflite_export import ChainSpec, FIRSpec, Stream, c, cost, litert, verilog
from tflite_export.tools import MissingToolError

TARGETS = ("litert", "gcc", "clang", "arm", "verilog", "gates")


@pytest.fixture(scope="module")
def backpropagation():
    """The model, its chain, and received samples as integers."""
    link = FiberLink.isit(num_spans=3)
    real = LearnedDBP(link, num_taps=5, method="taylor2")
    real.build((None, 128, 2))
    model = real.copied(formats=real.formats_for(5, 8), input_gain=0.85)
    model.choose_scales()
    samples = simulate(link, 1, 64, steps_per_span=4, verbose=0)[0]
    return model, ChainSpec.from_layer(model), samples


def library():
    """The cells, or a skip where `make hardware` has not fetched them."""
    try:
        return cost.default_liberty()
    except FileNotFoundError as error:
        pytest.skip(str(error))


def computed(target, chain, signal):
    """A periodic signal through a target, as `ChainSpec.run` gives it."""
    if target == "litert":
        model = litert.to_flatbuffer(chain, time=signal.shape[1])
        return litert.run(model, signal)
    if target in c.COMPILERS:
        return c.run(chain, signal, target, whole=True)
    longer, kept = c.extend_signal(chain, signal)
    design = verilog.to_verilog(chain, lanes=2, pipeline="adders")
    longer = longer[:, : longer.shape[1] // 2 * 2 + 2]
    if longer.shape[1] % 2:
        longer = np.concatenate([longer, longer[:, -1:]], axis=1)
    return verilog.run(design, longer)[:, kept]


@pytest.mark.slow
@pytest.mark.hardware
@pytest.mark.parametrize("target", TARGETS)
def test_every_target_computes_what_the_layers_do(backpropagation, target):
    model, chain, samples = backpropagation
    signal = chain.quantize(samples)
    step = chain.output_format.step * np.float32(model.output_gain)
    integers = np.rint(model.compensate(samples) / step).astype("int64")
    np.testing.assert_array_equal(chain.run(signal), integers)
    try:
        if target == "gates":
            liberty = library()
            longer = np.concatenate([signal, signal], axis=1)
            # It raises where a netlist differs from the integers.
            found = cost.report(
                chain,
                liberty,
                signal=longer[0],
                pipeline="adders",
                fpga=None,
            )
            assert len(found.steps) == 3 and found.total["area"] > 0
            return
        found = computed(target, chain, signal)
    except MissingToolError as error:
        pytest.skip(str(error))
    np.testing.assert_array_equal(found, integers)


@pytest.mark.slow
@pytest.mark.hardware
@pytest.mark.parametrize("target", TARGETS)
def test_one_flipped_bit_of_one_tap_is_seen(
    backpropagation, target, monkeypatch
):
    _, chain, samples = backpropagation
    signal = chain.quantize(samples)
    wrong = flipped(chain)
    try:
        if target == "gates":
            # The gates of the one, the integers of the other.
            steps = iter(cost.split_steps(chain))
            # The function hides the module of its name.
            module = importlib.import_module("tflite_export.cost.report")
            monkeypatch.setattr(
                module, "Stream", lambda step: Stream(next(steps))
            )
            longer = np.concatenate([signal, signal], axis=1)
            with pytest.raises(RuntimeError, match="another output"):
                cost.report(wrong, library(), signal=longer[0], fpga=None)
            return
        found = computed(target, wrong, signal)
    except MissingToolError as error:
        pytest.skip(str(error))
    assert np.any(found != chain.run(signal))


def flipped(chain):
    """The least bit of the middle tap of the first filter."""
    first = chain.stages[0]
    taps = first.taps.copy()
    taps[len(taps) // 2, 0, 0, 0] ^= 1
    stages = [dataclasses.replace(first, taps=taps), *chain.stages[1:]]
    assert isinstance(first, FIRSpec)
    return dataclasses.replace(chain, stages=stages)
