import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import backdrop as bench
from benchmarks import backdrop_cases as cases
from benchmarks import backdrop_work as work
from keras_bp.layers import BackdropMask
from keras_bp.surgery._compact_backdrop import CompactBackdrop

CONV = cases.Setting(
    "conv", 10, (2, 3), (6, 6, 1), rate=0.8, seconds_per_round=1e-3
)
MLP = dataclasses.replace(CONV, name="mlp", widths=(5, 4), shape=(6,))
each_setting = pytest.mark.parametrize("setting", [CONV, MLP])


def test_masks_and_both_networks_are_timed_in_graph_mode_and_under_xla():
    expected = {"masks graph", "masks XLA"}
    for name in ("conv", "mlp"):
        expected |= {
            f"{name} compact {part}"
            for part in ("graph", "XLA", "gradients", "work")
        }
    assert set(bench.parts(1)) == expected


def test_networks_are_those_of_the_claim():
    assert (cases.CONV.batch, cases.CONV.shape) == (256, (32, 32, 3))
    kernels = [w.shape for w in cases.MLP.model().trainable_weights[::2]]
    assert kernels == [(784, 1024), (1024, 1024), (1024, 1)]
    assert cases.CONV.rate == cases.MLP.rate == 0.9


def test_the_loss_counts_pairs_in_the_wrong_order():
    scores = tf.constant([[90.0], [0.0], [-50.0], [50.0], [130.0]])
    # Of six pairs, the pairs (90, 130), (0, 50) and (0, 130).
    found = cases.pair_loss(scores, 2)
    np.testing.assert_allclose(found, 3 / 6, atol=1e-6)


@each_setting
def test_the_pair_differs_in_the_mask_alone(setting):
    whole, compact = cases.compact_pair(setting)
    (mask,) = [x for x in whole.layers if isinstance(x, BackdropMask)]
    assert whole.layers.index(mask) == len(whole.layers) - 2
    trunk, head = compact.layers
    assert isinstance(trunk, CompactBackdrop) and head is whole.layers[-1]
    assert trunk.rate == mask.initial_rate == 0.8
    x = setting.batch_of_data()
    np.testing.assert_array_equal(whole(x), compact(x))


def test_a_timing_gives_the_speed(eager):
    row = cases.compact_row(MLP, False, 1)
    assert row.value > 0 and row.unit == "times" and row.aim == ">= 2.00"
    assert "batch 10, graph" in row.metric


def test_a_step_trains_trunk_and_head(eager):
    _, compact = cases.compact_pair(CONV)
    before = [w.numpy() for w in compact.trainable_weights]
    cases.step_of(compact, False, CONV)()
    for weight, old in zip(
        compact.trainable_weights[:-1], before[:-1], strict=True
    ):
        assert np.any(weight.numpy() != old)


@each_setting
def test_gradients_are_compared_under_one_mask(setting, eager):
    setting = dataclasses.replace(setting, dtype="float64")
    row = cases.difference_row(setting, "<= 1e-12")
    assert row.verdict == "pass" and "float64" in row.metric


def test_other_survivors_would_show(eager, monkeypatch):
    setting = dataclasses.replace(MLP, dtype="float64")
    right = CompactBackdrop.survivors

    def other(layer, n):
        rows, factor = right(layer, n)
        return (rows + 1) % n, factor

    taken = [right, other]
    monkeypatch.setattr(
        CompactBackdrop,
        "survivors",
        lambda layer, n: taken.pop()(layer, n),
    )
    row = cases.difference_row(setting, "<= 1e-12")
    assert row.verdict == "miss" and row.value > 0.01


def test_multiplications_are_those_of_the_layers():
    first, second = 6 * 6 * 9 * 2, 3 * 3 * 18 * 3
    forward = first + second + 3
    # Of the first layer no gradient by its inputs is asked.
    backward = first + 2 * second + 2 * 3
    whole, compact = (
        work.multiplications(
            cases.gradients_of(model, CONV), CONV.batch_of_data()
        )
        for model in cases.compact_pair(CONV)
    )
    assert whole == (10 * forward, 10 * backward)
    # Two survive; of the head nothing is saved.
    trunk = first + second
    assert compact == (
        10 * forward + 2 * trunk,
        2 * (backward - 6) + 10 * 6,
    )


def test_work_is_set_against_that_of_the_mask_alone(monkeypatch):
    monkeypatch.setattr(work, "planned_bytes", lambda function, data: 2**20)
    rows = work.work_rows(MLP)
    assert [row.metric.split(",")[0] for row in rows] == [
        "multiplications of a step",
        "multiplications of the backward pass",
        "peak memory planned by XLA",
    ]
    assert rows[0].ratio < 1 and rows[1].ratio < 0.5
    assert rows[2].value == 1.0


def test_the_plan_of_xla_is_read():
    x = tf.zeros((64, 64))
    found = work.planned_bytes(lambda x: tf.reduce_sum(x @ x), x)
    assert found >= 4 * 64 * 64


def test_a_mask_is_timed_beside_dropout_and_nothing(eager):
    rows = cases.mask_rows(CONV, False, 1)
    assert [(row.name, row.metric.split(",")[0]) for row in rows] == [
        ("BackdropMask sample", "step beside Dropout"),
        ("BackdropMask sample", "step beside no mask"),
        ("BackdropMask spatial", "step beside Dropout"),
        ("BackdropMask spatial", "step beside no mask"),
    ]
    for mask, kind in (("spatial", BackdropMask), ("none", object)):
        layer = cases.masked_model(CONV, mask).layers[1]
        assert isinstance(layer, kind)
        assert getattr(layer, "granularity", "spatial") == "spatial"
