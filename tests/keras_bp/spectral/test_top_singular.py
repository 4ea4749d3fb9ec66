import functools
import math

import numpy as np
import pytest
import small_generators
import tensorflow as tf

from keras_bp.spectral import JacobianOperator, spectrum, top_singular

RNG = np.random.default_rng(0)
METHODS = ("lanczos", "lobpcg", "subspace")
each_method = pytest.mark.parametrize("method", METHODS)
N, M, K = 6, 8, 2


@functools.cache
def generator(dtype="float64", latents=N):
    return small_generators.smooth(latents, latents + 2, dtype=dtype)


@pytest.mark.parametrize(
    ("method", "dtype"),
    [*((method, "float64") for method in METHODS), ("lanczos", "float32")],
)
def test_pairs_are_those_of_the_matrix(method, dtype):
    model, z = generator(dtype), tf.constant(RNG.normal(size=(2, N)), dtype)
    found = top_singular(model, z, K, method, iterations=25)
    jacobian = JacobianOperator(model, z).dense().numpy()
    left, values, right = np.linalg.svd(jacobian)
    near = 1e-5 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(found.values, values[:, :K], near)
    along = np.einsum("bnk,bkn->bk", found.right, right[:, :K])
    np.testing.assert_allclose(abs(along), 1, rtol=1e-4)
    along = np.einsum("bmk,bmk->bk", found.left, left[:, :, :K])
    np.testing.assert_allclose(abs(along), 1, rtol=1e-4)
    assert found.right.shape == (2, N, K) and found.left.shape == (2, M, K)
    assert found.values.dtype == found.residuals.dtype == dtype


@pytest.mark.parametrize("method", ["lobpcg", "subspace"])
def test_a_graph_finds_the_same(method):
    model, z = generator(), tf.constant(RNG.normal(size=(2, N)))

    def run(z):
        return top_singular(model, z, K, method, iterations=25)

    for x, y in zip(tf.function(run)(z), run(z), strict=True):
        np.testing.assert_allclose(x, y, 1e-6, 1e-8)


def test_lanczos_compiles_in_a_graph_and_under_xla():
    model, z = generator(), tf.constant(RNG.normal(size=(2, N)))

    def run(z):
        return top_singular(model, z, K)

    for jit_compile in (False, True):
        found = tf.function(run, jit_compile=jit_compile)(z)
        np.testing.assert_allclose(found.values, run(z).values, 1e-6)


@each_method
def test_gradients_of_values_are_exact(method):
    model, z = generator(), tf.constant(RNG.normal(size=(2, N)))
    kernel = model.trainable_variables[0]
    found = []
    for values in (
        lambda: top_singular(model, z, K, method, iterations=25).values,
        lambda: tf.sqrt(spectrum(model, z)[:, :K]),
    ):
        with tf.GradientTape() as tape:
            tape.watch(z)
            score = tf.reduce_sum(tf.math.log(values()))
        found.append(tape.gradient(score, [z, kernel.value]))
    for x, y in zip(*found, strict=True):
        np.testing.assert_allclose(x, y, 1e-5, 1e-7)


@each_method
def test_residuals_tell_what_has_not_converged(method):
    model, z = generator(latents=12), tf.constant(RNG.normal(size=(2, 12)))
    short = top_singular(model, z, K, method, iterations=1)
    long = top_singular(model, z, K, method, iterations=60)
    assert np.all(long.residuals < 1e-6) and np.any(short.residuals > 1e-3)
    metric = JacobianOperator(model, z).dense()
    metric = tf.matmul(metric, metric, transpose_a=True)
    for found in (short, long):
        rest = metric @ found.right
        rest -= found.right * found.values[:, None] ** 2
        scale = found.values[:, :1] ** 2
        np.testing.assert_allclose(
            tf.norm(rest, axis=1) / scale, found.residuals, 1e-6, 1e-12
        )


def test_repeated_singular_values_are_all_found():
    matrix = np.zeros((8, 6))
    matrix[:6] = np.diag([3.0, 3.0, 3.0, 1.0, 1.0, 1.0])
    model = small_generators.linear(matrix, dtype="float64")
    found = top_singular(model, np.ones((1, 6)), 4)
    np.testing.assert_allclose(found.values[0], [3, 3, 3, 1], 1e-10)
    inner = tf.matmul(found.right, found.right, transpose_a=True)[0]
    np.testing.assert_allclose(inner, np.eye(4), atol=1e-10)


def test_no_copy_of_a_repeated_value_is_left_out():
    # The powers of one vector hold one direction of each eigenspace, and a
    # residual of zero tells of none that is missing.
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(80, 80)))
    values = np.concatenate([[3.0, 3.0, 3.0], np.linspace(2.0, 0.5, 77)])
    model = small_generators.linear(values[:, None] * turn, dtype="float64")
    found = top_singular(model, np.ones((1, 80)), 4)
    np.testing.assert_allclose(found.values[0], [3, 3, 3, 2], 1e-4)
    assert np.all(found.residuals < 1e-2)


def test_the_start_is_the_same_at_each_call_or_that_of_a_seed():
    model, z = generator(), RNG.normal(size=(1, N))

    def run(seed=None):
        found = top_singular(model, z, 1, "subspace", iterations=1, seed=seed)
        return float(found.values[0, 0])

    assert run() == run() and run(1) == run(1) != run(2)


def test_a_singular_jacobian_has_a_gradient():
    model = small_generators.linear(np.diag([2.0, 0.0]), dtype="float64")
    kernel = model.trainable_variables[0]
    with tf.GradientTape() as tape:
        found = top_singular(model, np.ones((1, 2)), 2)
    slope = tape.gradient(found.values, kernel.value)
    assert np.all(np.isfinite(slope)) and np.all(np.isfinite(found.left))


@pytest.mark.parametrize(
    ("words", "error", "options"),
    [
        ("`method` to be one of", ValueError, {"method": "power"}),
        ("`k` to be 1 or greater", ValueError, {"k": 0}),
        ("`k` to be at most the number", ValueError, {"k": N + 1}),
        ("`k` to be a third", ValueError, {"method": "lobpcg", "k": 3}),
        ("`iterations` to be an integer", TypeError, {"iterations": math.pi}),
    ],
)
def test_bad_arguments_are_named(words, error, options):
    options = {"k": 1, **options}
    with pytest.raises(error, match=f"top_singular expects {words}"):
        top_singular(generator(), np.ones((1, N)), **options)
