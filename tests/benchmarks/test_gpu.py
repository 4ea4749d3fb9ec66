import dataclasses

import keras
import numpy as np
import pytest

from benchmarks import environment, gpu, gpu_backends, gpu_cases
from keras_bp import layers, ops

SIZE = 2**14
CASES = {case.name: case for case in gpu_cases.cases()}


class Eager(gpu_backends.TensorFlow):
    """Compiles nothing, which is quicker for a single call."""

    def plain(self, function):
        return function


@pytest.fixture(scope="module")
def bench():
    return gpu.Bench(Eager(), SIZE, rounds=2)


def test_every_layer_and_op_without_a_tape_is_timed():
    text = " ".join(CASES)
    # A cost is a function of its user's.
    for name in set(layers.__all__) - {"CostNode"}:
        assert name in text
    for name in ops.__all__:
        if name.startswith("proximal") or name == "kerr_rotation":
            assert name in text
    for mode in ("deterministic", "stochastic"):
        for estimator in ops.binary_estimators(mode):
            assert f"BinaryNeuron {mode}, {estimator}" in CASES


@pytest.mark.parametrize(
    ("name", "passes", "dtype", "expected"),
    [
        # Bytes of an entry that comes in, and of one that goes out.
        ("GuidedReLU", "forward", "float32", 4 + 4),
        ("GuidedReLU", "both", "float32", 2 * (4 + 4)),
        ("GuidedReLU", "both", "bfloat16", 2 * (2 + 2)),
        # Float32 goes out, and comes back as the gradient.
        ("FixedPointQuantizer", "both", "bfloat16", 2 * (2 + 4)),
        ("QuantizedFIR real, 31 taps", "forward", "bfloat16", 2 + 4),
        # One phase for four channels.
        ("kerr_rotation", "forward", "float32", 4 + 4 / 4 + 4),
        # Half as many samples as parameters.
        (
            "StochasticNode normal, reparameterized",
            "both",
            "float32",
            2 * (4 + 4 / 2),
        ),
        # Logits, targets, gradients, and one norm for 1,024 of them.
        (
            "proximal_softmax, 1,024 classes",
            "forward",
            "float32",
            3 * 4 + 4 / 1024,
        ),
        # Two signals, and an error for each of 16 frames.
        ("phase_aligned_error", "forward", "float32", 4 + 4 + 16 * 4 / SIZE),
    ],
)
def test_the_bytes_are_those_counted_by_hand(
    bench, name, passes, dtype, expected
):
    _, least = bench.prepare(CASES[name], passes, dtype)
    assert least == expected * SIZE


@pytest.mark.parametrize("name", CASES)
def test_the_bytes_are_those_of_the_arrays(name):
    seen = []

    class Recording(Eager):
        def step(self, layer, arguments, inputs, upstream=None):
            seen.extend(keras.tree.flatten(inputs))
            seen.extend([] if upstream is None else [upstream])
            return super().step(layer, arguments, inputs, upstream)

    bench = gpu.Bench(Recording(), SIZE, rounds=1)
    passes = CASES[name].passes[-1]
    step, least = bench.prepare(CASES[name], passes, "bfloat16")
    count = len(CASES[name].inputs(SIZE))
    output, *gradients = step()
    # Those of weights come last, and are too small to count.
    gradients = gradients[0][:count] if gradients else []
    moved = [*seen, output, *gradients]
    assert all(x is not None for x in moved)
    assert least == sum(np.asarray(x).nbytes for x in moved)
    assert np.isfinite(np.asarray(output, "float32")).all()


def test_bandwidth_and_arithmetic_follow_from_the_time():
    case = dataclasses.replace(CASES["GuidedReLU"], flops=lambda size: 5 * size)
    bench = gpu.Bench(gpu_backends.backend(), SIZE, rounds=2)
    least, made = 16 * SIZE, bench.rows(case, "both", "float32")
    time, bandwidth, arithmetic = made
    assert f"{least / 2**20:.1f} MiB" in time.against
    for row, work in ((bandwidth, least / 1e9), (arithmetic, 15e-12 * SIZE)):
        assert row.low == pytest.approx(1e3 * work / time.high)
        assert row.high == pytest.approx(1e3 * work / time.low)
        assert row.against_value > 0 and row.low <= row.value <= row.high
    assert arithmetic.against_value == np.median(bench.products)
    assert {row.metric for row in made} == {
        f"forward and backward, float32, {quantity}"
        for quantity in ("time", "bandwidth", "arithmetic")
    }
    found = [*bench.limits(), *made]
    found = environment.result("A", "python -m a", [0], 1.0, found, "a chip")
    assert found.machine.endswith(", a chip")


def test_each_case_has_its_rows(bench):
    made = gpu.Parts(bench, 0)(rounds=2)
    expected = 2 * sum(len(case.passes) for case in CASES.values())
    assert len(made) == expected + 1
    filters = [name for name in made if "QuantizedFIR" in name]
    assert len(filters) == 8


def test_a_case_that_fails_is_told_and_leaves_the_others(bench, capsys):
    def broken(policy):
        raise NotImplementedError("no such kernel\nand more")

    case = dataclasses.replace(CASES["GuidedReLU"], make=broken)
    parts = gpu.Parts(bench, 0)
    assert parts.measure("broken", case, "forward", "float32") == []
    expected = "broken: NotImplementedError: no such kernel and more"
    assert parts.failed == [expected]
    assert expected in capsys.readouterr().out


def test_no_case_begins_after_the_time_is_up(bench):
    parts = gpu.Parts(bench, seconds=1e-9)
    assert parts.measure("late", None, "forward", "float32") == []
    assert parts.left_out == ["late"] and not parts.failed


@pytest.mark.parametrize(
    ("failed", "ends"), [([], False), (["a case: its reason"], True)]
)
def test_a_run_with_failures_ends_as_one(failed, ends, monkeypatch, capsys):
    def run(argv, given, parts, *words):
        parts.failed += failed

    monkeypatch.setattr(gpu.benchmark, "run", run)
    given = {"rounds": 1, "size": 1, "seconds": 0, "torch_compile": False}
    if ends:
        with pytest.raises(SystemExit, match="1"):
            gpu.main(["program"], given)
        assert "1 failed:\na case: its reason" in capsys.readouterr().out
    else:
        gpu.main(["program"], given)
