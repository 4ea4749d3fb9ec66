import dataclasses
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from keras_bp.optics import FiberLink, LearnedDBP
from tflite_export import ChainSpec, FIRSpec, RoundSpec, Stream
from tflite_export.tools import iverilog, verilator
from tflite_export.verilog import Design, run, to_verilog

FACTORS = {
    "num_taps": (3, 5, 8, 31),
    "complex": (True, False),
    "symmetric": (True, False),
    "tap_bits": (4, 6, 8, 12),
    "signal_bits": (6, 10, 16),
    "rounding": ("nearest", "nearest_even", "truncate", "toward_zero"),
    "overflow": ("saturate", "saturate_symmetric", "wrap"),
    "lanes": (1, 2, 4),
    "pipeline": ("none", "adders", 3),
    "taps": ("constant", "programmable"),
    "stalls": (True, False),
    "signals": (1, 2),
}


def pairwise(factors):
    """Few rows in which each two values of two factors meet."""
    rng = np.random.default_rng(1)
    sizes = [len(values) for values in factors.values()]
    left = {
        (a, b): np.ones((sizes[a], sizes[b]), bool)
        for a, b in itertools.combinations(range(len(sizes)), 2)
    }
    rows = []
    while any(pairs.any() for pairs in left.values()):
        drawn = np.stack([rng.integers(size, size=99) for size in sizes])
        # All have one pair that is still missing, so that there is an end.
        (a, b), pairs = next(each for each in left.items() if each[1].any())
        drawn[[a, b]] = np.argwhere(pairs)[0][:, None]
        new = sum(pairs[drawn[a], drawn[b]] for (a, b), pairs in left.items())
        row = drawn[:, new.argmax()]
        for (a, b), pairs in left.items():
            pairs[row[a], row[b]] = False
        rows.append(
            {n: v[k] for (n, v), k in zip(factors.items(), row, strict=True)}
        )
    return rows


ROWS = pairwise(FACTORS)


def check(design, signal, expected, **options):
    """It is free of warnings, and computes what the reference does."""
    verilator.lint(design.hardware, design.top)
    assert iverilog.lint(design.hardware, design.top) == ""
    found = run(design, signal, **options)
    np.testing.assert_array_equal(found, expected)


def test_the_rows_are_few_and_hold_all_pairs():
    assert 16 <= len(ROWS) <= 40
    seen = {
        pair for row in ROWS for pair in itertools.combinations(row.items(), 2)
    }
    counts = [len(values) for values in FACTORS.values()]
    assert len(seen) == sum(a * b for a, b in itertools.combinations(counts, 2))


@pytest.mark.hardware
@pytest.mark.parametrize("index", range(len(ROWS)))
def test_a_filter_in_hardware_equals_the_stream(index, make_fir, all_kinds):
    row = dict(ROWS[index])
    layout = {name: row.pop(name) for name in ("lanes", "pipeline", "taps")}
    stalls, signals = row.pop("stalls"), row.pop("signals")
    fir = make_fir(**row, seed=index)
    chain = ChainSpec([fir], signals * (2 if fir.complex else 1))
    check(to_verilog(chain, "dut", **layout), *all_kinds(chain), stalls=stalls)


@pytest.mark.hardware
@pytest.mark.parametrize("method", ["taylor2", "taylor3", "lut"])
@pytest.mark.parametrize(
    ("channels", "coefficients", "layout"),
    [
        (2, [389], {"pipeline": "adders"}),
        (4, [100, 200, 100], {"lanes": 2}),
        (4, [20, 100, 200, 100, 20], {"lanes": 4, "pipeline": 3}),
    ],
)
def test_a_step_of_one_or_two_polarizations_equals_the_stream(
    method, channels, coefficients, layout, make_fir, make_kerr, all_kinds
):
    fir = make_fir(seed=5, output_format=FixedPoint(10, 7))
    kerr = make_kerr(fir.output_format, method, coefficients)
    chain = ChainSpec([fir, kerr], channels)
    check(to_verilog(chain, "dut", **layout), *all_kinds(chain), stalls=True)


@pytest.mark.hardware
def test_a_learned_model_of_three_steps_equals_the_stream(all_kinds):
    link = FiberLink.isit(num_spans=3, polarizations=2)
    real = LearnedDBP(link, num_taps=5, method="taylor2")
    real.build((None, 64, 4))
    formats = real.formats_for(6, 10)
    model = real.copied(formats=formats, method="taylor2", input_gain=0.85)
    model.choose_scales()
    chain = ChainSpec.from_layer(model)
    design = to_verilog(chain, "dbp", lanes=2, pipeline=2)
    assert design.sources[2:] == tuple(f"dbp_step{k}.v" for k in range(3))
    check(design, *all_kinds(chain), stalls=True)


