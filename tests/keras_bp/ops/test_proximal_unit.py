import keras
import numpy as np
import pytest
import tensorflow as tf
from proximal_references import SELU, SLOPES, first_root

from keras_bp import ops
from keras_bp.ops.proximal_unit import ACTIVATIONS, proximal_unit

RNG = np.random.default_rng(0)
# The activation itself, and the slopes on both sides of its kinks.
PIECES = {
    "relu": (lambda q: np.maximum(q, 0), None),
    "leaky_relu": (lambda q: np.maximum(q, 0.3 * q), 0.3),
    "hard_tanh": (lambda q: np.clip(q, -1, 1), None),
}


def problems(count):
    """Logits, gradients, and squared norms over many decades.

    In a half of them `k |b|` is such that there may be several roots.
    """
    c = RNG.normal(size=count) * 10 ** RNG.uniform(-1, 1, count)
    k = 10 ** RNG.uniform(-8, 8, count)
    b = 10 ** RNG.uniform(-8, 4, count)
    half = count // 2
    b[:half] = 10 ** RNG.uniform(-0.5, 3, half) / k[:half]
    return c, b * RNG.choice([-1, 1], count), k


def numpy_unit(c, b, k, activation, slope=None, dtype="float64"):
    arguments = [tf.constant(x, dtype) for x in (c, b, k)]
    return np.asarray(
        ops.proximal_unit(*arguments, activation, slope), "float64"
    )


@pytest.mark.parametrize("activation", sorted({*SLOPES} - {"selu"}))
def test_the_step_ends_at_the_first_stationary_point_downhill(activation):
    slope = SLOPES[activation]
    c, b, k = problems(400)
    u = numpy_unit(c, b, k, activation)
    # A slope that is nearly zero is rounded with that of its size at all.
    floor = 1e-9 * np.abs(b)
    np.testing.assert_allclose(
        np.abs(u - b * slope(c - k * u)) / (np.abs(u) + floor), 0, atol=1e-6
    )
    expected = first_root(slope, c, b, k)
    np.testing.assert_allclose(
        (u - expected) / (np.abs(u) + floor), 0, atol=1e-6
    )


def test_selu_ends_at_the_first_minimum_also_on_its_kink():
    c, b, k = problems(600)
    u = numpy_unit(c, b, k, "selu")
    # Not on its hill at zero, which a scan may miss.
    q = c - k * u
    hill = (b > 0) & (q > 0) & (k * b * SELU[1] > c)
    expected = first_root(SLOPES["selu"], c, b, k)
    np.testing.assert_allclose(u[~hill], expected[~hill], rtol=1e-6)
    np.testing.assert_allclose(u[hill], b[hill] * SELU[0])
    kink = (b < 0) & (np.abs(q) < 1e-9 * np.abs(c))
    assert np.sum(hill) and np.sum(kink)


def test_arctan_takes_the_root_of_its_cubic_that_is_nearest_to_zero():
    c, k = RNG.uniform(-8, 8, 300), np.ones(300)
    b = 10 ** RNG.uniform(0, 2.5, 300) * RNG.choice([-1, 1], 300)
    u = numpy_unit(c, b, k, "arctan")
    several = 0
    for i in range(300):
        roots = np.roots([1, -2 * c[i], 1 + c[i] ** 2, -b[i]])
        real = roots[np.abs(roots.imag) < 1e-7 * np.abs(roots)].real
        several += len(real) > 1
        nearest = real[np.argmin(np.abs(real))]
        np.testing.assert_allclose(u[i], nearest, rtol=1e-6)
    assert several > 20


