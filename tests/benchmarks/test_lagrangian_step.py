import keras
import numpy as np
import pytest
from keras import layers

from benchmarks import implicit_step_cases
from benchmarks import lagrangian_step as bench
from benchmarks import lagrangian_step_cases as cases
from benchmarks import lagrangian_step_memory as memory

TRANSIENT = cases.Method("transient", 2)
PERSISTENT = cases.Method("persistent", 1, 8)
REPORT = """BufferAssignment:
allocation 0: size 940800, parameter 2, shape |f32[784,300]| at ShapeIndex {}:
 value: <218 arg2.1 @0> (size=940800,offset=0): f32[784,300]{1,0}
allocation 1: size 4, output shape is |f32[]|, maybe-live-out:
allocation 2: size 4096, preallocated-temp:
 value: <3 dot @0> (size=4096,offset=0): f32[32,32]{1,0}
"""


@pytest.fixture
def small(monkeypatch):
    """A case of two small hidden layers, under the name `"small"`."""
    case = implicit_step_cases.Case(
        "small",
        lambda: [
            keras.Input((3,)),
            layers.Dense(4, "tanh"),
            layers.Dense(5, "tanh"),
            layers.Dense(2),
        ],
        (4, 3),
        2,
        None,
    )
    monkeypatch.setitem(cases.CASES, "small", case)
    return case


def test_all_networks_are_timed_in_both_modes_and_measured():
    names = set(bench.parts(1))
    assert names == {
        f"{name} {mode}"
        for name in ("mlp", "conv", "lstm", "depth", "examples")
        for mode in ("graph", "XLA")
    } | {"memory networks", "memory depth", "memory examples"}


def test_products_are_counted_by_hand_for_the_network_of_mnist():
    network = keras.Sequential(cases.CASES["mlp"].make())
    above = 300 * 100 + 100 * 10
    plain = 2 * (784 * 300 + above) + above
    assert cases.expected(network, 0) == 1
    np.testing.assert_allclose(
        cases.expected(network, 10), (plain + 20 * above) / plain
    )


def test_products_of_a_convolution_and_of_time_are_counted_at_each_place():
    network = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(2, 3),
            layers.Reshape((8, 4)),
            layers.LSTM(3, return_sequences=True),
        ]
    )
    first, above = 16 * 9 * 2, 8 * (4 * 12 + 3 * 12)
    plain = 2 * (first + above) + above
    np.testing.assert_allclose(
        cases.expected(network, 1), 1 + 2 * above / plain
    )


def test_each_method_is_timed_against_backpropagation(eager, small):
    rows = cases.rows(small, False, 1, (TRANSIENT, PERSISTENT), 1e-3)
    assert [row.name for row in rows] == [
        "backpropagation",
        "transient, K=2",
        "persistent, K=1",
    ]
    assert rows[0].unit == "ms"
    network = keras.Sequential(small.make())
    for row, steps in zip(rows[1:], (2, 1), strict=True):
        assert row.against_value == cases.expected(network, steps)
        # Without a graph it takes several times as long.
        assert row.unit == "times" and row.value > 1


def test_sizes_of_data_sets_are_timed_against_the_first(eager, small):
    rows = cases.size_rows(small, (8, 16), False, 1, 1e-3)
    assert [row.name.rsplit(", ", 1)[1] for row in rows] == [
        "8 examples",
        "16 examples",
    ]
    assert rows[0].ratio == 1 and rows[1].against_value == rows[0].value


def test_a_step_that_was_not_taken_is_not_timed(eager, small):
    trainer = cases.Trainer(small, TRANSIENT, False, settle=False)
    trainer.check()
    trainer.model.trouble.assign(1)
    with pytest.raises(RuntimeError, match="diverged"):
        trainer.check()


def test_all_rows_of_the_tables_are_visited(eager, small):
    trainer = cases.Trainer(small, PERSISTENT, False, settle=False)
    trainer()
    trainer()
    np.testing.assert_array_equal(trainer.model.tables.count, np.ones(8))


def test_memory_of_a_step_is_that_between_arguments_and_results():
    assert memory.temporary_bytes(REPORT) == 4096


def test_memory_of_steps_is_compared_with_backpropagation(small):
    def measure(keys, methods):
        assert keys == ("small",) and methods == [None, TRANSIENT]
        return [[2**20, 3 * 2**20]]

    (row,) = memory.planned_rows(("small",), (TRANSIENT,), measure)
    assert (row.value, row.against_value, row.ratio) == (3, 1, 3)


def test_memory_of_tables_is_compared_with_what_was_stated(eager, small):
    stated, taken = memory.resident_bytes("small", 8)
    # Values, multipliers and momentum of nine units, and a count.
    assert stated == 8 * 4 * (3 * 9 + 1)
    assert taken > 2**20
    rows = memory.size_rows(
        "small", (8, 16), lambda key, size: (size * 2**20, size * 2**21)
    )
    assert [(row.value, row.ratio) for row in rows] == [(16, 2)]


@pytest.mark.parametrize("key", [*cases.CASES, 2])
def test_the_networks_fit_their_batches(key):
    case = cases.find(key)
    model = keras.Sequential(case.make())
    x, y = next(case.batches())
    assert tuple(x.shape) == case.shape
    assert model.compute_output_shape(x.shape)[-1] == case.units
    assert len(y.shape) == (3 if key == "lstm" else 1)
