"""Libraries of cells to test with, and what runs a netlist elsewhere."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, KerrSpec
from tflite_export.cost import Liberty, default_liberty

# Round numbers, so that energies can be computed by hand.
_SMALL = """
library (small) {
  /* a } in a comment */
  time_unit : "1ns";
  voltage_unit : "1V";
  leakage_power_unit : "1uW";
  capacitive_load_unit (10, ff);
  nom_voltage : 7.0;
  operating_conditions (hot) { voltage : 5.0; }
  operating_conditions (typical) { voltage : 2.0; }
  default_operating_conditions : typical;
  wire_load (none_of_these) { capacitance : 7; slope : 7; }
  wire_load (some) {
    capacitance : 0.1;
    slope : 2;
    fanout_length (1, 3);
    fanout_length (3, 9);
  }
  default_wire_load : "some";
  power_lut_template (grid) {
    variable_1 : total_output_net_capacitance;
    variable_2 : input_transition_time;
    index_1 ("0, 2");
    index_2 ("0, 1");
  }
  power_lut_template (row) {
    variable_1 : input_transition_time;
    index_1 ("0, 1");
  }
  cell (INV) {
    area : 1.5; cell_leakage_power : 0.25;
    pin (A) { direction : input; capacitance : 1; }
    pin (Y) {
      direction : output; function : "A'";
      internal_power () {
        related_pin : "A";
        rise_power (grid) { values ("1, 3", "5, 7"); }
        fall_power (grid) { values ("0, 0", \\
                                    "0, 0"); }
      }
    }
  }
  cell ("NAND2") {
    area : 2; leakage_power () { value : 1; } leakage_power () { value : 2; }
    pin (A, B) { direction : input; capacitance : 2; }
    pin (Y) { direction : output; function : "!(A B)"; }
  }
  cell (XOR2) {
    area : 3;
    pin (A) { direction : input; capacitance : 1; }
    pin (B) { direction : input; capacitance : 1; }
    pin (Y) { direction : output; function : "A^B"; }
  }
  cell (MUX2) {
    area : 4;
    pin (A, B, S) { direction : input; capacitance : 1; }
    pin (Y) { direction : output; function : "(S A) + (S' B)"; }
  }
  cell (ONE) { area : 1; pin (Y) { direction : output; function : "1"; } }
  cell (DFF) {
    area : 8; cell_leakage_power : 4;
    ff (IQ, IQN) { clocked_on : "CLK"; next_state : "D"; clear : "R"; }
    pin (CLK) {
      direction : input; capacitance : 3; clock : true;
      internal_power () {
        rise_power (row) { index_1 ("0, 2"); values ("10, 30"); }
        fall_power (row) { values ("0, 0"); }
      }
    }
    pin (D) { direction : input; capacitance : 1; }
    pin (R) { direction : input; capacitance : 1; }
    pin (Q) { direction : output; function : "IQ"; }
    pin (QN) { direction : output; function : "IQN"; }
  }
  cell (LATCH) {
    latch (IQ, IQN) { enable : "G"; data_in : "D"; }
    pin (G) { direction : input; } pin (D) { direction : input; }
    pin (Q) { direction : output; function : "IQ"; }
  }
}
"""


@pytest.fixture(scope="session")
def small_text():
    return _SMALL


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("liberty") / "small.lib"
    path.write_text(_SMALL)
    return Liberty(path)


@pytest.fixture(scope="session")
def osu018():
    try:
        return default_liberty()
    except FileNotFoundError:
        pytest.skip("needs the cells of qflow-tech-osu018: make hardware")


@pytest.fixture(scope="session")
def sky130():
    path = Path(os.environ.get("KERAS_BP_DATA", "")) / "sky130hd_tt.lib.gz"
    if not path.is_file():
        pytest.skip("needs sky130hd_tt.lib.gz in the folder KERAS_BP_DATA")
    return Liberty(path)


@pytest.fixture
def need():
    """Skips where a program is missing; called with it and its package."""

    def check(program, package):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}: apt-get install {package}")

    return check


@pytest.fixture(scope="session")
def make_fir():
    """Makes a filter of random taps."""

    def make(num_taps=3, bits=4, complex=True, symmetric=True, **options):
        rng = np.random.default_rng(num_taps)
        limit = 2 ** (bits - 1)
        shape = (num_taps, 1, 1, 2) if complex else (num_taps, 1, 1)
        taps = rng.integers(-limit, limit, shape)
        if symmetric:
            half = taps[: (num_taps + 1) // 2]
            taps = np.concatenate([half, half[: num_taps // 2][::-1]])
        form = FixedPoint(options.pop("signal_bits", 6), 4)
        return FIRSpec(
            taps,
            FixedPoint(bits, bits - 1),
            form,
            options.pop("output", form),
            complex=complex,
            padding="causal",
        )

    return make


@pytest.fixture(scope="session")
def make_kerr():
    """Makes a rotation of few bits."""

    def make(method="taylor2", taps=1):
        signal, phase = FixedPoint(6, 4), FixedPoint(6, 6, signed=False)
        tables = {}
        if method == "lut":
            theta = np.arange(16) / 16
            tables = {
                "lut_bits": 4,
                "cosines": np.rint(np.cos(theta) * 16).astype("int64"),
                "sines": np.rint(np.sin(theta) * 16).astype("int64"),
            }
        return KerrSpec(
            np.full(taps, 11),
            signal,
            FixedPoint(6, 3, signed=False),
            FixedPoint(5, 6, signed=False),
            phase,
            FixedPoint(6, 4),
            signal,
            method=method,
            **tables,
        )

    return make


@pytest.fixture(scope="session")
def make_chain():
    def make(*stages, channels=2):
        return ChainSpec(stages, channels)

    return make
