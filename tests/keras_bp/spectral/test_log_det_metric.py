import functools
import math

import keras
import numpy as np
import pytest
import small_generators
import tensorflow as tf
from keras import layers

from keras_bp.spectral import SpectralSum, log_det_metric, spectrum

RNG = np.random.default_rng(0)
N, M = 4, 7
W = np.random.default_rng(1).normal(size=(M, N))
Z = np.random.default_rng(2).normal(size=(2, N))
Q, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(N, N)))
MODES = [
    (mode, dtype)
    for mode in ("eager", "graph", "xla")
    for dtype in ("float32", "float64")
]
each_mode = pytest.mark.parametrize(("mode", "dtype"), MODES)


@functools.cache
def smooth(latents=4, outputs=6):
    """A generator that is looked through once for all tests."""
    return small_generators.smooth(latents, outputs, dtype="float64")


def compiled(mode, function):
    if mode == "eager":
        return function
    return tf.function(function, jit_compile=mode == "xla", autograph=False)


def bent(matrix, dtype):
    """G(z) = tanh(W z)."""
    model = keras.Sequential(
        [
            keras.Input((matrix.shape[1],), dtype=dtype),
            layers.Dense(len(matrix), "tanh", False, dtype=dtype),
        ]
    )
    model.set_weights([matrix.T])
    return model


@functools.cache
def measured(mode, dtype):
    """What the checks below compare, all in one compiled function."""
    straight, scaled, curved, turned = (
        small_generators.linear(W, dtype=dtype),
        small_generators.linear(3.0 * W, dtype=dtype),
        bent(W, dtype),
        bent(W @ Q, dtype),
    )
    kernel = straight.trainable_variables[0]

    def run(z, rotated):
        with tf.GradientTape() as tape:
            value, error = log_det_metric(straight, z, return_error=True)
            total = tf.reduce_sum(value)
        return {
            "linear": value,
            "error": error,
            "gradient": tape.gradient(total, kernel.value),
            "scaled": log_det_metric(scaled, z),
            "spectrum": spectrum(straight, z),
            "bent": log_det_metric(curved, z),
            "turned": log_det_metric(turned, rotated),
        }

    z = tf.constant(Z, dtype)
    found = compiled(mode, run)(z, z @ tf.constant(Q, dtype))
    return {name: x.numpy() for name, x in found.items()}


def near(dtype):
    return {"float32": 2e-5, "float64": 1e-12}[dtype]


@each_mode
def test_a_linear_generator_has_the_log_determinant_of_its_weights(mode, dtype):
    found = measured(mode, dtype)
    expected = np.linalg.slogdet(W.T @ W)[1]
    np.testing.assert_allclose(found["linear"], [expected] * 2, near(dtype))
    assert np.all(abs(found["linear"] - expected) <= found["error"])
    assert found["linear"].dtype == dtype


@each_mode
def test_its_gradient_is_twice_the_pseudoinverse(mode, dtype):
    # Of the kernel W', summed over two examples.
    expected = 2 * 2 * (W @ np.linalg.inv(W.T @ W)).T
    found = measured(mode, dtype)["gradient"]
    np.testing.assert_allclose(found, expected, 0, 10 * near(dtype))


@each_mode
def test_scaling_adds_twice_the_logarithm_for_each_latent(mode, dtype):
    found = measured(mode, dtype)
    expected = found["linear"] + 2 * N * math.log(3.0)
    np.testing.assert_allclose(found["scaled"], expected, near(dtype))


@each_mode
def test_a_nonlinearity_scales_the_rows(mode, dtype):
    for z, found in zip(Z, measured(mode, dtype)["bent"], strict=True):
        jacobian = (1 - np.tanh(W @ z) ** 2)[:, None] * W
        expected = np.linalg.slogdet(jacobian.T @ jacobian)[1]
        assert found == pytest.approx(expected, 5 * near(dtype))


@each_mode
def test_a_rotation_of_latents_changes_nothing(mode, dtype):
    found = measured(mode, dtype)
    np.testing.assert_allclose(found["turned"], found["bent"], 10 * near(dtype))


@each_mode
def test_the_spectrum_is_that_of_the_weights(mode, dtype):
    expected = np.linalg.svd(W, compute_uv=False) ** 2
    np.testing.assert_allclose(
        measured(mode, dtype)["spectrum"], [expected] * 2, 10 * near(dtype)
    )


