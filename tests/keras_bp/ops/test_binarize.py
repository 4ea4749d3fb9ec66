import numpy as np
import pytest
import tensorflow as tf

from keras_bp import ops

# With a slope of 2, both sides of the edges |z| = 1 and 0, and the edges.
X = np.array([-20, -1.5, -0.5, -0.3, -0.0, 0.0, 0.3, 0.5, 1.5, 20])
U = np.array([14, 2, 5, 6, 10, 6, 3, 14, 11, 14]) / 16
TOLERANCE = {
    "float16": 2e-3,
    "bfloat16": 2e-2,
    "float32": 2e-6,
    "float64": 1e-12,
}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def swish(z):
    # The derivative of SwishSign, 2 sigma(bz)(1 + bz(1 - sigma(bz))) - 1, by
    # its other closed form, halved for a unit step.
    s = sigmoid(5 * z)
    return 5 * s * (1 - s) * (2 + 5 * z * (1 - 2 * s))


def weight(estimator, z, b, u, tau=0.5):
    """The weight of each estimator, from its formula, in float64."""
    p = sigmoid(z)
    soft = sigmoid((z - np.log(u / (1 - u))) / tau)
    return {
        "straight_through": np.ones_like(z),
        "clipped": (np.abs(z) <= 1).astype(float),
        "sigmoid_adjusted": p * (1 - p),
        "reinmax": np.where(b == 1, (1 - p) / 2, p / 2),
        "gumbel": soft * (1 - soft) / tau,
        "triangular": np.maximum(0, 1 - np.abs(z)),
        "swish": swish(z),
        "arctan": 1 / (1 + (np.pi * z) ** 2),
    }[estimator]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("mode", ["deterministic", "stochastic"])
def test_values_and_gradients_match_the_formulas(
    compiled, value_and_gradient, mode, dtype
):
    slope = 2.0
    x = tf.cast(tf.constant(X), dtype)
    rounded = tf.cast(x, "float64").numpy()
    z = slope * rounded
    noise = tf.constant(U, "float32") if mode == "stochastic" else None
    fires = z > 0 if mode == "deterministic" else sigmoid(z) > U
    for estimator in ops.binary_estimators(mode):

        def step(x, estimator=estimator):
            return ops.binarize(
                x, mode, estimator, slope, noise=noise, temperature=0.5
            )

        @compiled
        def run(x, step=step):
            return value_and_gradient(step, x)

        y, dx = run(x)
        assert y.dtype == x.dtype and dx.dtype == x.dtype
        np.testing.assert_array_equal(tf.cast(y, "float64"), fires)
        assert not np.signbit(tf.cast(y, "float64").numpy()).any()
        np.testing.assert_allclose(
            tf.cast(dx, "float64"),
            slope * weight(estimator, z, fires, U),
            rtol=TOLERANCE[dtype],
            atol=TOLERANCE[dtype],
            err_msg=estimator,
        )


def test_the_table_of_formulas_holds_every_registered_estimator():
    for estimator in ops.binary_estimators():
        z = np.linspace(-1, 1, 3)
        assert weight(estimator, z, z > 0, np.full(3, 0.3)).shape == (3,)


@pytest.mark.parametrize("mode", ["deterministic", "stochastic"])
def test_a_nan_logit_stays_nan(compiled, mode):
    noise = tf.constant([0.5, 0.5]) if mode == "stochastic" else None
    run = compiled(lambda x: ops.binarize(x, mode, noise=noise))
    y = run(tf.constant([np.nan, 1.0])).numpy()
    assert np.isnan(y[0]) and y[1] == 1


@pytest.mark.parametrize("estimator", ops.binary_estimators("stochastic"))
def test_infinite_and_saturated_logits_give_finite_gradients(
    value_and_gradient, estimator
):
    x = tf.constant([-np.inf, -500.0, 500.0, np.inf])
    noise = tf.constant([0.0, 0.0, 0.999, 0.999])
    y, dx = value_and_gradient(
        lambda x: ops.binarize(x, "stochastic", estimator, noise=noise), x
    )
    np.testing.assert_array_equal(y, [0, 0, 1, 1])
    assert np.isfinite(dx.numpy()).all()


def all_states(n):
    return np.array(
        [[(i >> k) & 1 for k in range(n)] for i in range(2**n)], "float64"
    )


