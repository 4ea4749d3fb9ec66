"""Netlists as yosys writes them."""

import json

import pytest

from tflite_export.cost import Netlist


def write(path, **modules):
    path.write_text(json.dumps({"modules": modules}))
    return path


def module(top="1"):
    return {
        "attributes": {"top": top},
        "ports": {
            "x": {"direction": "input", "bits": [2, 3]},
            "y": {"direction": "output", "bits": [4, "1", "x"]},
        },
        "cells": {
            "a": {"type": "NAND2",
                  "connections": {"A": [2], "B": [3], "Y": [4]}},
            "b": {"type": "INV", "connections": {"A": ["0"], "Y": []}},
        },
        "netnames": {
            "x": {"bits": [2, 3]}, "y": {"bits": [4, "1", "x"]},
            "inner": {"bits": [4]},
        },
    }  # fmt: skip


def test_ports_cells_and_names_are_read(tmp_path, small):
    found = Netlist.from_json(write(tmp_path / "n.json", t=module()))
    assert found.top == "t" and found.num_nets == 5
    assert found.inputs == {"x": [2, 3]}
    # What is undefined is 0.
    assert found.outputs == {"y": [4, 1, 0]}
    assert found.net_names == ("0", "1", "x[0]", "x[1]", "inner")
    assert found.instances[0].pins == {"A": 2, "B": 3, "Y": 4}
    assert found.instances[1].pins == {"A": 0}
    assert found.counts == {"INV": 1, "NAND2": 1}
    assert found.area(small) == 3.5 and found.registers(small) == 0


def test_the_top_is_found_among_several(tmp_path):
    empty = {**module("0"), "cells": {}}
    path = write(tmp_path / "n.json", a=module(), b=module("0"))
    assert Netlist.from_json(path).top == "a"
    assert Netlist.from_json(path, "b").top == "b"
    path = write(tmp_path / "n.json", a=empty, b=module("0"))
    assert Netlist.from_json(path).top == "b"


def test_a_missing_top_is_refused(tmp_path):
    path = write(tmp_path / "n.json", a=module("0"), b=module("0"))
    with pytest.raises(ValueError, match="one module at the top"):
        Netlist.from_json(path)
    with pytest.raises(ValueError, match="expects a module 'c'"):
        Netlist.from_json(path, "c")
