import itertools
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import estimators_agreement as exact
from benchmarks import estimators_cases as cases
from benchmarks import estimators_networks as networks
from benchmarks import estimators_rivals as rivals
from benchmarks import results
from keras_bp.ops import node_estimators

ROOT = pathlib.Path(__file__).resolve().parents[2]
SMALL = networks.Sizes(batch=5, pixels=4, units=3)
PLAN = cases.Plan(
    names=("score", "disarm"), rounds=2, seconds_per_round=1e-3, sizes=SMALL
)


def test_every_estimator_of_bits_is_timed():
    timed = {kw["estimator"] for kw in networks.ESTIMATORS.values()}
    # 200 bits cannot be enumerated; surrogate derivatives are those of
    # BinaryNeuron, timed by benchmarks.layers.
    elsewhere = {"enumerate", "arctan", "clipped", "swish", "triangular"}
    assert timed == set(node_estimators("bernoulli")) - elsewhere
    baselines = {kw.get("baseline") for kw in networks.ESTIMATORS.values()}
    assert baselines == {None, "moving_average", "learned", "optimal"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("score", 1), ("rloo", 2), ("disarm", 2), ("rebar", 3), ("gumbel", 1)],
)
def test_evaluations_count_samples_and_what_is_evaluated_again(name, expected):
    assert networks.evaluations(name) == expected