def expected_gradient(function, theta, estimator):
    """The mean of an estimator over all states and, for each, its noise.

    Every state is produced by noise at the middle of its interval; the
    estimators tested here depend on the noise through the state alone.
    """
    p = sigmoid(theta)
    states = all_states(len(theta))
    chance = np.prod(np.where(states == 1, p, 1 - p), axis=1)
    noise = np.where(states == 1, p / 2, (1 + p) / 2)
    x = tf.constant(np.tile(theta, (len(states), 1)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        b = ops.binarize(x, "stochastic", estimator, noise=noise)
        value = function(b)
    np.testing.assert_array_equal(b, states)
    return chance @ tape.gradient(value, x).numpy()


def exact_gradient(function, theta):
    """The gradient of the mean of the function, by enumeration."""
    p = sigmoid(theta)
    states = all_states(len(theta))
    chance = np.prod(np.where(states == 1, p, 1 - p), axis=1)
    value = function(tf.constant(states)).numpy()
    return (chance * value) @ (states - p)


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    theta = rng.normal(size=8)
    a = rng.normal(size=(8, 8))
    a = a + a.T
    return theta, a, rng.normal(size=8)


def quadratic(a, c):
    return lambda b: tf.einsum("ni,ij,nj->n", b, a, b) + tf.linalg.matvec(b, c)


def test_sigmoid_adjusted_is_unbiased_on_a_multilinear_function(problem):
    theta, a, c = problem
    multilinear = quadratic(a - np.diag(np.diag(a)), c)
    np.testing.assert_allclose(
        expected_gradient(multilinear, theta, "sigmoid_adjusted"),
        exact_gradient(multilinear, theta),
        atol=1e-13,
    )


def test_sigmoid_adjusted_has_its_closed_form_bias_on_a_quadratic(problem):
    theta, a, c = problem
    p = sigmoid(theta)
    function = quadratic(a, c)
    bias = expected_gradient(
        function, theta, "sigmoid_adjusted"
    ) - exact_gradient(function, theta)
    closed_form = np.diag(a) * (2 * p - 1) * p * (1 - p)
    np.testing.assert_allclose(bias, closed_form, atol=1e-13)
    assert np.abs(closed_form).max() > 0.05


def test_reinmax_is_unbiased_on_a_quadratic_and_not_on_a_cubic(problem):
    theta, a, c = problem
    function = quadratic(a, c)
    np.testing.assert_allclose(
        expected_gradient(function, theta, "reinmax"),
        exact_gradient(function, theta),
        atol=1e-13,
    )

    def cubic(b):
        return tf.reduce_sum(b**3, axis=-1)

    bias = expected_gradient(cubic, theta, "reinmax") - exact_gradient(
        cubic, theta
    )
    assert np.abs(bias).max() > 0.01


def test_gumbel_becomes_unbiased_on_an_affine_function_as_it_cools():
    theta = np.array([-1.0, 0.2, 1.5])
    p = sigmoid(theta)
    n = 2_000_000
    # A stratified draw of the noise: an integral, not a Monte-Carlo mean.
    u = np.tile(((np.arange(n) + 0.5) / n)[:, None], (1, 3))
    errors = []
    for temperature in (1.0, 0.3, 0.1):
        x = tf.constant(np.tile(theta, (n, 1)))
        with tf.GradientTape() as tape:
            tape.watch(x)
            b = ops.binarize(
                x, "stochastic", "gumbel", noise=u, temperature=temperature
            )
            value = tf.reduce_mean(tf.reduce_sum(b, axis=1))
        estimate = tape.gradient(value, x).numpy().sum(axis=0)
        errors.append(np.abs(estimate - p * (1 - p)).max())
    assert errors[0] > 3 * errors[1] > 6 * errors[2]
    assert errors[2] < 2e-3


def test_reinmax_finds_the_better_state_where_sigmoid_adjusted_stalls():
    target = 0.45

    # Minimize E (b - t)^2 by the exact expectation of each estimator.
    def descend(estimator):
        theta = np.array([0.5])
        for _ in range(400):
            theta = theta - 2.0 * expected_gradient(
                lambda b: tf.reduce_sum((b - target) ** 2, axis=-1),
                theta,
                estimator,
            )
        return sigmoid(theta)[0]

    assert abs(descend("sigmoid_adjusted") - target) < 1e-3
    assert descend("reinmax") < 0.1


def test_slope_scales_the_gradient_and_gets_none(value_and_gradient):
    slope = tf.Variable(3.0)
    x = tf.constant([0.1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ops.binarize(x, estimator="straight_through", slope=slope)
    dx, ds = tape.gradient(y, [x, slope])
    assert dx.numpy() == 3.0
    assert ds is None or ds.numpy() == 0


def test_unknown_and_undefined_pairs_are_refused_with_the_known_ones():
    x = tf.zeros(2)
    with pytest.raises(ValueError, match="estimator.*'reinmax'.*'nope'"):
        ops.binarize(x, estimator="nope")
    with pytest.raises(ValueError, match="mode.*'stochastic'.*'random'"):
        ops.binarize(x, mode="random")
    with pytest.raises(ValueError, match="no estimator 'reinmax' in determ"):
        ops.binarize(x, "deterministic", "reinmax")
    with pytest.raises(ValueError, match="expects `noise`"):
        ops.binarize(x, "stochastic")
    with pytest.raises(ValueError, match=r"noise.shape=\(3, 1\)"):
        ops.binarize(x, "stochastic", noise=tf.zeros((3, 1)))
    with pytest.raises(ValueError, match="`temperature`.*temperature=0"):
        ops.binarize(x, temperature=0)


def test_noise_is_not_broadcast():
    for shape in ((1, 3), (4, 1), (3,)):
        with pytest.raises(ValueError, match="`noise` of the shape of `x`"):
            ops.binarize(tf.zeros((4, 3)), "stochastic", noise=tf.zeros(shape))
