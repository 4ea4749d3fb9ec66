import shutil

import pytest

from tflite_export.tools import _process, verilator

GOOD = """module good (input wire [3:0] x, output wire [3:0] y);
  assign y = ~x;
endmodule
"""


@pytest.fixture
def tool():
    if shutil.which("verilator") is None:
        pytest.skip("needs the Debian package verilator")


@pytest.mark.hardware
def test_what_is_clean_passes(tool):
    assert verilator.lint({"good.v": GOOD, "x.hex": "0\n"}, "good") is None


@pytest.mark.hardware
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("y = ~x", "y = {1'b0, x}", "WIDTH"),
        ("y = ~x", "y = 4'd1", "UNUSED"),
        ("module good", "module other", "other"),
        ("endmodule", "", "syntax error"),
        # A word of SystemVerilog.
        ("wire [3:0] y", "logic [3:0] y", "logic"),
    ],
)
def test_what_is_doubtful_is_told(tool, old, new, words):
    files = {"good.v": GOOD.replace(old, new)}
    with pytest.raises(RuntimeError, match=words):
        verilator.lint(files, "good")


def test_without_the_program_its_package_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(_process.MissingToolError, match="install verilator"):
        verilator.lint({"good.v": GOOD}, "good")
