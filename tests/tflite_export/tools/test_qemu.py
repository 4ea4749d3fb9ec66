"""A Cortex-M4 in QEMU."""

import re
import shutil

import pytest

from tflite_export.tools import arm_gcc, qemu
from tflite_export.tools._process import MissingToolError

SUM = """
#include <stdio.h>
static int kept = 5;
static int cleared;
int main(void)
{
    long value;
    while (scanf("%ld", &value) == 1)
        cleared += (int)value;
    printf("%d %d\\n", cleared, kept);
    return cleared == 4 ? 7 : 0;
}
"""
# Two instructions each time.
COUNTED = """
#include <stdint.h>
#include <stdio.h>
#define SYSTICK ((volatile uint32_t *)0xE000E010)
static uint32_t ticks(uint32_t turns)
{
    uint32_t begin = SYSTICK[2];
    __asm__ volatile("1: subs %0, #1\\n bne 1b" : "+l"(turns) : : "cc");
    return (begin - SYSTICK[2]) & 0xFFFFFF;
}
int main(void)
{
    SYSTICK[1] = 0xFFFFFF;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5;
    (void)ticks(1000);
    printf("%lu\\n", (unsigned long)ticks(100000));
    return 0;
}
"""


@pytest.fixture
def build(tmp_path):
    for program, package in (
        ("arm-none-eabi-gcc", arm_gcc.PACKAGE),
        ("qemu-system-arm", qemu.PACKAGE),
    ):
        if shutil.which(program) is None:
            pytest.skip(f"needs apt-get install {package}")
    return lambda text: arm_gcc.build({"main.c": text}, tmp_path)


@pytest.mark.hardware
def test_a_program_reads_its_input_and_tells_its_output(build):
    program = build(SUM)
    assert qemu.run(program, "20 -3\n") == "17 5\n"
    assert qemu.run(program) == "0 5\n"


@pytest.mark.hardware
def test_a_program_that_fails_is_told(build):
    with pytest.raises(RuntimeError, match="exit status"):
        qemu.run(build(SUM), "4\n")


@pytest.mark.hardware
def test_a_program_without_an_end_is_stopped(build):
    program = build("int main(void) { for (;;) ; return 0; }\n")
    with pytest.raises(RuntimeError, match="within 2 s. Received: no end"):
        qemu.run(program, timeout=2)


@pytest.mark.hardware
def test_a_tick_is_40_instructions(build):
    told = qemu.run(build(COUNTED), count_instructions=True)
    (ticks,) = map(int, re.findall(r"\d+", told))
    assert ticks == pytest.approx(100_000 * 2 / 40, abs=3)


def test_a_missing_qemu_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="install qemu-system-arm`"):
        qemu.run(tmp_path / "program.elf")