@pytest.mark.parametrize(
    ("activation", "start", "sign"),
    [
        ("arctan", -3.0, -1),
        ("elu", -3.0, -1),
        ("gelu", -4.0, 1),
        ("silu", 7.0, 1),
        ("sigmoid", -5.0, -1),
        ("sigmoid", 4.0, 1),
        ("softplus", -4.0, -1),
        ("tanh", -3.0, -1),
        ("tanh", 1.7, 1),
    ],
)
def test_the_first_root_is_left_only_where_it_vanishes(activation, start, sign):
    # It lies below `move`, for `k |b|` up to `size`.
    slope = SLOPES[activation]
    direction = -1 if sign * slope(start) > 0 else 1
    moves = np.linspace(0, 4, 400001)[1:]
    sizes = moves / np.abs(slope(start + direction * moves))
    first = np.argmax(np.diff(sizes) < 0)
    move, size = moves[first], sizes[first]
    for factor, before in ((1 - 1e-4, True), (1 + 1e-4, False)):
        b = sign * size * factor
        for dtype, atol in (("float32", 5e-4), ("float64", 1e-6)):
            (u,) = numpy_unit([start], [b], [1.0], activation, None, dtype)
            assert (np.abs(u) < move) == before
            residual = u - b * slope(start - u)
            np.testing.assert_allclose(residual / u, 0, atol=atol)


@pytest.mark.parametrize("activation", sorted(PIECES))
def test_pieces_of_lines_end_at_the_global_minimum(activation):
    function, slope = PIECES[activation]
    count = 300
    c, k = RNG.uniform(-3, 3, count), 10 ** RNG.uniform(-8, 8, count)
    b = 10 ** RNG.uniform(-2, 1.5, count) * RNG.choice([-1, 1], count) / k
    u = numpy_unit(c, b, k, activation, slope)

    def objective(q):
        # Times k, of sizes about 1.
        return k * b * function(q) + (q - c) ** 2 / 2

    grid = np.linspace(-40, 40, 20001)[:, None]
    least = objective(grid).min(axis=0)
    assert np.all(objective(c - k * u) <= least + 1e-9)


def test_a_steep_leak_ends_at_the_global_minimum():
    count = 300
    c, b = RNG.uniform(-3, 3, count), RNG.uniform(-4, 4, count)
    u = numpy_unit(c, b, np.ones(count), "leaky_relu", 1.7)

    def objective(q):
        return b * np.where(q > 0, q, 1.7 * q) + (q - c) ** 2 / 2

    least = objective(np.linspace(-20, 20, 40001)[:, None]).min(axis=0)
    assert np.all(objective(c - u) <= least + 1e-9)


def test_a_rectifier_stops_at_its_kink_and_may_come_to_life():
    c, b, k = problems(4000)
    down = numpy_unit(c, np.abs(b), k, "relu", dtype="float32")
    q = np.float32(c) - np.float32(k) * np.float32(down)
    live = c > 0
    # But for the rounding of the step itself.
    assert np.all(q[live] >= -2e-7 * c[live])
    assert np.all(down[~live] == 0)
    assert np.any(np.abs(q[live]) < 2e-7 * c[live])
    # From -k |b| / 2 on.
    u = numpy_unit([-0.49, -0.51], [-1.0, -1.0], [1.0, 1.0], "relu")
    np.testing.assert_array_equal(u, [-1, 0])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_without_a_rate_the_step_is_explicit(activation):
    c = np.array([-6.0, -3.0, -0.8, -0.1, 0.2, 0.9, 2.0, 40.0])
    functions = {"gelu_tanh": keras.ops.gelu, "arctan": keras.ops.arctan}
    function = functions.get(activation)
    if function is None:
        function = getattr(keras.activations, activation)
    x = tf.constant(c)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    slope = tape.gradient(y, x)
    for b in (2.5, -2.5):
        for k in (0.0, 1e-12):
            u = numpy_unit(c, c * 0 + b, c * 0 + k, activation)
            # Keras holds some constants in float32.
            np.testing.assert_allclose(u, b * slope, rtol=1e-6, atol=1e-14)


