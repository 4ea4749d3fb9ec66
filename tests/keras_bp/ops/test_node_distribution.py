import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops as tensors
from scipy import special, stats

from keras_bp import ops
from keras_bp.layers._node_noise import NoiseSource

RNG = np.random.default_rng(0)
N = 100_000
# Exceeded once in a thousand samples of the Kolmogorov-Smirnov statistic.
KOLMOGOROV = 1.95


def source(seed=1, dtype="float32"):
    return NoiseSource(keras.random.SeedGenerator(seed), dtype)


def uniform(*shape):
    """On the grid of the noise of a node."""
    return (RNG.integers(0, 2**24, size=shape) * 2.0**-24).astype("float32")


def tfd():
    import tensorflow_probability as tfp

    return tfp.distributions


def gamma(params):
    return tfd().Gamma(*params)


def beta(params):
    return tfd().Beta(*params)


def poisson(rate):
    return tfd().Poisson(rate)


def independent_bits(logits):
    return tfd().Independent(tfd().Bernoulli(logits, dtype=logits.dtype), 1)


LOGITS = [[0.3, -1.2, 4.0], [0.0, 2.5, -6.0]]
PAIR = [[[0.3, -1.2, 4.0], [0.0, 2.5, -6.0]], [[0.5, 1.0, 2.0], [0.1, 3.0, 1]]]
POSITIVE = [[[0.5, 1.2, 4.0], [0.7, 2.5, 6.0]], [[0.5, 1.0, 2.0], [0.1, 3, 1]]]
LOG_SOFTMAX = special.log_softmax(LOGITS, axis=-1)
BITS = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
REAL = np.array([[0.2, -1.0, 7.0], [0.3, 0.5, -5.0]])
UNIT = np.array([[0.2, 0.9, 0.5], [0.03, 0.5, 0.99]])
# Kind, inputs, a value, and the log-probability of each event.
TABLE = {
    "bernoulli": (
        "bernoulli",
        LOGITS,
        BITS,
        stats.bernoulli.logpmf(BITS, special.expit(LOGITS)),
    ),
    "one_hot": (
        "one_hot",
        LOGITS,
        np.eye(3)[[2, 1]],
        LOG_SOFTMAX[[0, 1], [2, 1]],
    ),
    "categorical": ("categorical", LOGITS, [2, 1], LOG_SOFTMAX[[0, 1], [2, 1]]),
    "normal": ("normal", PAIR, REAL, stats.norm.logpdf(REAL, *PAIR)),
    "mvn_diag": (
        "mvn_diag",
        PAIR,
        REAL,
        [
            stats.multivariate_normal.logpdf(x, m, np.square(s))
            for x, m, s in zip(REAL, *PAIR, strict=True)
        ],
    ),
    "gamma": (
        gamma,
        POSITIVE,
        UNIT,
        stats.gamma.logpdf(UNIT, POSITIVE[0], scale=1 / np.array(POSITIVE[1])),
    ),
    "beta": (beta, POSITIVE, UNIT, stats.beta.logpdf(UNIT, *POSITIVE)),
    "poisson": (
        poisson,
        POSITIVE[0],
        [[0.0, 2, 5], [1, 1, 9]],
        stats.poisson.logpmf([[0, 2, 5], [1, 1, 9]], POSITIVE[0]),
    ),
    "independent": (
        independent_bits,
        LOGITS,
        BITS,
        stats.bernoulli.logpmf(BITS, special.expit(LOGITS)).sum(axis=-1),
    ),
}
each = pytest.mark.parametrize("name", TABLE)


def made(name, dtype="float32"):
    kind, inputs, value, log_prob = TABLE[name]
    if np.ndim(inputs) == 3:
        inputs = [tf.constant(x, dtype) for x in inputs]
    else:
        inputs = tf.constant(inputs, dtype)
    value = tf.constant(value, None if name == "categorical" else dtype)
    return kind, inputs, value, np.asarray(log_prob)


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_prob_is_that_of_scipy(name, dtype):
    kind, inputs, value, expected = made(name, dtype)
    found = ops.node_distribution(kind, inputs)
    tolerance = 2e-5 if dtype == "float32" else 1e-9
    each = found.log_prob(value)
    assert each.dtype == dtype
    np.testing.assert_allclose(each, expected, rtol=tolerance, atol=tolerance)
    joint = expected.reshape(2, -1).sum(axis=-1)
    np.testing.assert_allclose(
        found.joint_log_prob(value), joint, rtol=tolerance, atol=tolerance
    )