def test_orthogonal_and_diagonal_weights_have_the_obvious_ones():
    z = np.ones((1, N))
    orthogonal, _ = np.linalg.qr(W)
    for matrix, expected in (
        (orthogonal, 0.0),
        # Each step of Lanczos ends its space, exactly.
        (2.0 * np.eye(N), 2 * N * math.log(2)),
        (np.diag([1.0, 2.0, 3.0, 4.0]), 2 * math.log(24)),
    ):
        model = small_generators.linear(matrix, dtype="float64")
        for method in ("exact", "lanczos"):
            found = log_det_metric(model, z, method)
            np.testing.assert_allclose(found, [expected], atol=1e-12)


def test_random_weights_have_the_mean_of_wishart():
    from scipy.special import digamma

    n, m, draws = 6, 20, 400
    # A batch of linear generators: each example has weights of its own.
    weights = tf.constant(RNG.normal(size=(draws, m, n)))
    x = keras.Input((n,), dtype="float64")
    index = keras.ops.cast(x[:, 0] * 0.0, "float64")
    model = keras.Model(x, Own(weights)(x) + index[:, None])
    found = log_det_metric(model, tf.ones((draws, n), "float64"))
    expected = n * math.log(2) + sum(digamma((m - i) / 2) for i in range(n))
    spread = np.std(found) / math.sqrt(draws)
    assert abs(np.mean(found) - expected) < 4 * spread < 1.0


class Own(layers.Layer):
    """A linear map for each place in the batch, whatever is repeated."""

    def __init__(self, weights):
        super().__init__(dtype="float64")
        self.weights_of = weights

    def call(self, x):
        rows = tf.range(tf.shape(x)[0]) % len(self.weights_of)
        return tf.linalg.matvec(tf.gather(self.weights_of, rows), x)


def test_the_spectrum_of_random_weights_has_the_edges_of_marchenko_pastur():
    n, m = 40, 400
    model = small_generators.linear(RNG.normal(size=(m, n)))
    found = np.asarray(spectrum(model, np.ones((1, n))))[0]
    for value, sign in ((found[0], 1), (found[-1], -1)):
        edge = (math.sqrt(m) + sign * math.sqrt(n)) ** 2
        # The law of Tracy and Widom: a mean of -1.2 and a deviation of 1.3.
        scale = math.sqrt(edge) * abs(m**-0.5 + sign * n**-0.5) ** (1 / 3)
        assert -5 < (value - edge) / scale * sign < 3


STOCHASTIC = {
    "slq": {"degree": 4},
    "chebyshev": {"degree": 24},
    "randomized_chebyshev": {"degree": 8},
}


@pytest.mark.parametrize("method", STOCHASTIC)
def test_estimates_are_unbiased_within_their_own_intervals(method):
    model = smooth()
    z = tf.constant(np.tile(RNG.normal(size=(1, 4)), (200, 1)))
    exact = log_det_metric(model, z[:1])[0]
    found, error = log_det_metric(
        model,
        z,
        method,
        probes=64,
        seed=3,
        return_error=True,
        **STOCHASTIC[method],
    )
    scores = np.asarray((found - exact) / error)
    assert abs(scores.mean()) < 3 / math.sqrt(200)
    assert 0.8 < scores.std() < 1.4


@pytest.mark.parametrize("method", STOCHASTIC)
def test_gradients_of_estimates_are_unbiased(method):
    model = smooth()
    z = tf.constant(np.tile(RNG.normal(size=(1, 4)), (300, 1)))

    def slope(method, **options):
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = log_det_metric(model, z, method, **options)
        return tape.gradient(value, z).numpy()

    expected = slope("exact")[0]
    found = slope(method, probes=8, seed=1, **STOCHASTIC[method])
    spread = found.std(axis=0) / math.sqrt(300)
    assert np.all(abs(found.mean(axis=0) - expected) < 4 * spread)


@pytest.mark.parametrize(
    ("mode", "method"),
    [("graph", "chebyshev"), ("graph", "randomized_chebyshev"), ("xla", "slq")],
)
def test_a_seed_draws_the_same_in_all_modes(mode, method):
    model = smooth()

    def run(z):
        return log_det_metric(model, z, method, seed=1, probes=2, degree=4)

    found = compiled(mode, run)(tf.constant(Z))
    # The eigenvalues of XLA are those of an iteration that stops.
    near = 1e-6 if mode == "xla" else 1e-9
    np.testing.assert_allclose(found, run(tf.constant(Z)), near)