@pytest.mark.parametrize("activation", sorted({*SLOPES} - {"selu"}))
def test_small_rates_end_at_the_same_root(activation):
    # Of up to 0.25 by the largest curvature, where the search is another.
    slope = SLOPES[activation]
    points = np.linspace(-4, 4, 8001)
    bend = np.abs(np.gradient(slope(points), points)).max() + 1e-9
    c, k = RNG.uniform(-4, 4, 400), 10 ** RNG.uniform(-8, 8, 400)
    b = RNG.uniform(-0.249, 0.249, 400) / bend / k
    for dtype, rtol in (("float32", 1e-5), ("float64", 1e-12)):
        u = numpy_unit(c, b, k, activation, dtype=dtype)
        residual = np.abs(u - b * slope(c - k * u)) / np.abs(b)
        assert residual.max() < rtol


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_is_exact_over_many_decades(activation):
    c, b, k = (np.float32(x) for x in problems(4000))
    # Moves that are longer than what float32 resolves of the logits.
    c[::40] *= 1e3
    k[::40] = 1e8 / np.abs(b[::40])
    u = numpy_unit(c, b, k, activation, dtype="float32")
    wide = numpy_unit(c, b, k, activation)
    # Near a jump between roots, or its own kink, rounding decides.
    error = np.abs(u - wide) / (np.abs(wide) + 1e-6 * np.abs(b) + 1e-30)
    assert np.quantile(error[::40], 0.9) < 1e-5
    assert np.quantile(error, 0.99) < 1e-5 and np.mean(error > 1e-3) < 1e-3


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_finite_input_gives_more_than_the_steepest_slope(activation):
    sizes = np.array([0, 1e-8, 1e-3, 1, 30, 1e4])
    c, b, k = np.meshgrid(
        np.concatenate([-sizes, sizes, [-1e16, 1e16]]),
        np.concatenate([-sizes, sizes]),
        [0, 1e-8, 1, 1e8],
        indexing="ij",
    )
    for dtype in ("float32", "float64"):
        u = numpy_unit(c, b, k, activation, dtype=dtype)
        # NaN would not be less either.
        assert np.all(np.abs(u) <= 1.76 * np.abs(b))
        assert np.all(u[b == 0] == 0)


def test_each_mode_gives_the_same_with_norms_for_rows(compiled):
    c, b = RNG.normal(size=(2, 16, 8)) * 3
    k = RNG.uniform(0, 20, (16, 1))
    names = ("tanh", "arctan", "elu", "silu", "hard_tanh")

    @compiled
    def run(c, b, k):
        return [ops.proximal_unit(c, b, k, name) for name in names]

    found = run(*(tf.constant(x, "float32") for x in (c, b, k)))
    k = np.broadcast_to(k, c.shape)
    for name, u in zip(names, found, strict=True):
        expected = numpy_unit(c, b, k, name)
        np.testing.assert_allclose(u, expected, rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_narrow_input_is_solved_in_float32(dtype):
    c, b, k = RNG.normal(size=(3, 64)) * 3
    k = np.abs(k)
    arguments = [tf.constant(x, dtype) for x in (c, b, k)]
    u = ops.proximal_unit(*arguments, "tanh")
    assert u.dtype == dtype
    single = ops.proximal_unit(
        *(tf.cast(x, "float32") for x in arguments), "tanh"
    )
    if dtype != "float64":
        np.testing.assert_array_equal(u, tf.cast(single, dtype))


def test_no_gradient_passes():
    c = tf.constant([0.5])
    with tf.GradientTape() as tape:
        tape.watch(c)
        u = ops.proximal_unit(c, [1.0], [1.0], "relu")
    assert tape.gradient(u, c) is None


def test_scaled_arguments_hold_a_penalty_inside_the_step():
    rate, penalty, b = 0.7, 0.4, 1.9
    z, start = RNG.normal(size=(2, 5))
    shrink = 1 + rate * penalty
    u = numpy_unit([start @ z / shrink], [b / shrink], [rate * z @ z], "tanh")
    w = start / shrink - rate * u * z
    slope = b * (1 - np.tanh(w @ z) ** 2)
    gradient = slope * z + penalty * w + (w - start) / rate
    np.testing.assert_allclose(gradient, 0, atol=1e-12)


def test_bad_arguments_are_refused():
    x = tf.zeros(2)
    with pytest.raises(ValueError, match="`activation`.*'arctan'.*'atan'"):
        proximal_unit(x, x, x, "atan")
    with pytest.raises(ValueError, match="'leaky_relu' alone.*'relu'"):
        proximal_unit(x, x, x, "relu", 0.1)
    with pytest.raises(ValueError, match="`negative_slope`.*-0.1"):
        proximal_unit(x, x, x, "leaky_relu", -0.1)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "gelu", "relu"])
def test_a_batch_may_be_empty(compiled, activation):
    empty = tf.zeros((0, 3))
    found = compiled(lambda c: proximal_unit(c, c, c, activation))(empty)
    assert found.shape == (0, 3)
