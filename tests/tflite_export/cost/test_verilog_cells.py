"""Models of cells."""

import pytest

from tflite_export.cost import verilog_cells


def test_gates_wait_and_registers_do_not(small):
    text = verilog_cells(small, ["NAND2", "DFF", "NAND2"], 1)
    assert text.count("module NAND2 (A, B, Y);") == 1
    assert "assign #1 Y = (~(A & B));" in text
    assert "assign Q = IQ;" in text and "posedge rising or" in text
    assert "#" not in verilog_cells(small, ["NAND2"])


def test_latches_are_refused(small):
    with pytest.raises(ValueError, match="'LATCH'"):
        verilog_cells(small, ["LATCH"])
