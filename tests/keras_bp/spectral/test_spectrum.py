"""Analytic checks of the spectrum itself are in test_log_det_metric.py."""

import numpy as np
import small_generators
import tensorflow as tf

from keras_bp.spectral import spectrum

RNG = np.random.default_rng(0)


def test_eigenvalues_descend_and_have_exact_gradients():
    model = small_generators.smooth(4, 6, dtype="float64")
    z = tf.constant(RNG.normal(size=(2, 4)))
    v = tf.constant(RNG.normal(size=(2, 4)))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        values = spectrum(model, z)
        entries = tf.unstack(values, axis=1)
    assert np.all(np.diff(values) < 0)
    step = 1e-5
    for i, entry in enumerate(entries):
        found = tf.reduce_sum(tape.gradient(entry, z) * v, axis=-1)
        ahead, behind = (
            spectrum(model, z + step * v),
            spectrum(model, z - step * v),
        )
        expected = (ahead - behind)[:, i] / (2 * step)
        np.testing.assert_allclose(found, expected, 1e-5, 1e-8)


def test_equal_eigenvalues_have_the_gradient_of_their_sum():
    # Each log of diag(2, 2, 1) has a gradient; that of the sum is known.
    matrix = np.zeros((5, 3))
    matrix[:3] = np.diag([2.0, 2.0, 1.0])
    model = small_generators.linear(matrix, dtype="float64")
    kernel = model.trainable_variables[0]
    with tf.GradientTape() as tape:
        values = spectrum(model, tf.ones((1, 3), "float64"))
        score = tf.reduce_sum(tf.math.log(values))
    found = tape.gradient(score, kernel.value)
    expected = 2 * (matrix @ np.linalg.inv(matrix.T @ matrix)).T
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_more_latents_than_outputs_give_zeros():
    matrix = RNG.normal(size=(2, 4))
    model = small_generators.linear(matrix, dtype="float64")
    found = spectrum(model, np.ones((1, 4)))[0]
    expected = np.linalg.svd(matrix, compute_uv=False) ** 2
    np.testing.assert_allclose(found[:2], expected, 1e-12)
    np.testing.assert_allclose(found[2:], 0, atol=1e-12)
    assert np.all(found >= 0)


def test_small_eigenvalues_are_as_precise_as_the_jacobian():
    # In float32 the square of 1e-5 would be lost beside 1.
    matrix = np.diag([1.0, 1e-3, 1e-5])
    model = small_generators.linear(matrix)
    found = spectrum(model, np.ones((1, 3)))[0]
    np.testing.assert_allclose(found, [1.0, 1e-6, 1e-10], 1e-4)


def test_chunks_do_not_change_it():
    model = small_generators.smooth(5, 6, dtype="float64")
    z = RNG.normal(size=(2, 5))
    np.testing.assert_allclose(
        spectrum(model, z, chunk=2), spectrum(model, z), 1e-12
    )
