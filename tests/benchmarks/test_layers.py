import dataclasses
import pathlib
import subprocess
import sys

import keras
import pytest
import tensorflow as tf

from benchmarks import layers as bench
from benchmarks import layers_cases, results
from benchmarks import layers_networks as networks
from keras_bp import layers

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_every_public_layer_is_timed():
    # The quantizer is timed inside of the filter, the rotation in
    # benchmarks.optics and the nodes of a stochastic graph in
    # benchmarks.estimators, inside of what they are made for.
    timed = {case.name.split()[0] for case in layers_cases.cases()}
    elsewhere = {"FixedPointQuantizer", "KerrRotation"}
    elsewhere |= {"CostNode", "StochasticNode"}
    assert timed == set(layers.__all__) - elsewhere


def test_every_layer_is_timed_alone_and_in_a_train_step():
    for name in {case.name for case in layers_cases.cases()}:
        where = " ".join(
            case.where for case in layers_cases.cases() if case.name == name
        )
        assert "alone" in where
        assert "train step" in where or name == "QuantizedFIR real"


def test_the_recorded_run_holds_every_case():
    recorded = results.load(ROOT / "docs/results/layers.json")
    expected = {
        (case.name, f"{case.where}, {mode}")
        for case in layers_cases.cases()
        for mode in ("graph", "XLA")
    }
    assert {(row.name, row.metric) for row in recorded.rows} == expected


class Slow(keras.layers.Layer):
    """A layer that takes its time."""

    def call(self, x):
        for _ in range(30):
            x = tf.sin(x)
        return x

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_slow_layer_misses_and_a_fast_one_passes(jit_compile):
    case = layers_cases.Case(
        name="Slow",
        where="alone",
        ours=Slow,
        plain=lambda: keras.layers.Activation("sigmoid"),
        against="sigmoid",
        make=layers_cases.alone((256, 1024)),
        floor=keras.layers.Identity,
    )
    row = bench.measure(case, jit_compile, rounds=3)
    assert row.value > 1.5 and row.verdict == "miss"
    assert "an identity" in row.against
    turned = dataclasses.replace(case, ours=case.plain, plain=case.ours)
    row = bench.measure(turned, jit_compile, rounds=3)
    assert row.value < 0.7 and row.verdict == "pass"


@pytest.mark.parametrize("pair", [networks.mlp_pair, networks.cnn_pair])
def test_the_layer_under_test_stands_at_its_place(pair):
    for place, index in (("output", 0), ("rectifier", 0), ("mask", 1)):
        models = pair(place, Slow)
        found = [
            any(isinstance(layer, Slow) for layer in model.layers)
            for model in models
        ]
        assert found == [index == 0, index == 1]


def test_the_pairs_have_the_number_of_weights_of_the_paper():
    for pair, expected in (
        (networks.mlp_pair, 1_472_817),
        (networks.cnn_pair, 530_212),
    ):
        models = pair("output", layers.BinaryNeuron)
        assert expected == sum(
            weight.value.shape.num_elements()
            for model in models
            for weight in model.trainable_weights
        )


@pytest.mark.slow
def test_the_benchmark_runs_and_writes_its_result(tmp_path):
    path = tmp_path / "layers.json"
    arguments = ["--rounds=3", "--only=equalizer", f"--out={path}"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.layers", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = results.load(path).rows
    assert [row.metric for row in rows] == [
        "equalizer train step, graph",
        "equalizer train step, XLA",
    ]
    assert all(0.1 < row.value < 10 for row in rows)