def test_plain_backprop_is_the_same_with_more_evaluations():
    found = []
    models = [networks.plain_network(SMALL, count) for count in (1, 3)]
    models[1].set_weights(models[0].get_weights())
    x = tf.constant(networks.images(SMALL))
    for model in models:
        with tf.GradientTape() as tape:
            loss = sum(tf.reduce_mean(cost) for cost in model(x))
        slopes = tape.gradient(loss, model.trainable_variables)
        found.append([loss.numpy(), *(slope.numpy() for slope in slopes)])
    for one, three in zip(*found, strict=True):
        np.testing.assert_allclose(one, three, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", ["disarm", "vimco"])
def test_a_step_trains(name, jit_compile):
    model = networks.stochastic_network(SMALL, name)
    step = networks.step(model, SMALL, jit_compile)
    before = model.get_layer("encoder").get_weights()[0]
    assert np.isfinite(step())
    assert np.any(model.get_layer("encoder").get_weights()[0] != before)


def test_adam_alone_moves_every_weight():
    model = networks.plain_network(SMALL)
    before = [weight.numpy() for weight in model.trainable_variables]
    networks.update(model, jit_compile=False)()
    for old, new in zip(before, model.trainable_variables, strict=True):
        assert np.all(old != new.numpy())


def _expected(moved, bound):
    """The expected cost, where some of the three vectors are moved."""
    kernel, bias, out, out_bias, prior = (
        x.astype("float64") for x in exact.weights()
    )
    sizes, x = exact.SIZES, exact.image()
    logits = x @ kernel + bias + moved[0]
    bits = np.array(list(itertools.product((0, 1), repeat=sizes.units)))

    def log_p(bits, logits):
        return (np.log1p(np.exp(-logits * (2 * bits - 1))) * -1).sum(-1)

    log_q = log_p(bits, logits)
    likely = (2 * bits - 1) @ out + out_bias + moved[1]
    cost = log_q - log_p(bits, prior + moved[2]) - log_p(x, likely)
    q = np.exp(log_q)
    if not bound:
        return q @ cost
    both = (np.exp(-cost)[:, None] + np.exp(-cost)) / 2
    return q @ -np.log(both) @ q


@pytest.mark.parametrize("bound", [False, True])
def test_the_exact_gradient_is_that_of_the_expected_cost(bound):
    for place, found in enumerate(exact.exact(bound)):
        for index, slope in enumerate(found):
            ends = []
            for side in (1e-5, -1e-5):
                moved = [np.zeros(x.shape) for x in exact.exact()]
                moved[place][index] = side
                ends.append(_expected(moved, bound))
            assert abs((ends[0] - ends[1]) / 2e-5 - slope) < 1e-7


@pytest.mark.parametrize("name", ["disarm", "rloo", "vimco"])
def test_an_unbiased_estimator_agrees(name):
    found = exact.agreement(exact.ours(name, 30), exact.exact(name == "vimco"))
    # Of t with 29 degrees of freedom: 1e-5 on either side of 5.1.
    assert found.z < 5.1
    assert found.distances["decoder"] < 0.02


def test_a_biased_estimator_does_not_agree():
    found = exact.agreement(exact.ours("sigmoid_adjusted", 30), exact.exact())
    assert found.z > 20 and found.distances["encoder"] > 0.1


def test_a_gradient_that_is_twice_as_large_is_off_by_all_of_it():
    rng = np.random.default_rng(0)
    due = exact.exact()
    estimates = [
        [2 * x + rng.normal(0, 0.01, x.shape) for x in due] for _ in range(30)
    ]
    found = exact.agreement(estimates, due)
    assert found.z > 20
    assert all(abs(x - 1) < 0.05 for x in found.distances.values())


@pytest.mark.slow
def test_speed_has_a_row_of_each_mode_and_estimator():
    rows = cases.speed(PLAN, rival=False)
    assert [(row.name, row.metric) for row in rows] == [
        (name, f"step, {mode}")
        for mode in ("graph", "XLA")
        for name in (
            "plain backprop",
            "Adam alone",
            "plain backprop, 2 evaluations",
            "score",
            "disarm",
        )
    ]
    assert all(row.unit == "ms" and 0 < row.low <= row.high for row in rows)


def _times(disarm):
    """Made-up times in ms, with plain backpropagation of 1 and 1.5."""
    names = ("plain backprop", "Adam alone", "score", "disarm")
    found = dict.fromkeys(itertools.product(names, ("graph", "XLA")), [1, 1])
    for mode in ("graph", "XLA"):
        found["plain backprop, 2 evaluations", mode] = [1.5, 1.5]
        found["disarm", mode] = [disarm, disarm]
    return found


@pytest.mark.parametrize(("ms", "verdict"), [(1.79, "pass"), (1.81, "miss")])
def test_the_aim_is_a_fifth_above_the_limit(ms, verdict):
    rows = cases._our_rows(PLAN, [2], "graph", _times(ms))
    row = rows[-1]
    assert row.name == "disarm" and row.aim == "<= 1.80"
    assert "its limit 1.50" in row.against
    assert row.ratio == ms and row.verdict == verdict


def test_rivals_stand_against_their_own_backprop_and_against_us():
    found = _times(1.5) | {
        "PyTorch backprop": [2, 2],
        "PyTorch Adam alone": [1, 1],
        **{rivals.title(name): [3, 3] for name in rivals.METHODS},
    }
    refused = {"disarm": "RuntimeError: no"}
    rows = cases._their_rows(PLAN, refused, found)
    by_name = {(row.name, row.metric): row for row in rows}
    title = rivals.title("score")
    assert by_name[title, "step, eager"].ratio == 1.5
    raised = by_name[rivals.title("disarm"), "steps before it raised"]
    assert raised.value == 0 and raised.against == "RuntimeError: no"
    ours = by_name["score", "step, XLA, against the rival's"]
    assert ours.against == title and ours.verdict == "pass"
    # What raises is not compared.
    assert ("disarm", "step, XLA, against the rival's") not in by_name


def test_what_raises_is_told(monkeypatch):
    class Broken:
        def __init__(self, sizes, name):
            self._name = name

        def step(self):
            if self._name == "disarm":
                raise RuntimeError("shapes\n do not fit")

    monkeypatch.setattr(rivals, "Rival", Broken)
    assert rivals.refusals(SMALL) == {
        "disarm": "RuntimeError: shapes do not fit"
    }


@pytest.mark.slow
def test_the_benchmark_runs_and_writes_its_result(tmp_path):
    path = tmp_path / "estimators.json"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.estimators",
            "--quick",
            f"--out={path}",
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = results.load(path).rows
    for name in ("score", "disarm", "gumbel"):
        assert {row.metric for row in rows if row.name == name} >= {
            "step, graph",
            "step, XLA",
            "largest |z| of the mean estimate",
        }