def test_seeds_draw_anew_as_they_should():
    model = smooth(9, 12)
    z = RNG.normal(size=(1, 9))

    def run(seed):
        return float(log_det_metric(model, z, "slq", seed=seed)[0])

    generator = keras.random.SeedGenerator(0)
    values = [run(0), run(1), run(None), run(None)]
    values += [run(generator), run(generator)]
    assert len(set(values)) == 6 and run(0) == values[0]
    anew = tf.function(
        lambda z: log_det_metric(model, z, "slq"), autograph=False
    )
    assert len({float(anew(tf.constant(z))[0]) for _ in range(5)}) > 1


def test_lanczos_of_all_steps_is_exact_with_its_gradient():
    model = smooth()
    z = tf.constant(RNG.normal(size=(2, 4)))
    kernel = model.trainable_variables[0]
    found = {}
    for method, chunk in (("exact", None), ("lanczos", None), ("lanczos", 2)):
        with tf.GradientTape() as tape:
            value = log_det_metric(model, z, method, chunk=chunk)
        found[method, chunk] = value, tape.gradient(value, kernel.value)
    for x, y in zip(found["exact", None], found["lanczos", 2], strict=True):
        np.testing.assert_allclose(x, y, 1e-10, 1e-11)
    for x, y in zip(found["exact", None], found["lanczos", None], strict=True):
        np.testing.assert_allclose(x, y, 1e-10, 1e-11)


