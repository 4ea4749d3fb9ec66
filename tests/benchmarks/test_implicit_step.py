import keras
import pytest
from keras import layers

from benchmarks import implicit_step as bench
from benchmarks import implicit_step_cases as cases

SMALL = cases.Case(
    "small",
    lambda: [keras.Input((3,)), layers.Dense(4, "relu"), layers.Dense(2)],
    (4, 3),
    2,
    "<= 100",
)


def test_three_networks_are_timed_in_graph_mode_and_under_xla():
    assert set(bench.parts(1)) == {
        f"{name} {mode}"
        for name in ("mlp", "conv", "lstm")
        for mode in ("graph", "XLA")
    }


def test_each_method_is_timed_against_sgd(eager):
    rows = cases.rows(SMALL, False, 1, 1e-3, ("dual", "truncated"))
    assert [row.name for row in rows] == ["dual", "truncated"]
    assert rows[0].aim == "<= 100" and rows[0].verdict == "pass"
    assert rows[1].aim is None
    assert all(row.against.startswith("SGD") for row in rows)


@pytest.mark.parametrize("name", cases.CASES)
def test_the_networks_fit_their_batches(name):
    case = cases.CASES[name]
    model = keras.Sequential(case.make())
    x, y = next(case.batches())
    assert tuple(x.shape) == case.shape
    assert model.compute_output_shape(x.shape)[-1] == case.units
    assert len(y.shape) == (3 if name == "lstm" else 1)
