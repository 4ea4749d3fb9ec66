import keras
import pytest
from keras import layers

from benchmarks import implicit_step_cases
from benchmarks import local_rules as bench
from benchmarks import local_rules_cases as cases


@pytest.fixture
def small(monkeypatch):
    """A case of two small hidden layers, under the name `"small"`."""
    case = implicit_step_cases.Case(
        "small",
        lambda: [
            keras.Input((5,)),
            layers.Dense(4, "tanh"),
            layers.Dense(3, "tanh"),
            layers.Dense(2),
        ],
        (4, 5),
        2,
        None,
    )
    monkeypatch.setitem(cases.CASES, "small", case)
    return case


def test_all_networks_are_timed_in_both_modes_and_measured():
    assert set(bench.parts(1)) == {
        f"{name} {part}"
        for name in ("mlp", "conv")
        for part in ("graph", "XLA", "memory")
    }


def test_each_rule_is_timed_against_a_plain_model(eager, small):
    rows = cases.rows(small, False, 1, seconds_per_round=1e-3)
    assert [row.name for row in rows] == [cases.BACKPROP, *cases.RULES]
    assert "lagrangian" in cases.RULES
    assert [row.unit for row in rows] == ["ms"] + ["times"] * len(cases.RULES)
    assert all(row.value > 0 for row in rows)


def test_memory_is_that_of_the_plan_and_of_what_is_kept(eager, small):
    def measure(key, names):
        assert (key, names) == ("small", [cases.BACKPROP, rule])
        return [2**20, 3 * 2**20]

    rule = "feedback_alignment"
    rows = {
        (row.name, row.metric): row
        for row in cases.memory_rows("small", (rule,), measure)
    }
    assert rows[rule, "planned memory, small"].ratio == 3
    kept = rows[rule, "variables, small"]
    weights = 4 * (5 * 4 + 4 + 4 * 3 + 3 + 3 * 2 + 2)
    feedback = 4 * (4 * 3 + 3 * 2)
    assert kept.against_value * 2**20 == weights
    assert kept.value * 2**20 == weights + feedback
