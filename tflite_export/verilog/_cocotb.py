"""A test for cocotb, which reads the vectors of the test bench."""

_TEXT = '''"""Test by cocotb 2: the same integers as in the file, pauses or not.

Run it in this folder with `python {name}_cocotb.py`; it needs the Python
package `cocotb` and Icarus Verilog.
"""

import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

FOLDER = Path(__file__).resolve().parent
SOURCES = {sources}
LATENCY = {latency}


def words(name):
    lines = (FOLDER / name).read_text().split()
    return [int(line, 16) for line in lines]


async def reset(dut):
    dut.rst.value = 1
    dut.in_valid.value = 0
    dut.in_data.value = 0
    dut.out_ready.value = 0
{idle}    for _ in range(LATENCY + 2):
        await FallingEdge(dut.clk)
    dut.rst.value = 0


async def exchange(dut, samples, draw):
    """Offers samples and takes results, each where `draw()` is true."""
    results, sent, idle, offered = [], 0, 0, False
    while idle < LATENCY + 40:
        # What is offered stays until it is taken.
        offered = offered or (sent < len(samples) and draw())
        dut.in_valid.value = int(offered)
        if offered:
            dut.in_data.value = samples[sent]
        ready = draw()
        dut.out_ready.value = int(ready)
        await RisingEdge(dut.clk)
        idle += 1
        if offered and int(dut.in_ready.value):
            sent, idle, offered = sent + 1, 0, False
        if ready and int(dut.out_valid.value):
            results.append(int(dut.out_data.value))
            idle = 0
        await FallingEdge(dut.clk)
    return results


async def check(dut, draw):
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    await reset(dut)
    results = await exchange(dut, words("{name}_input.hex"), draw)
    assert results == words("{name}_output.hex")


@cocotb.test()
async def same_integers(dut):
    await check(dut, lambda: True)


@cocotb.test()
async def same_integers_with_pauses(dut):
    generator = random.Random(1)
    await check(dut, lambda: generator.random() < 0.5)


if __name__ == "__main__":
    from cocotb_tools.runner import get_results, get_runner

    runner = get_runner("icarus")
    runner.build(
        sources=[FOLDER / source for source in SOURCES],
        hdl_toplevel="{name}",
        build_dir=FOLDER / "sim_build",
        timescale=("1ns", "1ps"),
    )
    results = runner.test(
        hdl_toplevel="{name}",
        test_module="{name}_cocotb",
        build_dir=FOLDER / "sim_build",
        test_dir=FOLDER,
    )
    _, failed = get_results(results)
    raise SystemExit(failed > 0)
'''

_IDLE = """    dut.tap_write.value = 0
    dut.tap_address.value = 0
    dut.tap_data.value = 0
"""


def cocotb_test(design):
    """The test of a `Design` with a handshake, a string."""
    return _TEXT.format(
        name=design.name,
        sources=list(design.sources),
        latency=design.latency,
        idle=_IDLE if design.tap_resets else "",
    )
