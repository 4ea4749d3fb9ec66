import numpy as np
import pytest
import tensorflow as tf

from benchmarks import spectral as bench
from benchmarks import spectral_cases as cases
from benchmarks import spectral_growth as growth
from benchmarks import spectral_matfree as matfree
from benchmarks import spectral_memory as memory
from benchmarks.lagrangian_step_memory import elsewhere

SMALL = cases.Case(8, 2, 2)


def test_each_size_is_timed_and_measured():
    names = set(bench.parts(1))
    for size in (32, 64):
        for latents in (32, 128, 512):
            for part in ("time value", "time gradient", "memory"):
                assert f"{part} {size} {latents}" in names
    assert "agreement 32 128" in names and "matfree 32 32" in names
    for name in ("value n", "gradient m", "memory n"):
        assert f"growth {name}" in names
    assert not any("matfree" in name for name in bench.parts(1, False))


def test_generators_are_those_of_the_claim():
    for size, outputs in ((32, 3072), (64, 12288)):
        case = cases.Case(size, 32)
        model = case.model()
        assert model.output_shape == (None, size, size, 3)
        assert case.outputs == outputs and case.data().shape == (4, 32)
    assert cases.Case(32, 32).rival == cases.AT_ONCE
    assert cases.Case(64, 32).rival == cases.LOOPED


def test_all_ways_agree(eager):
    found = [
        cases.function_of(method, SMALL, True)()
        for method in (cases.OURS, cases.AT_ONCE)
    ]
    (value, slopes), (expected, others) = found
    assert float(value) == pytest.approx(float(expected), rel=1e-4)
    for x, y in zip(slopes, others, strict=True):
        assert (x is None) == (y is None)
        if x is not None:
            np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-3)
    looped = cases.function_of(cases.LOOPED, SMALL, False)()
    assert float(looped) == pytest.approx(float(expected), rel=1e-4)


def test_times_are_set_against_tensorflow_and_the_floor(eager):
    floor, speed = cases.timed_rows(SMALL, False, 1)
    assert floor.against == cases.FLOOR and floor.unit == "ms"
    assert speed.against.startswith(cases.AT_ONCE) and speed.value > 0
    assert speed.aim is None and "8 x 8 x 3, 2 latents" in speed.metric
    (alone,) = cases.timed_rows(SMALL, False, 1, rivals=False)
    assert alone.metric == floor.metric


def test_growth_is_the_power_between_two_cases(monkeypatch):
    def compare(functions, rounds):
        # Theirs are linear in both; ours square in latents.
        powers = {cases.OURS: 2, cases.FLOOR: 1, "product": 1}
        return {
            (name, case): [case.latents ** powers[name] * case.outputs] * rounds
            for name, case in functions
        }

    monkeypatch.setattr(growth.timing, "compare", compare)
    chosen = [cases.Case(8, 2), cases.Case(8, 8), cases.Case(16, 8)]
    latents, outputs, *shares = growth.time_rows(chosen, False, 2)
    assert latents.value == pytest.approx(2) and latents.verdict == "pass"
    assert "latents, time, value, 2 to 8, 8 pixels" in latents.metric
    assert outputs.value == pytest.approx(1) and outputs.verdict == "pass"
    # Half the latents, by the two parts; the first case is told elsewhere.
    assert [row.value for row in shares] == [4, 4]
    rows = growth.memory_rows(
        chosen, lambda name, case, gradient, chunk: case.latents**1.2
    )
    assert [row.verdict for row in rows] == ["miss", "pass"]
    assert rows[0].value == pytest.approx(1.2)


def test_no_row_of_growth_is_told_twice(monkeypatch):
    monkeypatch.setattr(
        growth.timing,
        "compare",
        lambda functions, rounds: {key: [1.0] * rounds for key in functions},
    )
    for owner, name in (
        (growth.cases, "function_of"),
        (growth.cases, "waited"),
        (growth, "product_of"),
    ):
        monkeypatch.setattr(owner, name, lambda *_: None)
    monkeypatch.setattr(growth.memory, "peak_elsewhere", lambda *_: 1.0)
    rows = [row for part in growth.parts(2).values() for row in part()]
    told = [(row.name, row.metric) for row in rows]
    assert len(told) == len(set(told)) > 10