@each
def test_the_score_is_the_gradient_of_log_prob(name):
    kind, inputs, value, _ = made(name, "float64")
    params = inputs if isinstance(inputs, list) else [inputs]
    with tf.GradientTape() as tape:
        tape.watch(params)
        total = tf.reduce_sum(
            ops.node_distribution(kind, inputs).log_prob(value)
        )
    expected = tape.gradient(total, params)
    found = ops.node_distribution(kind, inputs).score(value)
    assert len(found) == len(expected)
    for own, known in zip(found, expected, strict=True):
        np.testing.assert_allclose(own, known, atol=1e-9)


@each
def test_detached_has_the_same_numbers_and_no_gradient(name):
    kind, inputs, value, expected = made(name)
    params = inputs if isinstance(inputs, list) else [inputs]
    with tf.GradientTape() as tape:
        tape.watch(params)
        found = ops.node_distribution(kind, inputs).detached()
        log_prob = found.log_prob(value)
    np.testing.assert_allclose(log_prob, expected, rtol=2e-5, atol=2e-5)
    assert tape.gradient(log_prob, params) == [None] * len(params)


def test_event_axes_are_summed():
    x = tf.constant(RNG.normal(size=(2, 4, 3)), "float32")
    bits = tf.ones((2, 4, 3))
    for event_ndims, shape in [(None, (2, 4, 3)), (1, (2, 4)), (2, (2,))]:
        found = ops.node_distribution("bernoulli", x, event_ndims)
        assert found.log_prob(bits).shape == shape
        np.testing.assert_allclose(
            tf.reduce_sum(tf.reshape(found.log_prob(bits), (2, -1)), axis=-1),
            found.joint_log_prob(bits),
            rtol=1e-6,
        )
    one = tf.one_hot(tf.zeros((2, 4), "int32"), 3)
    assert ops.node_distribution("one_hot", x).log_prob(one).shape == (2, 4)
    assert ops.node_distribution("one_hot", x, 2).log_prob(one).shape == (2,)
    index = tf.zeros((2, 4), "int32")
    found = ops.node_distribution("categorical", x)
    assert found.log_prob(index).shape == (2, 4)
    assert found.joint_log_prob(index).shape == (2,)
    assert ops.node_distribution("mvn_diag", [x, x]).log_prob(x).shape == (2, 4)


@pytest.mark.parametrize("kind", ["normal", "mvn_diag"])
def test_one_input_holds_means_and_raw_deviations(kind):
    x = tf.constant([[0.5, -1.0, 0.0, 2.0]])
    found = ops.node_distribution(kind, x)
    np.testing.assert_allclose(found.mean(), [[0.5, -1.0]])
    expected = [[np.log(2), np.log1p(np.exp(2))]]
    np.testing.assert_allclose(found.scale, expected, rtol=1e-6)


@pytest.mark.parametrize("offset", [0.0, -1.3, 3.0, -7.0])
def test_bits_come_up_with_their_probability(offset):
    found = ops.node_distribution("bernoulli", tf.fill((N, 1), offset))
    bits = found.sample(found.noise(source()))
    ones = float(tf.reduce_sum(bits))
    p = special.expit(offset)
    assert abs(ones - N * p) < 4 * np.sqrt(N * p * (1 - p)) + 1
    np.testing.assert_allclose(found.mean()[0], p, rtol=1e-6)
    assert float(found.mode()[0, 0]) == (offset > 0)


@pytest.mark.parametrize("kind", ["categorical", "one_hot"])
@pytest.mark.parametrize("logits", [[0.0, 0.0, 0.0], [1.0, -2.0, 3.0, 0.4]])
def test_classes_come_up_with_their_probability(kind, logits):
    found = ops.node_distribution(kind, tf.tile([logits], (N, 1)))
    sample = found.sample(found.noise(source())).numpy()
    if kind == "one_hot":
        assert set(np.unique(sample)) == {0.0, 1.0}
        sample = sample.argmax(axis=-1)
    p = special.softmax(logits)
    counts = np.bincount(sample, minlength=len(p))
    assert stats.chisquare(counts, N * p).pvalue > 1e-3
    np.testing.assert_allclose(found.mean()[0], p, rtol=1e-5)
    mode = np.asarray(found.mode()[0])
    assert (mode if kind == "categorical" else mode.argmax()) == p.argmax()


