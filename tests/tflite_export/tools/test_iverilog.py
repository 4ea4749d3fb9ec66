import shutil

import pytest

from tflite_export.tools import _process, iverilog

HELLO = 'module hello;\n  initial $display("hello");\nendmodule\n'


@pytest.fixture
def tool():
    if shutil.which("iverilog") is None:
        pytest.skip("needs the Debian package iverilog")


@pytest.mark.hardware
def test_what_a_module_prints_is_returned(tool):
    assert iverilog.simulate({"a.v": HELLO}, "hello") == "hello\n"


@pytest.mark.hardware
def test_further_sources_and_arguments_are_taken(tool, tmp_path):
    path = tmp_path / "part.v"
    path.write_text(
        'module part;\n  initial if ($test$plusargs("loud")) '
        '$display("loud");\nendmodule\n'
    )
    files = {"a.v": "module a;\n  part part ();\nendmodule\n"}
    for arguments, expected in (((), ""), (["+loud"], "loud\n")):
        found = iverilog.simulate(
            files, "a", sources=[path], arguments=arguments
        )
        assert found == expected


@pytest.mark.hardware
def test_data_lies_in_the_folder_and_is_not_compiled(tool):
    text = (
        "module a;\n  reg [7:0] x [0:0];\n  initial begin\n"
        '    $readmemh("x.hex", x);\n    $display("%0d", x[0]);\n'
        "  end\nendmodule\n"
    )
    assert iverilog.simulate({"a.v": text, "x.hex": b"2a\n"}, "a") == "42\n"


@pytest.mark.hardware
def test_what_does_not_compile_is_told(tool):
    with pytest.raises(RuntimeError, match="syntax error"):
        iverilog.simulate({"a.v": "module a; wire ; endmodule\n"}, "a")


@pytest.mark.hardware
def test_what_does_not_end_is_told(tool):
    text = "module a;\n  reg x = 0;\n  always #1 x = ~x;\nendmodule\n"
    with pytest.raises(RuntimeError, match="to end within"):
        iverilog.simulate({"a.v": text}, "a", timeout=0.5)


@pytest.mark.hardware
def test_warnings_are_returned(tool):
    assert iverilog.lint({"a.v": HELLO}, "hello") == ""
    text = (
        "module b(input x);\nendmodule\nmodule a;\n  b b (.x(z));\nendmodule\n"
    )
    assert "implicit" in iverilog.lint({"a.v": text}, "a")


def test_without_the_program_its_package_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(_process.MissingToolError, match="install iverilog"):
        iverilog.simulate({"a.v": HELLO}, "hello")
