import pytest

from tflite_export import ChainSpec
from tflite_export.verilog._netlist import Netlist
from tflite_export.verilog._options import Options
from tflite_export.verilog._schedule import needed, schedule
from tflite_export.verilog._stages import TapRegisters, build


def netlist(make_fir, make_kerr, registers):
    net, fir = Netlist(), make_fir(num_taps=7)
    kerr = make_kerr(fir.output_format, "taylor3", [10, 50, 10])
    signals = [net.input(10 * c, -512, 511) for c in range(2)]
    for stage in ChainSpec([fir, kerr], 2).stages:
        signals = build(net, stage, signals, registers)
    net.outputs = signals
    return net


@pytest.mark.parametrize("levels", [1, 2, 3, 5])
@pytest.mark.parametrize("programmable", [True, False])
def test_no_more_adders_follow_each_other_than_allowed(
    levels, programmable, make_fir, make_kerr
):
    registers = TapRegisters() if programmable else None
    net = netlist(make_fir, make_kerr, registers)
    stages = schedule(net, Options("x", pipeline=levels))
    depth, deepest = {}, 0
    for signal in needed(net):
        if signal.static:
            continue
        ahead = [arg for arg in signal.args if not arg.static]
        assert all(stages[arg] <= stages[signal] for arg in ahead)
        before = [
            depth[arg]
            for arg in ahead
            if stages[arg] == stages[signal] and signal.op != "delay"
        ]
        depth[signal] = max(before, default=0) + signal.cost
        # What cannot be split stands alone.
        allowed = max(levels, signal.cost)
        assert signal.cost == 0 or depth[signal] <= allowed
        deepest = max(deepest, depth[signal])
    assert deepest >= levels


def test_without_pipeline_there_is_one_stage(make_fir, make_kerr):
    net = netlist(make_fir, make_kerr, None)
    assert set(schedule(net, Options("x")).values()) == {0}


def test_a_delay_ends_a_path_where_it_is_a_register():
    net = Netlist()
    x = net.input(0, -8, 7)
    sums = net.add(x, x)
    late = net.add(net.delay(sums, 2), x)
    net.outputs = [late]
    for lanes, stage in ((1, 0), (2, 0), (3, 1)):
        found = schedule(net, Options("x", lanes=lanes, pipeline=1))
        assert found[late] == stage
