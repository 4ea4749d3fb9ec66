import dataclasses

from benchmarks import backprop_q as bench
from benchmarks import backprop_q_cases as cases

TINY = cases.Chain(nodes=2, units=2, hidden=3, batch=4, seconds_per_round=0.0)


def test_modes_and_growth_are_timed_in_both_modes():
    assert set(bench.parts(1)) == {
        f"{what} {mode}"
        for what in ("modes", "nodes", "costs")
        for mode in ("graph", "XLA")
    }


def test_each_mode_is_timed_against_rloo(eager):
    rows = cases.mode_rows(TINY, False, 1)
    assert [row.name for row in rows] == [
        f"Backprop-Q, {mode}" for mode in cases.MODES
    ]
    assert all("RLOO of two samples" in row.against for row in rows)
    assert all(row.value > 0 for row in rows)


def test_growth_is_told_of_both_against_the_smallest(eager):
    rows = cases.growth_rows(TINY, "costs", (1, 2), False, 1)
    assert [row.name for row in rows] == [
        "RLOO, 2 costs",
        "Backprop-Q, 2 costs",
    ]


def test_a_chain_has_as_many_nodes_and_heads_as_it_says():
    chain = dataclasses.replace(TINY, nodes=3, costs=2)
    model = chain.model("advantage")
    assert len(model.critics.plans) == 3
    assert all(len(p.sources) == 2 for p in model.critics.plans.values())
    assert chain.model(cases.RLOO).unbiased
