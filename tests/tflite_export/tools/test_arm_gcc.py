"""Programs for a Cortex-M4."""

import shutil

import pytest

from tflite_export.tools import arm_gcc
from tflite_export.tools._process import MissingToolError

UNIT = "int sum(int, int);\nint sum(int a, int b) { return a + b; }\n"


@pytest.fixture
def need_arm_gcc():
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip(f"needs apt-get install {arm_gcc.PACKAGE}")


@pytest.mark.hardware
def test_the_size_of_an_object_is_that_of_its_code(need_arm_gcc, tmp_path):
    path = arm_gcc.build_object(UNIT, tmp_path)
    # An addition and a return, of two bytes each.
    assert arm_gcc.size(path) == {"text": 4, "data": 0, "bss": 0}
    table = UNIT + "int table[25];\nint one = 1;\n"
    found = arm_gcc.size(arm_gcc.build_object(table, tmp_path))
    assert found == {"text": 4, "data": 4, "bss": 100}


@pytest.mark.hardware
def test_a_warning_is_an_error(need_arm_gcc, tmp_path):
    with pytest.raises(RuntimeError, match="unused parameter"):
        arm_gcc.build_object("void f(int x);\nvoid f(int x) {}\n", tmp_path)
    with pytest.raises(RuntimeError, match="undefined reference"):
        arm_gcc.build({"main.c": UNIT}, tmp_path)


def test_a_missing_compiler_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for call in (
        lambda: arm_gcc.build({}, tmp_path),
        lambda: arm_gcc.build_object(UNIT, tmp_path),
    ):
        with pytest.raises(MissingToolError, match="libnewlib-arm-none-eabi"):
            call()
    with pytest.raises(MissingToolError, match="binutils-arm-none-eabi"):
        arm_gcc.size(tmp_path)
