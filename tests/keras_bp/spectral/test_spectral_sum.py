import numpy as np
import pytest
import small_generators
import tensorflow as tf

from keras_bp.spectral import SpectralSum, spectrum

RNG = np.random.default_rng(0)
N, M = 5, 8
MEMBERS = {
    "identity": lambda x: x,
    "inverse": lambda x: 1 / x,
    "log": np.log,
    "sqrt": np.sqrt,
    "square": lambda x: x**2,
}


@pytest.fixture(scope="module")
def model():
    return small_generators.smooth(N, M, dtype="float64")


@pytest.fixture
def z():
    return tf.constant(RNG.normal(size=(2, N)))


@pytest.mark.parametrize("name", MEMBERS)
def test_members_are_sums_over_the_spectrum(name, model, z):
    expected = MEMBERS[name](spectrum(model, z).numpy()).sum(-1)
    for method in ("exact", "lanczos"):
        found, error = SpectralSum(name, method)(model, z, return_error=True)
        np.testing.assert_allclose(found, expected, 1e-9)
        assert np.all(error < 1e-9 * (1 + abs(expected)))


def test_a_function_has_its_own_gradient_by_every_method(model, z):
    def soft_cap(x):
        return tf.math.softplus(x - 1.0)

    slopes = {}
    for method, options in (
        ("exact", {}),
        ("lanczos", {}),
        ("slq", {"degree": N}),
        ("chebyshev", {"degree": 40}),
    ):
        if options:
            options = {**options, "probes": 500, "seed": 0}
        with tf.GradientTape() as tape:
            tape.watch(z)
            found = SpectralSum(soft_cap, method, **options)(model, z)
        slopes[method] = tape.gradient(found, z)
    size = tf.norm(slopes["exact"])
    np.testing.assert_allclose(slopes["lanczos"], slopes["exact"], 1e-8)
    for method in ("slq", "chebyshev"):
        assert tf.norm(slopes[method] - slopes["exact"]) < 0.15 * size
    # Both have the same probes.
    np.testing.assert_allclose(slopes["slq"], slopes["chebyshev"], 1e-4, 1e-4)


def test_the_trace_is_that_of_hutchinson_with_one_step(model, z):
    exact = SpectralSum("identity")(model, z)
    found, error = SpectralSum("identity", "slq", probes=100, degree=1, seed=0)(
        model, z, return_error=True
    )
    assert np.all(abs(found - exact) < 4 * error)


def test_a_zero_singular_value_has_a_gradient_of_the_nuclear_norm():
    model = small_generators.linear(np.zeros((2, 2)), dtype="float64")
    kernel = model.trainable_variables[0]
    with tf.GradientTape() as tape:
        found = SpectralSum("sqrt")(model, np.ones((1, 2)))
    np.testing.assert_array_equal(found, [0.0])
    assert np.all(np.isfinite(tape.gradient(found, kernel.value)))


def test_what_diverges_needs_as_many_outputs_as_latents():
    model = small_generators.linear(RNG.normal(size=(2, 4)))
    with pytest.raises(ValueError, match="SpectralSum expects a model with"):
        SpectralSum("inverse")(model, np.ones((1, 4)))


@pytest.mark.parametrize(
    ("words", "error", "f"),
    [("'logdet'", ValueError, "logdet"), ("f=3", TypeError, 3)],
)
def test_other_functions_are_named(words, error, f):
    with pytest.raises(error, match=f"`f` to be a function.*{words}"):
        SpectralSum(f)
