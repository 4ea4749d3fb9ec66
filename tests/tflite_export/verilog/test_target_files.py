import json

import pytest

from tflite_export import ChainSpec
from tflite_export.tools import iverilog
from tflite_export.verilog import target_files, to_verilog


def test_files_and_costs_are_told(make_fir):
    chain = ChainSpec([make_fir()], 2)
    options = {"lanes": 2, "pipeline": "adders", "taps": "programmable"}
    files, told = target_files(chain, name="fir", batch=3, time=50, **options)
    design = to_verilog(chain, "fir", time=50, **options)
    assert files == {name: t.encode() for name, t in design.files.items()}
    assert json.loads(json.dumps(told)) == {
        "top": "fir",
        "sources": ["fir.v", "fir_core.v"],
        "test_bench": "fir_tb.v",
        "latency": design.latency,
        **options,
        **design.counts,
    }
    assert set(design.counts) == {
        "adders",
        "adder_bits",
        "multipliers",
        "register_bits",
    }


def test_long_signals_make_no_long_test_bench(make_fir):
    chain = ChainSpec([make_fir(num_taps=3)], 2)
    files, _ = target_files(chain, name="fir", batch=1, time=10_000)
    assert len(files["fir_input.hex"].splitlines()) == 6 * 256


@pytest.mark.hardware
def test_the_test_bench_of_the_target_passes(make_fir):
    chain = ChainSpec([make_fir(num_taps=3)], 2)
    files, _ = target_files(chain, name="fir", batch=1, time=9, lanes=4)
    # 54 samples fill 13 words of four; the rest is left out.
    assert iverilog.simulate(files, "fir_tb") == "PASS: 13 words\n"


def test_unknown_options_are_refused(make_fir):
    chain = ChainSpec([make_fir()], 2)
    with pytest.raises(TypeError, match="color"):
        target_files(chain, name="fir", batch=1, time=9, color="red")
