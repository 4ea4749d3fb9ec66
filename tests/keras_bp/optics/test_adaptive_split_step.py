import functools

import numpy as np
import pytest
import tensorflow as tf

from keras_bp.optics import FiberLink, adaptive_split_step, split_step

RNG = np.random.default_rng(0)
U = tf.constant(0.05 * (RNG.normal(size=(2, 1, 128, 2)) @ [1, 1j]))
LINK = FiberLink(gamma=2.0)


@functools.cache
def reference():
    run = tf.function(lambda u: split_step(u, LINK, 3000), jit_compile=True)
    return run(U).numpy()


def error(u):
    return np.linalg.norm(u - reference()) / np.linalg.norm(reference())


def test_smaller_phases_take_more_steps_and_err_less(compiled):
    found = []
    for phase in (0.02, 0.005):
        run = compiled(lambda u, p=phase: adaptive_split_step(u, LINK, p))
        u, steps = run(U)
        found.append((int(steps), error(u)))
    (few, coarse), (many, fine) = found
    # Four times as many steps of second order.
    assert 3.0 < many / few < 4.5
    assert 8 < coarse / fine < 64 and fine < 1e-3


def test_each_step_turns_the_peak_by_the_bound():
    # Without dispersion and loss the peak stays, and so does the step.
    link = FiberLink(beta_2=0.0, attenuation=0.0, gamma=2.0)
    peak = np.max(np.abs(U) ** 2)
    total = link.gamma * peak * link.span_length
    u, steps = adaptive_split_step(U, link, max_phase=total / 7.5)
    assert int(steps) == 8
    wanted = U * np.exp(1j * link.gamma * np.abs(U) ** 2 * link.span_length)
    np.testing.assert_allclose(u, wanted, rtol=0, atol=1e-13)


def test_backwards_each_step_turns_the_peak_by_the_bound():
    # Without dispersion the peak grows on the way back as the loss says.
    link = FiberLink(beta_2=0.0, gamma=2.0)
    peak = np.max(np.abs(U) ** 2)
    alpha = link.attenuation_per_km
    total = link.gamma * peak * np.expm1(alpha * link.span_length) / alpha
    u, steps = adaptive_split_step(U, link, total / 7.5, inverse=True)
    assert int(steps) == 8
    np.testing.assert_allclose(
        u, split_step(U, link, 1, inverse=True), rtol=1e-12
    )


def test_the_number_of_steps_is_bounded_and_the_span_complete():
    u, steps = adaptive_split_step(U, LINK, max_phase=1e-9, max_steps=50)
    assert int(steps) == 50
    assert error(u) < 0.1


def test_a_fiber_without_kerr_effect_takes_one_step():
    link = FiberLink(gamma=0.0)
    u, steps = adaptive_split_step(U, link)
    assert int(steps) == 1
    np.testing.assert_allclose(u, split_step(U, link, 3), rtol=0, atol=1e-13)


def test_the_inverse_comes_back():
    there, _ = adaptive_split_step(U, LINK, 0.01)
    back, _ = adaptive_split_step(there, LINK, 0.01, inverse=True)
    assert np.linalg.norm(back - U) / np.linalg.norm(U) < 1e-3


def test_the_gradient_is_that_of_many_equal_steps(compiled):
    w = tf.constant(RNG.normal(size=(2, 1, 128, 2)) @ [1, 1j])

    def gradient(u, propagate):
        with tf.GradientTape() as tape:
            tape.watch(u)
            value = tf.reduce_sum(tf.math.real(propagate(u) * w))
        return tape.gradient(value, u)

    ours = compiled(
        lambda u: gradient(
            u, lambda u: adaptive_split_step(u, LINK, 0.01, 200)[0]
        )
    )(U)
    theirs = tf.function(
        lambda u: gradient(u, lambda u: split_step(u, LINK, 800)),
        jit_compile=True,
    )(U)
    difference = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
    assert difference < 1e-3


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="`max_phase` to be greater"):
        adaptive_split_step(U, LINK, max_phase=0.0)
    with pytest.raises(ValueError, match="`max_steps` to be 1 or greater"):
        adaptive_split_step(U, LINK, max_steps=0)
    with pytest.raises(TypeError, match="complex `u`"):
        adaptive_split_step(np.ones((1, 1, 8)), LINK)