@pytest.mark.parametrize("kind", ["normal", "mvn_diag"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal_samples_are_normal(kind, dtype):
    loc, scale = tf.fill((N, 2), 1.5), tf.fill((N, 2), 0.3)
    params = [tf.cast(x, dtype) for x in (loc, scale)]
    found = ops.node_distribution(kind, params)
    noise = found.noise(source(dtype=dtype))
    assert noise.dtype == dtype and np.isfinite(noise).all()
    sample = found.sample(noise).numpy()
    distance = stats.kstest(sample[:, 0], "norm", (1.5, 0.3)).statistic
    assert distance < KOLMOGOROV / np.sqrt(N)
    assert abs(np.corrcoef(sample.T)[0, 1]) < 4 / np.sqrt(N)


def test_the_ends_of_the_noise_stay_finite(compiled):
    class Ends:
        def uniform(self, shape):
            return tf.constant([[0.0, 1 - 2.0**-24, 0.5]])

    zeros = tf.zeros((1, 3))
    normal = ops.node_distribution("normal", [zeros, zeros + 1])
    z = compiled(lambda: normal.noise(Ends()))()
    assert float(z[0, 0]) == -float(z[0, 1])
    assert 5.0 < float(z[0, 1]) < 5.5
    for kind in ("bernoulli", "one_hot"):
        found = ops.node_distribution(kind, zeros)
        assert np.isfinite(found.continuous(Ends().uniform(()))).all()


@pytest.mark.parametrize(
    ("name", "shape", "count"),
    [
        ("bernoulli", (2, 3), 8),
        ("bernoulli", (2, 2, 2), 16),
        ("one_hot", (2, 3), 3),
        ("one_hot", (2, 2, 3), 9),
        ("categorical", (2, 3), 3),
        ("categorical", (2, 2, 3), 9),
    ],
)
def test_the_states_are_all_that_there_are(name, shape, count):
    logits = tf.constant(RNG.normal(size=shape), "float32")
    found = ops.node_distribution(name, logits)
    states = found.states()
    assert len(states) == count
    assert len(np.unique(states, axis=0)) == count
    tail = shape[1:-1] if name == "categorical" else shape[1:]
    assert states.shape[1:] == tail
    total = 0.0
    for state in states:
        value = tf.repeat(state[None], 2, axis=0)
        total = total + tf.exp(found.joint_log_prob(value))
    np.testing.assert_allclose(total, [1, 1], rtol=1e-6)


def test_states_that_cannot_be_counted_are_refused():
    normal = ops.node_distribution("normal", tf.zeros((1, 2)))
    with pytest.raises(ValueError, match="of a normal distribution cannot be"):
        normal.states()
    many = ops.node_distribution("bernoulli", tf.zeros((1, 17)))
    with pytest.raises(
        ValueError, match="at most 65536 .* 17 units with 131072"
    ):
        many.states()

    @tf.function(input_signature=[tf.TensorSpec((1, None))])
    def unknown(x):
        return ops.node_distribution("bernoulli", x).states()

    with pytest.raises(ValueError, match="its shape is known"):
        unknown(tf.zeros((1, 2)))


@pytest.mark.parametrize("offset", [0.0, 0.7, -2.0, 20.0, -20.0, 90.0])
@pytest.mark.parametrize("bit", [0.0, 1.0])
def test_the_continuous_variable_given_a_bit(offset, bit):
    found = ops.node_distribution("bernoulli", tf.fill((N, 1), offset))
    z = found.conditional(tf.fill((N, 1), bit), uniform(N, 1)).numpy()[:, 0]
    assert np.isfinite(z).all()
    assert ((z > 0) == bit).all()

    # The logistic distribution around the logit, cut at 0; above 0 in terms
    # of what is beyond z, so that nothing is lost to rounding.
    def below(z):
        if bit:
            beyond = special.log_expit(offset - z) - special.log_expit(offset)
            return -np.expm1(beyond)
        return np.exp(
            special.log_expit(z - offset) - special.log_expit(-offset)
        )

    distance = stats.kstest(z.astype("float64"), below).statistic
    assert distance < KOLMOGOROV / np.sqrt(N)


@pytest.mark.parametrize(
    "logits",
    [
        [0.0, 0.0, 0.0],
        [1.0, -0.5, 0.3],
        [20.0, -20.0, 0.0],
        [-30.0, 30.0, 29.0],
    ],
)
@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_continuous_variables_given_a_class(logits, index):
    found = ops.node_distribution("one_hot", tf.tile([logits], (N, 1)))
    value = tf.one_hot(tf.fill((N,), index), 3)
    z = found.conditional(value, uniform(N, 3)).numpy().astype("float64")
    assert np.isfinite(z).all()
    # In float32 a class that never comes up may draw level.
    assert (z[:, index] >= z.max(axis=-1)).all()
    norm = special.logsumexp(logits)
    bound = KOLMOGOROV / np.sqrt(N)
    top = z[:, index]
    assert stats.kstest(top, "gumbel_r", (norm, 1)).statistic < bound
    for other in {0, 1, 2} - {index}:
        # Gumbel, cut off at the largest: its distribution function is uniform.
        own = np.exp(logits[other] - z[:, other])
        if np.median(own) < 1e-3:
            continue  # Cut off so far down that float32 draws level.
        cut = np.exp(np.exp(logits[other] - top) - own)
        assert stats.kstest(cut, "uniform").statistic < bound


@pytest.mark.parametrize("kind", ["bernoulli", "one_hot"])
@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_the_sample_is_where_the_continuous_variable_is(kind, scale):
    logits = tf.constant(scale * RNG.normal(size=(N, 3)), "float32")
    found = ops.node_distribution(kind, logits)
    noise = uniform(N, 3)
    sample = found.sample(noise).numpy()
    free = found.continuous(noise).numpy()
    tied = found.conditional(sample, uniform(N, 3)).numpy()
    for z in (free, tied):
        assert np.isfinite(z).all()
        if kind == "bernoulli":
            np.testing.assert_array_equal(z > 0, sample == 1)
        else:
            where = sample.argmax(axis=-1)
            np.testing.assert_array_equal(z.argmax(axis=-1), where)
    soft = found.soften(free, 0.01).numpy()
    assert np.abs(soft - sample).mean() < 0.01


def test_the_continuous_variable_of_a_bit_falls_as_its_conditional():
    found = ops.node_distribution("bernoulli", tf.fill((N, 1), 0.7))
    noise = uniform(N, 1)
    bits = found.sample(noise).numpy()
    free = found.continuous(noise).numpy()
    tied = found.conditional(bits, uniform(N, 1)).numpy()
    for bit in (0, 1):
        a, b = free[bits == bit], tied[bits == bit]
        assert stats.ks_2samp(a, b).pvalue > 1e-3


def test_the_noise_of_a_bit_that_is_known_stays_on_its_side():
    # Between 0 and p where it is 1, between p and 1 where it is 0.
    x, v = RNG.normal(size=(9, 3)), RNG.uniform(size=(9, 3))
    p = special.expit(x)
    found = ops.node_distribution("bernoulli", tf.constant(x))
    for bit, u in [(1.0, v * p), (0.0, p + v * (1 - p))]:
        z = found.conditional(tf.fill((9, 3), tf.constant(bit, "float64")), v)
        np.testing.assert_allclose(z, x - special.logit(u), rtol=1e-9)


@pytest.mark.parametrize("kind", ["bernoulli", "one_hot", "categorical"])
def test_one_seed_gives_one_sample_however_it_runs(kind, compiled):
    logits = tf.constant(RNG.normal(size=(500, 3)), "float32")

    def run(wrap):
        draws = source(seed=4)
        found = wrap(
            lambda x: ops.node_distribution(kind, x).sample(
                ops.node_distribution(kind, x).noise(draws)
            )
        )
        return [found(logits).numpy() for _ in range(2)]

    expected = run(lambda function: function)
    np.testing.assert_array_equal(run(compiled), expected)
    assert not np.array_equal(expected[0], expected[1])


def test_normal_samples_agree_however_they_run(compiled):
    loc = tf.constant(RNG.normal(size=(500, 3)), "float32")

    def run(wrap):
        draws = source(seed=4)
        found = wrap(
            lambda x: ops.node_distribution("normal", [x, x * x]).noise(draws)
        )
        return found(loc)

    expected = run(lambda function: function)
    np.testing.assert_allclose(run(compiled), expected, rtol=1e-4, atol=1e-6)


def test_noise_of_tfp_gives_the_same_sample_again():
    found = ops.node_distribution(
        gamma, [tf.fill((5, 2), 2.0), tf.ones((5, 2))]
    )
    draws = source()
    noise, other = found.noise(draws), found.noise(draws)
    np.testing.assert_array_equal(found.sample(noise), found.sample(noise))
    assert not np.array_equal(found.sample(noise), found.sample(other))
    assert found.sample(noise).shape == (5, 2)
    np.testing.assert_allclose(found.mean(), np.full((5, 2), 2))
    np.testing.assert_allclose(found.mode(), np.ones((5, 2)))


@pytest.mark.parametrize(
    ("name", "reparameterized"),
    [
        ("gamma", True),
        ("beta", True),
        ("poisson", False),
        ("independent", False),
    ],
)
def test_whether_samples_have_a_path_is_read_from_tfp(name, reparameterized):
    kind, inputs, _, _ = made(name)
    found = ops.node_distribution(kind, inputs)
    assert found.reparameterized is reparameterized
    assert found.name == "callable"


def test_a_forbidden_class_never_comes_up():
    logits = tf.constant([[0.0, -np.inf, 1.0]] * 1000)
    value = tf.one_hot([2] * 1000, 3)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        log_prob = ops.node_distribution("one_hot", logits).log_prob(value)
    expected = special.log_softmax([0.0, 1.0])[1]
    np.testing.assert_allclose(log_prob, [expected] * 1000, rtol=1e-6)
    p = special.expit(1.0)
    slope = tape.gradient(log_prob, logits)
    np.testing.assert_allclose(slope[0], [p - 1, 0, 1 - p], atol=1e-6)
    found = ops.node_distribution("categorical", logits)
    assert 1 not in found.sample(uniform(1000, 3)).numpy()
    np.testing.assert_allclose(found.score([2] * 1000)[0], slope, atol=1e-6)


@pytest.mark.parametrize("kind", ["bernoulli", "one_hot", "normal"])
def test_a_nan_is_not_hidden(kind):
    x = tf.constant([[np.nan] * 4, [0.3] * 4])
    found = ops.node_distribution(kind, x)
    for y in (found.sample(uniform(2, *found.mean().shape[1:])), found.mode()):
        lost, kept = np.asarray(y)
        assert np.isnan(lost).all() and np.isfinite(kept).all()


@pytest.mark.parametrize(
    ("kind", "inputs", "words"),
    [
        (
            "gauss",
            tf.zeros((1, 2)),
            r"expects `kind` to be one of \['bernoulli'",
        ),
        (
            "normal",
            tf.zeros((1, 3)),
            "pair of tensors, or one with an even last",
        ),
        ("normal", [tf.zeros((1, 3))] * 3, "expects 2 tensors. Received: 3"),
        ("bernoulli", [tf.zeros((1, 3))] * 2, "expects 1 tensor. Received: 2"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(kind, inputs, words):
    with pytest.raises(ValueError, match=words):
        ops.node_distribution(kind, inputs)


def test_a_list_of_one_tensor_is_the_tensor():
    x = tensors.zeros((1, 2))
    found = ops.node_distribution("bernoulli", [x])
    np.testing.assert_allclose(found.mean(), [[0.5, 0.5]])


@pytest.mark.parametrize(
    ("kind", "logits"),
    [("one_hot", [[0.5, -np.inf, 1.0]]), ("bernoulli", [[0.5, -np.inf, 1e3]])],
)
def test_what_is_impossible_softens_with_finite_gradients(kind, logits):
    temperature = tf.constant(0.5)
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch([logits, temperature])
        made = ops.node_distribution(kind, logits)
        soft = made.soften(made.continuous(uniform(1, 3)), temperature)
        total = tensors.sum(soft * [1.0, 2.0, 3.0])
    assert soft[0, 1] == 0
    for found in tape.gradient(total, [logits, temperature]):
        assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("kind", "inputs", "most"),
    [
        ("bernoulli", tf.zeros((4, 2)), 1),
        ("one_hot", tf.zeros((4, 2, 3)), 2),
        ("categorical", tf.zeros((4, 2, 3)), 1),
        ("normal", [tf.zeros((4, 2)), tf.ones((4, 2))], 1),
        (independent_bits, tf.zeros((4, 2)), 0),
    ],
)
def test_an_event_does_not_take_in_the_batch(kind, inputs, most):
    made = ops.node_distribution(kind, inputs, most)
    assert made.joint_log_prob(made.mode()).shape == (4,)
    with pytest.raises(ValueError, match=f"`event_ndims` to be {most} or less"):
        ops.node_distribution(kind, inputs, most + 1)


def test_classes_are_counted_where_their_shape_is_known():
    @tf.function(input_signature=[tf.TensorSpec((1, None, 3))])
    def states(logits):
        return ops.node_distribution("one_hot", logits).states()

    with pytest.raises(ValueError, match="one_hot.*enumerated where its shape"):
        states(tf.zeros((1, 2, 3)))