@pytest.mark.hardware
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("overflow", ["saturate", "saturate_symmetric", "wrap"])
@pytest.mark.parametrize("shift", [-2, 0, 1, 3, 30])
def test_a_change_of_format_equals_the_stream(
    signed, overflow, shift, all_kinds
):
    rounding = ("nearest", "nearest_even", "toward_zero")[shift % 3]
    before = FixedPoint(8, 4, signed=signed)
    after = FixedPoint(6, 4 - shift, rounding=rounding, overflow=overflow)
    other = dataclasses.replace(
        before, rounding="nearest_even", overflow="saturate"
    )
    chain = ChainSpec([RoundSpec(before, after), RoundSpec(after, other)], 1)
    check(to_verilog(chain, "dut"), *all_kinds(chain))


@pytest.mark.hardware
@pytest.mark.parametrize("taps", ["constant", "programmable"])
@pytest.mark.parametrize("complex", [True, False])
def test_many_inputs_and_outputs_equal_the_stream(taps, complex, all_kinds):
    form, each = FixedPoint(8, 6), 2 if complex else 1
    shape = (4, 2, 3, 2) if complex else (4, 2, 3)
    kernel = np.random.default_rng(2).integers(-8, 8, shape)
    fir = FIRSpec(kernel, form, form, form, "causal", complex=complex)
    chain = ChainSpec([fir, RoundSpec(form, FixedPoint(4, 2))], 2 * each)
    check(to_verilog(chain, "dut", taps=taps), *all_kinds(chain))


@pytest.mark.hardware
def test_taps_that_are_all_zero_give_zeros(make_fir, all_kinds):
    fir = make_fir()
    fir = dataclasses.replace(fir, taps=0 * fir.taps)
    chain = ChainSpec([fir], 2)
    for handshake in (True, False):
        design = to_verilog(chain, "dut", handshake=handshake)
        check(design, *all_kinds(chain))


@pytest.mark.hardware
@pytest.mark.parametrize("lanes", [1, 2, 4])
@pytest.mark.parametrize("pipeline", ["none", "adders", 2])
def test_the_core_alone_takes_a_sample_in_every_clock(
    lanes, pipeline, make_fir, make_kerr, all_kinds
):
    fir = make_fir(output_format=FixedPoint(10, 7))
    kerr = make_kerr(fir.output_format, "taylor3", [50, 100, 50])
    chain = ChainSpec([fir, kerr, fir], 2)
    design = to_verilog(
        chain, "dut", lanes=lanes, pipeline=pipeline, handshake=False
    )
    assert "in_valid" not in design.ports and design.top == "dut_core"
    # The bench takes results after so many clocks as `latency` says.
    check(design, *all_kinds(chain))


@pytest.mark.hardware
@pytest.mark.parametrize("pipeline", ["none", "adders", 2])
def test_the_latency_is_that_of_the_hardware(pipeline, make_fir, make_kerr):
    fir = make_fir(output_format=FixedPoint(10, 7))
    chain = ChainSpec([fir, make_kerr(fir.output_format), fir], 2)
    design = to_verilog(chain, "dut", pipeline=pipeline)
    bench = """module bench;
  reg clk = 0, rst = 1, in_valid = 0;
  wire in_ready, out_valid;
  wire [19:0] out_data;
  integer clocks = 0;
  dut dut (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready),
    .in_data(20'd0), .out_valid(out_valid), .out_ready(1'b1),
    .out_data(out_data));
  initial begin
    repeat (6) #5 clk = ~clk;
    rst = 0;
    in_valid = 1;
    while (!out_valid) begin
      #5 clk = 1;
      #5 clk = 0;
      clocks = clocks + 1;
    end
    $display("%0d", clocks);
  end
endmodule
"""
    files = {**design.hardware, "bench.v": bench}
    assert int(iverilog.simulate(files, "bench")) == design.latency


@pytest.mark.hardware
@pytest.mark.parametrize("complex", [True, False])
def test_written_taps_take_the_place_of_those_of_the_reset(
    complex, make_fir, all_kinds
):
    first, second = (
        make_fir(num_taps=7, complex=complex, seed=seed) for seed in (1, 2)
    )
    chains = [ChainSpec([fir, fir], 2) for fir in (first, second)]
    designs = [to_verilog(c, "dut", taps="programmable") for c in chains]
    assert len(designs[0].tap_resets) == 2 * first.taps[:4].size
    signal, expected = all_kinds(chains[1])
    writes = list(enumerate(designs[1].tap_resets))
    found = run(designs[0], signal, writes=writes, stalls=True)
    np.testing.assert_array_equal(found, expected)
    assert np.any(run(designs[0], signal, writes=writes[:-1]) != expected)


def with_flipped_tap(design, chain):
    """The design with the hardware of a chain one tap of which differs."""
    taps = chain.stages[0].taps.copy()
    taps[1] ^= 1
    fir = dataclasses.replace(chain.stages[0], taps=taps)
    wrong = to_verilog(ChainSpec([fir], chain.channels), design.name)
    return dataclasses.replace(design, files={**design.files, **wrong.hardware})


@pytest.mark.hardware
def test_a_flipped_tap_is_seen_by_the_comparison(make_fir, all_kinds):
    chain = ChainSpec([make_fir(symmetric=False)], 2)
    design = with_flipped_tap(to_verilog(chain, "dut"), chain)
    signal, expected = all_kinds(chain)
    assert np.any(run(design, signal) != expected)