def test_what_growth_is_set_against_is_the_product(eager):
    case = cases.Case(8, 3, 2)
    assert growth.product_of(case)().shape == (2, 3, 3)


def test_aims_are_those_of_the_claim():
    assert cases.AIMS == {
        (32, False): 26,
        (32, True): 47,
        (128, False): 10,
        (128, True): 19,
    }


def test_the_floor_is_a_pass_for_each_latent(eager):
    model = SMALL.model()
    found = cases.value_of(cases.FLOOR, model)(SMALL.data())
    expected = tf.reduce_mean(model(SMALL.data()))
    assert float(found) == pytest.approx(float(expected), rel=1e-4, abs=1e-7)


def test_a_difference_would_show(eager, monkeypatch):
    rows = cases.agreement_rows(SMALL)
    assert [row.verdict for row in rows] == ["pass", "pass"]
    right = cases.value_of

    def wrong(method, model, chunk=None):
        factor = 1.01 if method == cases.OURS else 1.0
        return lambda z: factor * right(method, model, chunk)(z)

    monkeypatch.setattr(cases, "value_of", wrong)
    rows = cases.agreement_rows(SMALL)
    assert [row.verdict for row in rows] == ["miss", "miss"]


def test_memory_is_set_against_that_of_tensorflow():
    def measure(method, case, gradient, chunk=None):
        assert gradient
        size = {(cases.AT_ONCE, None): 8, (cases.OURS, None): 2}
        return 2**20 * size.get((method, chunk), 1)

    rows = memory.memory_rows(SMALL, 1, measure=measure)
    assert [(row.name, row.value, row.ratio) for row in rows] == [
        (cases.OURS, 2, 0.25),
        (f"{cases.OURS}, chunk=1", 1, 0.125),
    ]


@pytest.mark.slow
def test_a_peak_is_not_below_what_is_held():
    # The peak of a process that has done other things says nothing.
    case = cases.Case(8, 40, 64)
    found = elsewhere(memory.peak_bytes, cases.OURS, case, False)
    assert found >= 4 * 64 * 40 * 192


def test_matfree_is_left_out_with_a_word(monkeypatch, capsys):
    monkeypatch.setattr(matfree.importlib.util, "find_spec", lambda name: None)
    assert not matfree.is_installed()
    assert "jax and matfree not installed" in capsys.readouterr().out


def test_errors_are_made_equal_by_the_number_of_probes():
    times = {
        matfree.MATFREE: [1.0, 1.0],
        "exact": [0.1, 0.1],
        "slq": [0.5, 0.5],
    }
    deviations = {matfree.MATFREE: 2.0, "slq": 1.0}
    exact, slq = matfree._rows(SMALL, "value", times, deviations, (20, 20))
    assert exact.value == pytest.approx(10) and slq.value == pytest.approx(8)
    assert "error of 2 nats" in exact.against


def test_errors_of_gradients_are_their_own(eager):
    model, z = SMALL.model(), SMALL.data()
    values, slopes = (
        function
        for function in matfree._own(SMALL, model, 2, 2, jit_compile=None)
    )
    expected, exact = cases.function_of(cases.OURS, SMALL, True)()
    exact = matfree._flat(matfree.filled(exact, model))
    assert matfree.error_of(slopes, exact, 2) > 0
    assert len(exact) == model.count_params()
    assert matfree.error_of(lambda seed: exact + seed, exact, 2) == (
        pytest.approx(0.5**0.5, rel=1e-5)
    )
    assert values(0).shape == (len(z),) and np.isfinite(expected)
    times = {matfree.MATFREE: [1.0], "exact": [0.1], "slq": [0.5]}
    rows = matfree._rows(
        SMALL,
        "value and gradient",
        times,
        {matfree.MATFREE: 1.0, "slq": 2.0},
        (2, 2),
    )
    assert rows[1].value == pytest.approx(0.5)
    assert "in the entries of the gradient" in rows[0].against


def test_the_generator_in_jax_is_the_same():
    pytest.importorskip("matfree")
    model, z = SMALL.model(), SMALL.data().numpy()
    weights = [np.asarray(w) for w in model.get_weights()]
    found = matfree.forward(weights, z[0], 1)
    np.testing.assert_allclose(found, np.ravel(model(z)[0]), atol=1e-6)
