import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp import _random


def draws(compiled, seed, count=3, shape=(257,), dtype="float32"):
    generator = keras.random.SeedGenerator(seed)
    run = compiled(lambda: _random.uniform(shape, generator, dtype))
    return [run().numpy() for _ in range(count)]


def test_noise_is_the_same_in_eager_graph_and_xla(compiled):
    expected = draws(lambda function: function, seed=5)
    np.testing.assert_array_equal(draws(compiled, seed=5), expected)
    assert not np.array_equal(expected[0], expected[1])
    assert not np.array_equal(expected, draws(compiled, seed=6))


def test_the_uniform_floats_of_tensorflow_differ_under_xla():
    # The reason for making floats by hand. When this fails, TensorFlow has
    # mended it, and `_random` can draw them directly.
    # The seed is an argument: a constant one is folded before XLA sees it.
    def draw(seed):
        return tf.random.stateless_uniform((64,), seed, alg="philox")

    xla = tf.function(draw, jit_compile=True)
    seed = tf.constant([3, 0])
    assert not np.array_equal(draw(seed), xla(seed))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_is_uniform_in_the_half_open_interval(dtype):
    (u,) = draws(lambda f: f, 1, count=1, shape=(400_000,), dtype=dtype)
    assert u.dtype == dtype
    assert u.min() >= 0 and u.max() < 1
    # Kolmogorov-Smirnov: 1.95 / sqrt(n) is exceeded once in a thousand.
    grid = np.arange(1, u.size + 1) / u.size
    assert np.abs(np.sort(u) - grid).max() < 1.95 / np.sqrt(u.size)
    below = (u < 1e-3).mean()
    assert abs(below - 1e-3) < 4 * np.sqrt(1e-3 / u.size)


def test_deferred_noise_advances_the_generator_at_once():
    generator = keras.random.SeedGenerator(3)
    first = _random.deferred_uniform((4,), generator)
    second = _random.deferred_uniform((4,), generator)
    late = [draw((4,)).numpy() for draw in (second, first, first)]
    now = draws(lambda f: f, 3, count=2, shape=(4,))
    np.testing.assert_array_equal(late, [now[1], now[0], now[0]])


def test_replicas_draw_different_noise_and_one_replica_the_usual(two_replicas):
    strategy = two_replicas
    with strategy.scope():
        ours = keras.random.SeedGenerator(3)
        theirs = keras.random.SeedGenerator(3)

    @tf.function
    def step():
        mine = strategy.run(lambda: _random.uniform((64,), ours))
        keras_own = strategy.run(
            lambda: keras.random.uniform((64,), seed=theirs)
        )
        return (
            strategy.experimental_local_results(mine),
            strategy.experimental_local_results(keras_own),
        )

    (a, b), (c, d) = step()
    assert not np.array_equal(a, b)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.5
    # Nor is the second replica the first one of a neighboring seed.
    for seed in (2, 4):
        assert not np.array_equal(b, draws(lambda f: f, seed, 1, (64,))[0])
    # Keras draws the same on each replica: what the fold is for.
    np.testing.assert_array_equal(c, d)
    np.testing.assert_array_equal(a, draws(lambda f: f, 3, 1, (64,))[0])
    (a2, b2), _ = step()
    assert not np.array_equal(a, a2) and not np.array_equal(b, b2)


def test_a_seed_is_two_integers_that_are_new_each_time(compiled):
    def draw(generator, run):
        return [run(lambda: _random.seed(generator)) for _ in range(3)]

    def run(function):
        return compiled(function)().numpy()

    found = draw(keras.random.SeedGenerator(5), run)
    again = draw(keras.random.SeedGenerator(5), lambda f: f().numpy())
    np.testing.assert_array_equal(found, again)
    assert all(seed.shape == (2,) and seed.dtype == "int32" for seed in found)
    assert len({tuple(seed) for seed in found}) == 3
    assert min(seed.min() for seed in found) >= 0


def test_large_seeds_stay_apart():
    # A cast to int32 would clip what is above 2^31, or make it negative.
    found = {
        tuple(_random.seed(keras.random.SeedGenerator(seed)).numpy())
        for seed in (2**31 + 1, 2**31 + 2, 2**32 - 3)
    }
    assert len(found) == 3
    assert min(min(seed) for seed in found) >= 0


def test_replicas_get_different_seeds(two_replicas):
    with two_replicas.scope():
        generator = keras.random.SeedGenerator(3)

    @tf.function
    def step():
        found = two_replicas.run(lambda: _random.seed(generator))
        return two_replicas.experimental_local_results(found)

    first, second = step()
    assert not np.array_equal(first, second)
    alone = _random.seed(keras.random.SeedGenerator(3))
    np.testing.assert_array_equal(first, alone)


def normals(compiled, seed, count=2, shape=(257,), dtype="float32"):
    generator = keras.random.SeedGenerator(seed)
    run = compiled(lambda: _random.normal(shape, generator, dtype))
    return [run().numpy() for _ in range(count)]


def test_normal_noise_is_the_same_up_to_rounding(compiled):
    expected = normals(lambda function: function, seed=5)
    found = normals(compiled, seed=5)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert not np.isclose(expected[0], expected[1]).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal_noise_has_the_moments_of_its_distribution(dtype):
    shape = (400, 1000)
    (x,) = normals(lambda f: f, 1, count=1, shape=shape, dtype=dtype)
    assert x.dtype == dtype and x.shape == shape
    # Means of powers of a normal number, and their variances.
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        error = np.sqrt(variance / x.size)
        assert abs(np.mean(x.astype("float64") ** power) - mean) < 4 * error
    # Neighbors in both axes do not follow each other.
    for pair in ((x[1:], x[:-1]), (x[:, 1:], x[:, :-1])):
        assert abs(np.mean(pair[0] * pair[1])) < 4 / np.sqrt(x.size)
    beyond = (np.abs(x) > 2).mean()
    assert abs(beyond - 0.0455) < 4 * np.sqrt(0.0455 / x.size)


def test_normal_noise_advances_the_generator_by_one_draw():
    generator = keras.random.SeedGenerator(3)
    _random.normal((4,), generator)
    other = keras.random.SeedGenerator(3)
    _random.uniform((4,), other)
    np.testing.assert_array_equal(generator.state, other.state)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("edge", [0.0, 1 - 2.0**-24])
def test_normal_noise_is_finite_at_the_edges(monkeypatch, edge, dtype):
    monkeypatch.setattr(
        _random,
        "uniform",
        lambda shape, _, dtype: tf.fill(shape, tf.cast(edge, dtype)),
    )
    x = _random.normal((3,), None, dtype).numpy()
    largest = np.sqrt(2 * 24 * np.log(2)) if edge else 0.0
    np.testing.assert_allclose(x, largest, rtol=1e-6)
    assert largest < 5.8