@pytest.mark.hardware
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lanes": 4, "pipeline": "adders"},
        {"taps": "programmable", "pipeline": 3},
        {"handshake": False},
    ],
)
def test_the_test_bench_passes_and_sees_a_flipped_tap(options, make_fir):
    chain = ChainSpec([make_fir(symmetric=False)], 2)
    design = to_verilog(chain, "dut", time=20, **options)
    assert iverilog.lint(design.files, "dut_tb") == ""
    told = iverilog.simulate(design.files, "dut_tb")
    assert told == f"PASS: {20 * 6 // design.lanes} words\n"
    if not options:
        wrong = with_flipped_tap(design, chain)
        told = iverilog.simulate(wrong.files, "dut_tb")
        assert told.startswith("FAIL: ") and told.endswith(" mismatches\n")


@pytest.mark.hardware
def test_the_test_bench_sees_a_result_that_does_not_wait(make_fir):
    design = to_verilog(ChainSpec([make_fir()], 2), "dut", time=20)
    hasty = design.files["dut.v"].replace("out_ready | ~out_valid", "1'b1")
    told = iverilog.simulate({**design.files, "dut.v": hasty}, "dut_tb")
    assert told.startswith("FAIL")


@pytest.mark.hardware
def test_the_cocotb_test_passes_and_sees_a_flipped_tap(make_fir, tmp_path):
    pytest.importorskip("cocotb")
    # As in a shell: under pytest, cocotb has exit codes of its own.
    env = {k: v for k, v in os.environ.items() if "PYTEST" not in k}
    chain = ChainSpec([make_fir(symmetric=False)], 2)
    design = to_verilog(chain, "dut", pipeline="adders", time=20)
    for told, each in enumerate([design, with_flipped_tap(design, chain)]):
        folder = tmp_path / str(told)
        folder.mkdir()
        for name, text in each.files.items():
            (folder / name).write_text(text)
        done = subprocess.run(
            [sys.executable, "dut_cocotb.py"],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == told, done.stdout[-2000:]


def test_names_files_and_ports_are_told(make_fir):
    chain = ChainSpec([make_fir(), make_fir()], 4)
    design = to_verilog(chain, "two", lanes=3, taps="programmable")
    assert isinstance(design, Design)
    assert design.sources == (
        "two.v",
        "two_core.v",
        "two_step0.v",
        "two_step1.v",
    )
    assert set(design.files) - set(design.sources) == {
        "two_tb.v",
        "two_input.hex",
        "two_output.hex",
        "two_cocotb.py",
    }
    assert (design.top, design.core) == ("two", "two_core")
    assert design.ports["in_data"] == ("input", 3 * 4 * 10)
    assert design.ports["out_ready"] == ("input", 1)
    # Of 5 complex taps, 3 differ.
    assert design.ports["tap_address"] == ("input", 4)
    assert design.core_ports["en"] == ("input", 1)
    assert design.counts["multipliers"] == 3 * 2 * 2 * 3 * 4
    assert design.latency == 2


def test_each_module_is_in_the_file_of_its_name(make_fir, make_kerr):
    fir = make_fir(output_format=FixedPoint(10, 7))
    kerr = make_kerr(fir.output_format, "lut")
    design = to_verilog(ChainSpec([fir, kerr, fir], 2), "some")
    for name in design.sources:
        assert f"\nmodule {name[:-2]} (" in design.files[name]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "Filter"}, "identifier"),
        ({"name": "table"}, "no keyword"),
        ({"lanes": 0}, "`lanes` to be 1"),
        ({"pipeline": 0}, "`pipeline` to be 1"),
        ({"pipeline": "all"}, "`pipeline` to be one of"),
        ({"taps": "trained"}, "`taps` to be one of"),
        ({"time": 0}, "`time` to be 1"),
    ],
)
def test_wrong_arguments_are_refused(options, words, make_fir):
    with pytest.raises(ValueError, match=words):
        to_verilog(ChainSpec([make_fir()], 2), **options)


def test_more_lanes_than_samples_get_more_samples(make_fir):
    fir = make_fir(1, complex=False, tap_bits=4)
    design = to_verilog(ChainSpec([fir], 1), lanes=8, time=1)
    assert len(design.files["filter_input.hex"].splitlines()) == 1


def test_what_is_no_chain_is_refused(make_fir):
    with pytest.raises(TypeError, match=r"ChainSpec\. Received: .*FIRSpec"):
        to_verilog(make_fir())


def test_strides_are_refused_with_their_stage(make_fir):
    fir = make_fir()
    chain = ChainSpec(
        [
            fir,
            dataclasses.replace(
                fir, strides=2, signal_format=fir.output_format
            ),
        ],
        2,
    )
    with pytest.raises(ValueError, match="stage 1 with strides=2"):
        to_verilog(chain)


def test_equal_chains_give_equal_text(make_fir):
    chain = ChainSpec([make_fir(num_taps=9)], 2)
    assert to_verilog(chain).files == to_verilog(chain).files
    assert Stream(chain).process(np.zeros((1, 3, 2), int)).sum() == 0
