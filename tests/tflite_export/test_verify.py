import numpy as np
import pytest

from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, c, litert, verilog
from tflite_export.tools import MissingToolError
from tflite_export.verify import compare, verify

FORM = FixedPoint(8, 6)
TAPS = np.array([[3, -7], [11, 2], [5, 1]])[:, None, None]
CHAIN = ChainSpec([FIRSpec(TAPS, FORM, FORM, FORM, padding="circular")], 2)
SETTINGS = {"name": "fir", "batch": 2, "time": 32}
TARGETS = {"litert": {}, "c": {}, "verilog": {"lanes": 2}}


def files_of(chain):
    found = {}
    for target, module in (("litert", litert), ("c", c), ("verilog", verilog)):
        options = TARGETS[target]
        found.update(module.target_files(chain, **SETTINGS, **options)[0])
    return found


@pytest.mark.hardware
def test_every_artefact_is_run_and_equal():
    checks = verify(CHAIN, files_of(CHAIN), targets=TARGETS, **SETTINGS)
    assert [check.name for check in checks] == [
        "fir_exact.tflite",
        "fir_fast.tflite",
        "fir_stream.tflite",
        "fir.h",
        "fir.v",
    ]
    for check in checks:
        assert check.reason is None and not check.failed, check.told()
        assert check.samples > 100 and "equal in all" in check.told()


INT8 = {"litert": {"profiles": "int8"}}


def int8_check(chain, made_of):
    """What comes of an int8 model that was made of another chain."""
    files, _ = litert.target_files(made_of, **SETTINGS, **INT8["litert"])
    (check,) = verify(chain, files, targets=INT8, **SETTINGS)
    assert check.name == "fir_int8.tflite" and not check.exact
    return check


def test_int8_promises_a_ratio_and_says_so():
    form = FixedPoint(12, 10)
    chain = ChainSpec([FIRSpec(TAPS, FORM, form, form, "circular")], 2)
    check = int8_check(chain, chain)
    assert not check.failed and check.differing > 100
    assert 30 < check.least_snr < check.snr < 45
    assert "dB; no equality is promised" in check.told()
    # The formats of CHAIN fit into int8; still, nothing is promised.
    check = int8_check(CHAIN, CHAIN)
    assert not check.failed and "no equality is promised" in check.told()


def test_an_int8_model_without_its_largest_tap_fails():
    other = TAPS.copy()
    other[1, 0, 0, 0] = 0
    wrong = ChainSpec([FIRSpec(other, FORM, FORM, FORM, padding="circular")], 2)
    check = int8_check(CHAIN, wrong)
    assert check.failed and check.snr < 10
    assert "an SNR of" in check.told() and "differ" in check.told()


@pytest.mark.parametrize("kind", ["random", "full_scale"])
def test_int8_is_run_on_what_it_was_made_for(kind):
    form = FixedPoint(15, 14)
    chain = ChainSpec([FIRSpec(TAPS, FORM, form, form, "circular")], 2)
    targets = {"litert": {"profiles": "int8", "calibration": kind}}
    files, told = litert.target_files(chain, **SETTINGS, **targets["litert"])
    (check,) = verify(chain, files, targets=targets, **SETTINGS)
    (found,) = told["models"].values()
    assert round(check.snr, 2) == found["snr_db"] and not check.failed


@pytest.mark.hardware
@pytest.mark.parametrize("target", TARGETS)
def test_a_flipped_tap_in_one_artefact_is_seen(target):
    other = TAPS.copy()
    other[1, 0, 0, 0] ^= 1
    wrong = ChainSpec([FIRSpec(other, FORM, FORM, FORM, padding="circular")], 2)
    targets = {target: TARGETS[target]}
    checks = verify(CHAIN, files_of(wrong), targets=targets, **SETTINGS)
    assert checks and all(check.differing for check in checks)
    assert all("numbers differ, SNR" in check.told() for check in checks)


def test_a_missing_tool_is_told(monkeypatch):
    def fail(*args, **kwargs):
        raise MissingToolError("install gcc")

    monkeypatch.setattr(c, "run", fail)
    files = {"fir.h": c.to_header(CHAIN, "fir").encode()}
    (check,) = verify(CHAIN, files, targets={"c": {}}, **SETTINGS)
    assert check.told() == "not run: install gcc" and not check.failed


def test_an_output_of_another_length_is_all_wrong():
    check = compare("x", np.zeros(3), np.zeros(4))
    assert check.differing == 4 and check.failed
    assert not compare("x", [1], [2], exact=False).failed
    assert not compare("x", [1], [1]).failed
