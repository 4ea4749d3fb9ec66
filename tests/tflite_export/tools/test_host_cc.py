"""Programs for this machine."""

import ctypes
import shutil

import pytest

from tflite_export.tools import host_cc
from tflite_export.tools._process import MissingToolError

TWICE = """
#include <stdio.h>
#include "twice.h"
int main(void)
{
    int value;
    while (scanf("%d", &value) == 1)
        printf("%d\\n", twice(value));
    return 0;
}
"""
HEADER = "static int twice(int value) { return 2 * value; }\n"


@pytest.fixture(params=host_cc.COMPILERS)
def compiler(request):
    if shutil.which(request.param) is None:
        pytest.skip(f"needs apt-get install {request.param}")
    return request.param


@pytest.mark.hardware
def test_a_program_reads_its_input_and_tells_its_output(compiler, tmp_path):
    sources = {"main.c": TWICE, "twice.h": HEADER}
    program = host_cc.build(sources, tmp_path, compiler=compiler)
    assert program == tmp_path / "program"
    assert host_cc.run(program, "1 -7\n") == "2\n-14\n"


@pytest.mark.hardware
def test_a_library_is_loaded(compiler, tmp_path):
    text = "int thrice(int);\nint thrice(int value) { return 3 * value; }\n"
    library = host_cc.build(
        {"unit.c": text},
        tmp_path,
        compiler=compiler,
        flags=("-shared", "-fPIC"),
        output="unit.so",
    )
    assert ctypes.CDLL(str(library)).thrice(5) == 15


@pytest.mark.hardware
def test_a_warning_is_an_error(compiler, tmp_path):
    text = "int main(void) { int unused; return 0; }\n"
    with pytest.raises(RuntimeError, match="unused variable"):
        host_cc.build({"main.c": text}, tmp_path, compiler=compiler)


@pytest.mark.hardware
def test_a_program_that_fails_is_told(compiler, tmp_path):
    text = "int main(void) { return 3; }\n"
    program = host_cc.build({"main.c": text}, tmp_path, compiler=compiler)
    with pytest.raises(RuntimeError, match="exit status 3"):
        host_cc.run(program)


def test_other_compilers_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="`compiler` to be one of"):
        host_cc.build({}, tmp_path, compiler="tcc")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="apt-get install clang`"):
        host_cc.build({}, tmp_path, compiler="clang")
