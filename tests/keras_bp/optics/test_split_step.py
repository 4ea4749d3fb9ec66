import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from keras_bp.optics import FiberLink, split_step
from keras_bp.optics._split_step_parts import step_edges

RNG = np.random.default_rng(0)
# ps, ps^2/km, 1/(W km); dispersion length 5 km.
WIDTH, BETA_2, GAMMA = 10.0, -20.0, 1.3
DISPERSION_LENGTH = WIDTH**2 / abs(BETA_2)
SOLITON_POWER = abs(BETA_2) / (GAMMA * WIDTH**2)


def noise(*shape, scale=0.05, dtype="complex128"):
    return tf.constant(scale * (RNG.normal(size=(*shape, 2)) @ [1, 1j]), dtype)


def lossless(length, **changes):
    there = {"beta_2": BETA_2, "gamma": GAMMA, "attenuation": 0.0}
    return FiberLink(span_length=length, **(there | changes))


def times(num_samples, sample_rate):
    """ps around 0, at a rate in GHz."""
    return (np.arange(num_samples) - num_samples // 2) / sample_rate * 1e3


def relative(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def test_a_soliton_keeps_its_shape_to_second_order():
    link = lossless(np.pi / 2 * DISPERSION_LENGTH)
    u = SOLITON_POWER**0.5 / np.cosh(times(1024, 400) / WIDTH)
    errors = []
    for steps in (50, 100, 200):
        out = split_step(
            u[None, None] + 0j, link, steps, sample_rate=400.0, rule="constant"
        )
        errors.append(relative(out[0, 0], u * np.exp(1j * np.pi / 4)))
    assert 1.0e-4 < errors[0] < 1.2e-4
    ratios = np.divide(errors[:-1], errors[1:])
    np.testing.assert_allclose(ratios, 4.0, rtol=0.002)


def test_a_soliton_of_second_order_comes_back_after_one_period():
    link = lossless(np.pi / 2 * DISPERSION_LENGTH)
    u = 2 * SOLITON_POWER**0.5 / np.cosh(times(2048, 1600) / WIDTH)
    half = dataclasses.replace(link, span_length=link.span_length / 2)
    run = tf.function(
        lambda u: split_step(u, half, 2000, sample_rate=1600.0),
        jit_compile=True,
    )
    middle = run(tf.constant(u[None, None] + 0j))
    out = run(middle)
    assert relative(np.abs(out[0, 0]), u) < 1e-5
    assert relative(np.abs(middle[0, 0]), u) > 0.5


@pytest.mark.parametrize("steps", [1, 7])
def test_a_gaussian_pulse_broadens_by_its_closed_form(steps):
    length, beta_2, width = 80.0, -21.683, 25.0
    link = lossless(length, gamma=0.0, beta_2=beta_2)
    t = times(4096, 800)
    u = np.exp(-(t**2) / (2 * width**2))
    out = split_step(u[None, None] + 0j, link, steps, sample_rate=800.0)
    # The sign of the convention exp(+j w t).
    spread = width**2 - 1j * beta_2 * length
    wanted = width / np.sqrt(spread) * np.exp(-(t**2) / (2 * spread))
    np.testing.assert_allclose(out[0, 0], wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", ["constant", "logarithmic"])
@pytest.mark.parametrize("split", ["symmetric", "asymmetric"])
def test_without_dispersion_the_phase_is_that_of_the_effective_length(
    rule, split
):
    link = FiberLink(beta_2=0.0)
    u = noise(2, 1, 64)
    out = split_step(u, link, 3, rule=rule, split=split)
    phase = link.gamma * np.abs(u) ** 2 * link.effective_length
    wanted = u * np.exp(1j * phase) * 10 ** (-link.span_gain / 20)
    assert round(link.effective_length, 3) == 21.169
    np.testing.assert_allclose(out, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", ["constant", "logarithmic"])
@pytest.mark.parametrize("split", ["symmetric", "asymmetric"])
@pytest.mark.parametrize("polarizations", [1, 2])
def test_the_inverse_undoes_every_step(rule, split, polarizations):
    link = FiberLink(gamma=5.0, polarizations=polarizations)
    u = noise(2, polarizations, 128)
    arguments = {"rule": rule, "split": split}
    out = split_step(u, link, 9, **arguments)
    back = split_step(out, link, 9, inverse=True, **arguments)
    assert relative(back.numpy(), u.numpy()) < 1e-12
    turned = np.angle(out * np.conj(u))
    assert np.abs(turned).max() > 0.1


def test_one_polarization_of_two_sees_eight_ninths_of_gamma():
    two = FiberLink(gamma=1.8, polarizations=2)
    one = FiberLink(gamma=1.8 * 8 / 9)
    u = noise(1, 1, 128)
    alone = split_step(u, one, 5)
    both = split_step(tf.concat([u, 0 * u], axis=1), two, 5)
    np.testing.assert_allclose(both[:, :1], alone, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(both[:, 1], 0)
    # A rotation of the polarizations commutes with the fiber.
    c, s = np.cos(0.7), np.sin(0.7)
    turned = split_step(tf.concat([c * u, s * u], axis=1), two, 5)
    wanted = np.concatenate([c * alone, s * alone], axis=1)
    np.testing.assert_allclose(turned, wanted, rtol=0, atol=1e-15)


def test_two_polarizations_follow_an_independent_manakov_solver():
    link = FiberLink(gamma=30.0, polarizations=2, span_length=1.0)
    u = noise(1, 2, 64, scale=0.2).numpy()[0]
    wanted = u
    rate = link.symbol_rate * link.simulation_samples_per_symbol
    omega = 2 * np.pi * np.fft.fftfreq(64, 1e3 / rate)
    linear = -link.attenuation_per_km / 2 + 0.5j * link.beta_2 * omega**2
    step = 1.0 / 4000

    def slope(v):
        kerr = 1j * 8 / 9 * 30.0 * np.sum(np.abs(v) ** 2, axis=0)
        return np.fft.ifft(np.fft.fft(v) * linear) + kerr * v

    # Runge-Kutta of fourth order: another method altogether.
    for _ in range(4000):
        a = slope(wanted)
        b = slope(wanted + step / 2 * a)
        c = slope(wanted + step / 2 * b)
        d = slope(wanted + step * c)
        wanted = wanted + step / 6 * (a + 2 * b + 2 * c + d)
    run = tf.function(lambda u: split_step(u, link, 4000), jit_compile=True)
    found = run(tf.constant(u[None]))[0]
    assert relative(found, wanted) < 1e-7
    assert relative(u, wanted) > 0.1


def test_gradients_equal_finite_differences(compiled):
    link = FiberLink(gamma=5.0)
    u, w = noise(1, 1, 32), noise(1, 1, 32, scale=1.0)

    def loss(u):
        return tf.reduce_sum(tf.math.real(split_step(u, link, 4) * w))

    def gradient(u):
        with tf.GradientTape() as tape:
            tape.watch(u)
            value = loss(u)
        return tape.gradient(value, u)

    g = compiled(gradient)(u)
    d = noise(1, 1, 32, scale=1.0)
    h = 1e-6
    by_steps = (loss(u + h * d) - loss(u - h * d)) / (2 * h)
    along = tf.reduce_sum(tf.math.real(tf.math.conj(g) * d))
    np.testing.assert_allclose(along, by_steps, rtol=1e-7)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_graph_and_xla_give_the_eager_field(compiled, dtype):
    link = FiberLink()
    u = noise(2, 1, 96, dtype=dtype)
    out = compiled(lambda u: split_step(u, link, 10))(u)
    assert out.dtype == dtype
    wide = split_step(tf.cast(u, "complex128"), link, 10)
    limit = {"complex64": 2e-6, "complex128": 1e-14}[dtype]
    assert relative(out.numpy(), wide.numpy()) < limit


def test_logarithmic_steps_are_better_where_the_kerr_effect_dominates():
    rng = np.random.default_rng(3)
    u = tf.constant(0.05 * (rng.normal(size=(1, 1, 256, 2)) @ [1, 1j]))
    errors = {}
    for beta_2 in (-0.2, -20.0):
        link = FiberLink(gamma=20.0, beta_2=beta_2)
        best = tf.function(
            lambda u, link=link: split_step(u, link, 3000), jit_compile=True
        )(u)
        for rule in ("constant", "logarithmic"):
            out = split_step(u, link, 20, rule=rule)
            errors[beta_2, rule] = relative(out.numpy(), best.numpy())
    assert errors[-0.2, "logarithmic"] < errors[-0.2, "constant"]
    assert errors[-20.0, "constant"] < errors[-20.0, "logarithmic"]


def test_the_power_at_the_step_is_the_textbook_rule():
    # To first order in the step, and not exact without dispersion.
    link = FiberLink(beta_2=0.0)
    u = noise(1, 1, 16, scale=1.0)
    exact, plain = (
        split_step(u, link, 4, kerr_length=kind, rule="constant").numpy()
        for kind in ("effective", "step")
    )
    assert relative(plain, exact) > 1e-4


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"num_steps": 0}, ValueError, "`num_steps` to be 1 or greater"),
        ({"num_steps": 2.0}, TypeError, "integer"),
        ({"rule": "equal"}, ValueError, "`rule` to be one of"),
        ({"split": "none"}, ValueError, "`split` to be one of"),
        ({"kerr_length": "half"}, ValueError, "`kerr_length` to be one of"),
        ({"sample_rate": -1.0}, ValueError, "`sample_rate`"),
        ({"u": np.ones((1, 1, 8))}, TypeError, "complex `u`"),
        ({"u": np.ones((1, 2, 8), complex)}, ValueError, r"\(batch, 1, time\)"),
        ({"u": np.ones((8,), complex)}, ValueError, r"\(batch, 1, time\)"),
    ],
)
def test_wrong_arguments_raise(arguments, error, words):
    good = {"u": np.ones((1, 1, 8), complex), "num_steps": 2}
    with pytest.raises(error, match=words):
        split_step(link=FiberLink(), **(good | arguments))


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_a_large_field_is_propagated_like_its_parts(mode):
    # Large enough for the fused pointwise passes.
    link = FiberLink(polarizations=2)
    u = noise(5, 2, 4096)

    def run(u):
        with tf.GradientTape() as tape:
            tape.watch(u)
            out = split_step(u, link, 3)
            loss = tf.reduce_sum(tf.abs(out) ** 4)
        return out, tape.gradient(loss, u)

    compiled = {
        "eager": run,
        "graph": tf.function(run),
        "xla": tf.function(run, jit_compile=True),
    }[mode]
    out, slope = compiled(u)
    for part in range(5):
        each = slice(part, part + 1)
        alone, its_slope = run(u[each])
        assert relative(out[each], alone) < 1e-12
        assert relative(slope[each], its_slope) < 1e-12


@pytest.mark.parametrize("length", [80.0, 1000.0])
def test_logarithmic_steps_are_of_equal_phase_and_end_with_the_span(length):
    link = FiberLink(span_length=length)
    alpha = link.attenuation_per_km
    edges = step_edges(link, 8, "logarithmic")
    assert edges[0] == 0 and edges[-1] == length
    phases = -np.diff(np.exp(-alpha * edges))
    np.testing.assert_allclose(phases, phases[0], rtol=1e-9)
