import functools
import math

import numpy as np
import pytest
import small_generators
import tensorflow as tf

from keras_bp.spectral import implicit_log_likelihood

RNG = np.random.default_rng(0)
N = 3
W = np.random.default_rng(1).normal(size=(N, N))
B = np.array([1.0, -2.0, 0.5])
Z = np.random.default_rng(2).normal(size=(4, N))


@functools.cache
def generator(dtype):
    return small_generators.linear(W, B, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_linear_generator_has_the_density_of_a_gaussian(compiled, dtype):
    model = generator(dtype)
    z = tf.constant(Z, dtype)
    found = compiled(lambda z: implicit_log_likelihood(model, z))(z)
    x = Z @ W.T
    covariance = W @ W.T
    expected = -0.5 * (
        np.einsum("bi,ij,bj->b", x, np.linalg.inv(covariance), x)
        + np.linalg.slogdet(covariance)[1]
        + N * math.log(2 * math.pi)
    )
    near = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(found, expected, near)
    assert found.dtype == dtype


def test_a_uniform_prior_is_that_of_a_cube():
    model = small_generators.linear(W, dtype="float64")
    z = np.array([[0.5, -1.0, 1.0], [0.5, 0.0, 1.1]])
    found = implicit_log_likelihood(model, z, "uniform")
    expected = -N * math.log(2) - np.linalg.slogdet(W)[1]
    np.testing.assert_allclose(found[0], expected, 1e-10)
    assert found[1] == -np.inf


def test_a_function_and_a_distribution_are_priors():
    import tensorflow_probability as tfp

    model = small_generators.linear(W, dtype="float64")
    normal = tfp.distributions.MultivariateNormalDiag(tf.zeros(N, "float64"))
    expected = implicit_log_likelihood(model, Z)
    for prior in (normal, normal.log_prob):
        found = implicit_log_likelihood(model, Z, prior)
        np.testing.assert_allclose(found, expected, 1e-12)


def test_gradients_go_to_latents_through_both_terms():
    model = small_generators.exponential(N, dtype="float64")
    z = tf.constant(Z)
    with tf.GradientTape() as tape:
        tape.watch(z)
        found = implicit_log_likelihood(model, z)
    # log p = -|z|^2 / 2 - sum z + constant.
    np.testing.assert_allclose(tape.gradient(found, z), -Z - 1, 1e-10)


def test_errors_are_halved_with_the_term():
    model = small_generators.linear(W, dtype="float64")
    found, error = implicit_log_likelihood(
        model, Z, method="slq", probes=64, seed=0, return_error=True
    )
    exact = implicit_log_likelihood(model, Z)
    assert np.all(abs(found - exact) < 4 * error)
    assert np.all(error < 2.0) and np.any(error > 0.01)


def test_images_of_latents_are_flattened():
    model = small_generators.elementwise(lambda x: 2.0 * x, 4)
    import keras

    x = keras.Input((2, 2))
    wide = keras.Model(x, model(keras.layers.Flatten()(x)))
    found = implicit_log_likelihood(wide, np.zeros((1, 2, 2)))
    expected = -2 * math.log(2 * math.pi) - 4 * math.log(2)
    np.testing.assert_allclose(found, [expected], 1e-6)


@pytest.mark.parametrize(
    ("words", "error", "prior"),
    [
        ("`prior` to be one of", ValueError, "cauchy"),
        ("`prior` to be one of", TypeError, 3),
        ("`prior` to give one log-density", ValueError, lambda z: -(z**2)),
        (
            "`prior` to give one log-density",
            ValueError,
            lambda z: tf.reduce_sum(z, keepdims=True)[0],
        ),
    ],
)
def test_bad_priors_are_named(words, error, prior):
    model = small_generators.linear(W)
    with pytest.raises(error, match=f"implicit_log_likelihood expects {words}"):
        implicit_log_likelihood(model, Z, prior)
