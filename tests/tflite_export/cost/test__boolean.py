"""Functions of liberty files."""

import itertools

import pytest

from tflite_export.cost._boolean import Boolean

FUNCTIONS = [
    ("A B'", lambda a, b, c: a and not b),
    ("!(A+B)*C", lambda a, b, c: not (a or b) and c),
    ("A^B C", lambda a, b, c: (a != b) and c),
    ("A & B | !C", lambda a, b, c: (a and b) or not c),
    ("(A B)+(B C)+(C A)", lambda a, b, c: a + b + c >= 2),
    ("!(A^B)'^C", lambda a, b, c: (a != b) != c),
    ("A + 0", lambda a, b, c: a),
    ("(A * 1)'", lambda a, b, c: not a),
]


@pytest.mark.parametrize("text, expected", FUNCTIONS)
def test_a_function_is_that_of_its_text(text, expected):
    function = Boolean(text)
    for values in itertools.product((0, 1), repeat=3):
        found = function(dict(zip("ABC", values, strict=True))) & 1
        assert found == bool(expected(*values)), values


@pytest.mark.parametrize("text, expected", FUNCTIONS)
def test_its_verilog_reads_the_same(text, expected):
    # Python's operators on bits are those of Verilog.
    code = Boolean(text).verilog().replace("1'b", "")
    for values in itertools.product((0, 1), repeat=3):
        found = eval(code, dict(zip("ABC", values, strict=True))) & 1
        assert found == bool(expected(*values)), values


def test_a_table_keeps_the_names_that_count():
    function = Boolean("(A S) + (B !S)")
    assert function.table() == (("A", "B", "S"), 0b10101100)
    assert function.table({"S": 0}) == (("B",), 0b10)
    assert function.table({"A": 1, "B": 1}) == ((), 1)
    assert function.table({"B": 1, "S": 1, "A": 0}) == ((), 0)
    assert Boolean("0").table() == ((), 0)


@pytest.mark.parametrize("text", ["", "A +", "(A", "A)", "A ? B", "!", "+A"])
def test_what_is_no_function_is_refused(text):
    with pytest.raises(ValueError, match="expects a function of names"):
        Boolean(text)
