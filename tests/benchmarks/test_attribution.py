import keras
import numpy as np
import pytest
from keras import layers
from map_packages import doubled, ours, stand_in

from benchmarks import attribution as bench
from benchmarks import attribution_cases as cases
from benchmarks import attribution_memory as memory

RULE = "guided"
TARGET = np.array([0, 1, 2, 0])


def _lacking(model, rule):
    raise NotImplementedError("It has no such rule")


@pytest.fixture
def tiny(monkeypatch):
    """A network of one convolution, under the name `"tiny"`."""

    def make(weights, input_shape, classifier_activation):
        return keras.Sequential(
            [
                keras.Input(input_shape),
                layers.Conv2D(3, 3, activation="relu"),
                layers.GlobalAveragePooling2D(),
                layers.Dense(20, activation=classifier_activation),
            ],
            name="tiny",
        )

    monkeypatch.setitem(cases.NETWORKS, "tiny", make)
    return cases.Case("tiny", 6, 2, rules=(RULE,))


def test_networks_are_timed_in_both_modes_and_batches_and_measured():
    expected = {
        f"{network} {part}"
        for network in ("VGG-16", "ResNet-50")
        for part in (
            "batch 1 graph",
            "batch 16 graph",
            "batch 1 XLA",
            "batch 16 XLA",
            "memory graph",
            "memory XLA",
        )
    } | {"coverage"}
    assert set(bench.parts(1)) == expected
    assert set(bench.parts(1, packages=["Xplique"])) == expected
    assert set(bench.parts(1, packages=["Captum"])) - expected == {"agreement"}


def test_maps_are_timed_against_a_gradient_and_another_package(
    tiny, monkeypatch
):
    stand_in(monkeypatch, ours)
    rows = cases.timed_rows(tiny, 1, ["other"])
    assert [(row.name, row.metric.split(", tiny")[0]) for row in rows] == [
        ("plain gradient", "time per image"),
        ("Attributor, guided", "time by that of a plain gradient"),
        ("other 1.0, guided", "time per image"),
        ("Attributor, guided", "time by that of other 1.0"),
        ("plain gradient", "first call"),
        ("Attributor, guided", "first call"),
        ("other 1.0, guided", "first call"),
    ]
    assert [row.aim for row in rows[:4]] == [None, "<= 1.15", None, "<= 1.00"]
    assert all(row.metric.endswith("6 x 6, batch 2, graph") for row in rows)
    assert all(row.value > 0 for row in rows)


def test_a_package_without_a_rule_has_no_row(tiny, monkeypatch, capsys):
    stand_in(monkeypatch, _lacking)
    rows = cases.timed_rows(tiny, 1, ["other"])
    assert not any(row.name.startswith("other") for row in rows)
    assert "It has no such rule; it has no row." in capsys.readouterr().out


def test_other_maps_are_not_timed(tiny, monkeypatch):
    stand_in(monkeypatch, doubled)
    with pytest.raises(RuntimeError, match="other 1.0, guided, are off by 1.0"):
        cases.timed_rows(tiny, 1, ["other"])


def test_nothing_else_is_timed_under_xla(tiny):
    compiled = cases.Case("tiny", 6, 2, True, (RULE,))
    found = cases.makers(compiled, compiled.model(), ["Xplique", "Captum"])
    assert list(found) == [
        ("plain gradient", "saliency"),
        ("Attributor", RULE),
    ]


def test_the_planned_memory_of_maps_is_by_that_of_a_gradient(tiny):
    rows = memory.planned_rows(
        tiny, (1, 16), lambda case, batches: [(2**20, 2**21), (2**21, 2**21)]
    )
    assert [row.ratio for row in rows] == [2, 1]
    assert [row.verdict for row in rows] == ["miss", "pass"]
    assert "batch 16" in rows[1].metric


def test_the_peak_of_memory_is_by_a_gradient_and_other_packages(
    tiny, monkeypatch
):
    stand_in(monkeypatch, _lacking)
    taken = {"plain gradient": 2**30, "Attributor": 2**29, "other": 2**28}
    seen = {method: [0, 2 * middle, middle] for method, middle in taken.items()}
    rows = memory.resident_rows(
        tiny, ["other"], lambda _, method: seen[method].pop(0)
    )
    assert (rows[0].low, rows[0].high) == (0, 2048)
    assert [(row.name, row.value, row.ratio) for row in rows] == [
        ("plain gradient", 1024, None),
        ("Attributor, guided", 512, 0.5),
        ("other 1.0, guided", 256, 0.25),
        ("Attributor, guided", 512, 2),
    ]
    assert [row.verdict for row in rows] == ["info", "pass", "info", "miss"]


@pytest.mark.skipif(
    not memory._RESET.exists(), reason="The peak is known on Linux only"
)
def test_the_peak_holds_what_is_freed_again(tiny, monkeypatch):
    def greedy(x, target):
        return lambda: np.ones(2**24).sum()

    monkeypatch.setattr(
        cases, "makers", lambda *_: {("Attributor", RULE): lambda: greedy}
    )
    found = memory._run(tiny, "Attributor", [])
    assert 0.95 * 2**27 < found < 1.5 * 2**27