def test_a_second_derivative_of_the_exact_one_is_right():
    model = smooth()
    z = tf.constant(RNG.normal(size=(1, 4)))
    v = tf.constant(RNG.normal(size=(1, 4)))

    def slope(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = log_det_metric(model, z)
        return tape.gradient(value, z)

    with tf.GradientTape() as tape:
        tape.watch(z)
        along = tf.reduce_sum(slope(z) * v)
    found = tape.gradient(along, z)
    step = 1e-5
    expected = (slope(z + step * v) - slope(z - step * v)) / (2 * step)
    np.testing.assert_allclose(found, expected, 1e-6, 1e-8)


DEFICIENT = np.concatenate([W[:, :3], W[:, :1] + W[:, 1:2]], axis=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", ["exact", "lanczos"])
def test_a_singular_metric_is_told_by_a_warning_and_its_error(method, dtype):
    model = small_generators.linear(DEFICIENT, dtype=dtype)
    z = tf.constant(Z, dtype)
    kernel = model.trainable_variables[0]

    def run(z, ridge=0.0):
        with tf.GradientTape() as tape:
            found, error = log_det_metric(
                model, z, method, ridge=ridge, return_error=True
            )
        return found, error, tape.gradient(found, kernel.value)

    with pytest.warns(UserWarning, match="2 of 2 examples is singular"):
        eager = run(z)
    graph = compiled("graph", run)(z)
    for found, error, gradient in (eager, graph):
        assert np.all(np.isfinite(found)) and np.all(np.isinf(error))
        assert np.all(np.isfinite(gradient))
    found, error, _ = run(z, ridge=0.1)
    metric = DEFICIENT.T @ DEFICIENT + 0.1 * np.eye(N)
    expected = np.linalg.slogdet(metric)[1]
    np.testing.assert_allclose(found, [expected] * 2, 1e-4)
    assert np.all(np.isfinite(error))


def test_columns_of_zeros_are_singular_too():
    matrix = W.copy()
    matrix[:, 1] = 0
    model = small_generators.linear(matrix)
    with pytest.warns(UserWarning, match="singular"):
        found, error = log_det_metric(model, Z, return_error=True)
    assert np.all(np.isfinite(found)) and np.all(np.isinf(error))


def test_scales_of_latents_do_not_make_it_singular():
    scales = np.array([1e-6, 1.0, 1e3, 1e6])
    model = small_generators.linear(W * scales)
    expected = np.linalg.slogdet(W.T @ W)[1] + 2 * np.log(scales).sum()
    found, error = log_det_metric(model, Z, return_error=True)
    np.testing.assert_allclose(found, [expected] * 2, 1e-5, 1e-5)
    assert np.all(error < 1e-3)


@pytest.mark.parametrize("dtype", ["bfloat16", "mixed_bfloat16"])
def test_bfloat16_is_computed_on_in_float32(dtype):
    # The last layer is wide, and does not hide the error of the first.
    x = keras.Input((N,), dtype="float32" if "mixed" in dtype else dtype)
    first = layers.Dense(M, dtype=dtype, use_bias=False)
    last = layers.Activation("linear", dtype="float32")
    model = keras.Model(x, last(first(x)))
    model.set_weights([W.T])
    found, error = log_det_metric(model, Z, return_error=True)
    expected = np.linalg.slogdet(W.T @ W)[1]
    assert found.dtype == "float32"
    assert np.all(abs(found - expected) < error)
    assert np.all(error < 1.0) and np.all(error > 1e-3)


def test_more_latents_than_outputs_need_a_ridge():
    model = small_generators.linear(W.T)
    z = np.ones((1, M))
    with pytest.raises(ValueError, match="7 latents and 4 outputs; pass a"):
        log_det_metric(model, z)
    found = log_det_metric(model, z, ridge=0.5)
    expected = np.linalg.slogdet(W @ W.T + 0.5 * np.eye(M))[1]
    np.testing.assert_allclose(found, [expected], 1e-5)


@pytest.mark.parametrize(
    ("words", "error", "options"),
    [
        ("`method` to be one of", ValueError, {"method": "qr"}),
        ("`ridge` to be zero or greater", ValueError, {"ridge": -1.0}),
        ("`probes` to be 1 or", ValueError, {"method": "slq", "probes": 0}),
        ("`degree` to be an int", TypeError, {"method": "slq", "degree": 2.5}),
        ("`probes` with one of", ValueError, {"probes": 3}),
        ("`chunk` with 'exact'", ValueError, {"method": "slq", "chunk": 3}),
        ("`seed` to be an int", TypeError, {"method": "slq", "seed": "x"}),
    ],
)
def test_bad_arguments_are_named(words, error, options):
    model = small_generators.linear(W)
    with pytest.raises(error, match=f"log_det_metric expects {words}"):
        log_det_metric(model, Z, **options)


def test_one_probe_has_an_unknown_error(recwarn):
    model = small_generators.linear(W)
    _, error = log_det_metric(model, Z, "slq", probes=1, return_error=True)
    assert np.all(np.isinf(error)) and not recwarn.list


def test_it_is_a_spectral_sum_of_logarithms():
    model = smooth()
    found = SpectralSum("log", ridge=0.2)(model, Z)
    np.testing.assert_allclose(found, log_det_metric(model, Z, ridge=0.2))


@pytest.mark.parametrize("method", ["lanczos", *STOCHASTIC])
def test_a_graph_takes_a_batch_of_one(method):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    z = tf.ones((1, 4))

    @tf.function(input_signature=[tf.TensorSpec((1, 4))])
    def run(z):
        seed = None if method == "lanczos" else 0
        return log_det_metric(model, z, method, seed=seed)

    seed = None if method == "lanczos" else 0
    np.testing.assert_allclose(
        run(z), log_det_metric(model, z, method, seed=seed), rtol=1e-4
    )


def test_other_weights_in_the_place_of_those_of_a_model_are_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    weight = model.weights[0]
    scope = keras.StatelessScope([(weight, 3 * weight.value)])
    with scope, pytest.raises(ValueError, match="its own weights.*kernel"):
        log_det_metric(model, tf.ones((1, 2)))


@pytest.mark.parametrize("method", STOCHASTIC)
@pytest.mark.parametrize("diagonal", [True, False])
def test_errors_tell_of_too_low_a_degree(method, diagonal):
    # Of a diagonal metric all signs give the same: no spread tells of it.
    eigenvalues, turn = np.logspace(-4, 0, 24), np.eye(24)
    if not diagonal:
        turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(24, 24)))
    matrix = np.sqrt(eigenvalues)[:, None] * turn
    model = small_generators.linear(matrix, dtype="float64")
    found, error = log_det_metric(
        model, np.ones((30, 24)), method, degree=12, seed=1, return_error=True
    )
    away = abs(found - np.log(eigenvalues).sum())
    assert np.mean(away < error) > 0.68 and np.mean(away < 2 * error) > 0.9
    # And are not so large as to say nothing.
    assert np.median(error) < 25


def test_one_step_of_quadrature_tells_nothing_of_its_error():
    model = small_generators.linear(W)
    _, error = log_det_metric(
        model, Z, "slq", probes=4, degree=1, return_error=True
    )
    assert np.all(np.isinf(error))


def test_lanczos_keeps_small_eigenvalues_that_products_lose():
    # In float32 those of a product are lost below 1e-7 of the largest.
    random = np.random.default_rng(0)
    turns = [np.linalg.qr(random.normal(size=(12, 12)))[0] for _ in range(2)]
    matrix = turns[0] * np.geomspace(1e-5, 1.0, 12) @ turns[1]
    matrix = matrix.astype("float32")
    model = small_generators.linear(matrix, dtype="float32")
    expected = 2 * np.linalg.slogdet(matrix.astype("float64"))[1]
    found, error = log_det_metric(
        model, np.ones((2, 12)), "lanczos", return_error=True
    )
    assert np.all(abs(found - expected) < error) and np.all(error < 0.1)
