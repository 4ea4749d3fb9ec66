import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_generators import linear, smooth

from keras_bp.losses.spectral_penalty import SpectralPenalty

RNG = np.random.default_rng(0)
MATRIX = np.random.default_rng(1).normal(size=(5, 3))
VALUES = np.linalg.svd(MATRIX, compute_uv=False)
METRIC = MATRIX.T @ MATRIX
Z = np.random.default_rng(2).normal(size=(4, 3)).astype("float32")

# Arguments, and the value for singular values that are the same everywhere.
CASES = [
    ({"target": "log_det"}, np.log(VALUES).sum()),
    ({"target": "log_det", "weight": -2.0}, -2 * np.log(VALUES).sum()),
    (
        {"target": "log_det", "value": 1.5},
        (np.log(VALUES).sum() - 1.5) ** 2,
    ),
    (
        {"target": "log_det", "ridge": 0.3},
        0.5 * np.log(VALUES**2 + 0.3).sum(),
    ),
    ({"target": "isometry"}, np.sum((METRIC - np.eye(3)) ** 2)),
    (
        {"target": "isometry", "value": 2.0},
        np.sum((METRIC / 2 - np.eye(3)) ** 2),
    ),
    (
        {"target": "isometry", "value": "mean", "weight": 0.5},
        0.5 * np.sum((METRIC / (np.trace(METRIC) / 3) - np.eye(3)) ** 2),
    ),
    ({"target": "condition"}, np.log(VALUES[0] / VALUES[-1])),
    (
        {"target": "condition", "ridge": 0.2},
        0.5 * np.log((VALUES[0] ** 2 + 0.2) / (VALUES[-1] ** 2 + 0.2)),
    ),
    ({"target": "trace", "weight": 3.0}, 3 * np.trace(METRIC)),
    ({"target": "schatten"}, VALUES.sum()),
    ({"target": "schatten", "order": 3.0}, np.sum(VALUES**3) ** (1 / 3)),
    ({"target": "schatten", "order": math.inf}, VALUES[0]),
]


@pytest.fixture(scope="module")
def model():
    return linear(MATRIX)


@pytest.fixture(scope="module")
def curved():
    return smooth(3, 5)


def ids(case):
    return "-".join(map(str, case.values())) if isinstance(case, dict) else ""


@pytest.mark.parametrize(("arguments", "wanted"), CASES, ids=ids)
def test_each_target_is_its_formula(arguments, wanted, model):
    found = SpectralPenalty(**arguments)(model, Z)
    np.testing.assert_allclose(float(found), wanted, rtol=2e-5)


def test_the_mean_is_over_latents(curved):
    found = float(SpectralPenalty("trace")(curved, Z))
    each = [float(SpectralPenalty("trace")(curved, z[None])) for z in Z]
    assert np.std(each) > 0.05
    np.testing.assert_allclose(found, np.mean(each), rtol=1e-5)


@pytest.mark.slow
def test_gradients_under_xla_are_those_of_finite_differences():
    model = smooth(3, 5, dtype="float64")
    z = tf.constant(Z, "float64")
    kernel = model.trainable_variables[0]

    def loss(z):
        return sum(
            SpectralPenalty(target, weight)(model, z)
            for target, weight in (
                ("log_det", 1.0),
                ("isometry", 0.1),
                ("condition", 2.0),
                ("schatten", 0.3),
            )
        )

    def gradients(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = loss(z)
        return value, *tape.gradient(value, [z, kernel.value])

    _, *slopes = tf.function(gradients, jit_compile=True)(z)
    value, step, found = tf.function(loss), 1e-5, []
    along = [RNG.normal(size=x.shape) for x in slopes]
    ends = [value(z + sign * step * along[0]) for sign in (1, -1)]
    found.append((ends[0] - ends[1]) / (2 * step))
    before, ends = kernel.numpy(), []
    for sign in (1, -1):
        kernel.assign(before + sign * step * along[1])
        ends.append(value(z))
    found.append((ends[0] - ends[1]) / (2 * step))
    for slope, direction, difference in zip(slopes, along, found, strict=True):
        np.testing.assert_allclose(
            np.sum(slope * direction), difference, rtol=1e-6
        )


def test_descent_on_the_isometry_finds_one():
    model = linear(MATRIX / 3)
    model.layers[0].bias.trainable = False
    optimizer = keras.optimizers.SGD(0.05)
    kernel = model.layers[0].kernel

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = SpectralPenalty("isometry")(model, Z[:1])
        optimizer.apply([tape.gradient(loss, kernel.value)], [kernel])

    for _ in range(150):
        step()
    found = kernel.numpy() @ kernel.numpy().T
    np.testing.assert_allclose(found, np.eye(3), atol=1e-3)


@pytest.mark.parametrize(
    ("target", "value", "jit_compile"),
    [("trace", None, False), ("isometry", 2.0, True)],
)
def test_estimates_have_the_mean_of_what_is_exact(
    target, value, jit_compile, curved
):
    exact = float(SpectralPenalty(target, value=value)(curved, Z))
    penalty = SpectralPenalty(target, value=value, probes=400, seed=1)
    found = tf.function(lambda: penalty(curved, Z), jit_compile=jit_compile)
    draws = np.array([float(found()) for _ in range(12)])
    assert np.std(draws) > 0
    error = np.std(draws, ddof=1) / np.sqrt(len(draws))
    assert abs(draws.mean() - exact) < 4 * error
    assert error < 0.05 * exact


def test_signs_estimate_what_is_diagonal_exactly():
    # v' M v of signs is the trace of a diagonal M, whatever the signs.
    model = linear(np.diag([1.0, 2.0, 3.0]))
    found = SpectralPenalty("trace", probes=1, seed=0)(model, Z)
    np.testing.assert_allclose(float(found), 14.0, rtol=1e-6)
    mean = SpectralPenalty("isometry", value="mean", probes=1, seed=0)
    exact = SpectralPenalty("isometry", value="mean")(model, Z)
    np.testing.assert_allclose(float(mean(model, Z)), exact, rtol=1e-5)


def test_a_seed_gives_the_same_probes(curved):
    def draws(seed):
        penalty = SpectralPenalty("trace", probes=1, seed=seed)
        return [float(penalty(curved, Z)) for _ in range(2)]

    one = draws(3)
    assert one == draws(3) and one != draws(4) and one[0] != one[1]


def test_the_volume_is_estimated_by_quadrature(curved):
    exact = float(SpectralPenalty("log_det")(curved, Z))
    penalty = SpectralPenalty("log_det", probes=30, seed=1)
    draws = np.array([float(penalty(curved, Z)) for _ in range(4)])
    error = np.std(draws, ddof=1) / np.sqrt(len(draws))
    assert error > 0 and abs(draws.mean() - exact) < 5 * error + 1e-3


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "float64"])
def test_half_precision_is_widened_and_double_kept(dtype, model):
    other = linear(MATRIX, dtype=dtype)
    z = tf.cast(Z, "bfloat16" if dtype == "mixed_bfloat16" else dtype)
    for target in ("log_det", "isometry", "condition", "trace", "schatten"):
        penalty = SpectralPenalty(target)
        exact, found = float(penalty(model, Z)), penalty(other, z)
        assert found.dtype == ("float64" if dtype == "float64" else "float32")
        rtol = 2e-5 if dtype == "float64" else 0.03
        np.testing.assert_allclose(float(found), exact, rtol=rtol)


@pytest.mark.parametrize(
    ("matrix", "norm"),
    [(np.ones((4, 3)), np.sqrt(12)), (np.diag([1.0, 2.0, 0.0]), 3.0)],
)
def test_a_singular_jacobian_has_a_finite_condition_and_norm(matrix, norm):
    model = linear(matrix)
    with tf.GradientTape() as tape:
        found = [
            SpectralPenalty(target)(model, Z)
            for target in ("condition", "schatten")
        ]
        total = sum(found)
    gradient = tape.gradient(total, model.layers[0].kernel.value)
    assert np.isfinite(gradient).all()
    assert 10 < float(found[0]) < np.inf
    np.testing.assert_allclose(float(found[1]), norm, rtol=1e-5)


def test_its_config_makes_it_anew():
    arguments = {
        "target": "log_det",
        "weight": -0.5,
        "value": None,
        "order": math.inf,
        "ridge": 0.1,
        "probes": 3,
        "seed": 4,
    }
    penalty = SpectralPenalty(**arguments)
    config = keras.saving.serialize_keras_object(penalty)
    assert config["registered_name"] == "keras_bp>SpectralPenalty"
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == arguments


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"target": "volume"}, "`target` to be one of"),
        ({"target": "trace", "weight": -1.0}, "`weight` to be zero or gr"),
        ({"target": "log_det", "weight": -1, "value": 0.0}, "`weight` to be z"),
        ({"target": "log_det", "weight": math.nan}, "`weight` to be a finite"),
        ({"target": "trace", "value": 1.0}, "`value` for 'log_det' and"),
        ({"target": "isometry", "value": 0.0}, "`value` to be greater than"),
        ({"target": "log_det", "value": "mean"}, "`value` to be a finite"),
        ({"target": "schatten", "order": 0.5}, "`order` to be 1 or greater"),
        ({"target": "schatten", "order": math.nan}, "`order` to be a finite"),
        ({"target": "log_det", "ridge": -1.0}, "`ridge` to be zero or gr"),
        ({"target": "schatten", "probes": 2}, "`probes` for one of"),
        ({"target": "trace", "probes": 0}, "`probes` to be 1 or greater"),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=f"SpectralPenalty expects {words}"):
        SpectralPenalty(**arguments)


def test_it_is_no_loss_of_compile():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    model.compile("sgd", SpectralPenalty("trace"))
    with pytest.raises(TypeError, match=r"`compile`.*keras_bp\.spectral\.Pen"):
        model.train_on_batch(Z, Z)


DEAD = [
    {"target": "schatten"},
    {"target": "schatten", "order": math.inf},
    {"target": "condition"},
    {"target": "log_det"},
    {"target": "isometry", "value": "mean"},
]


@pytest.mark.parametrize("options", DEAD)
def test_a_jacobian_of_zeros_gives_no_nan(options):
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(3, activation="relu")]
    )
    model.set_weights([np.ones((1, 3)), np.zeros(3)])
    weight = model.trainable_variables[0]
    # The last has a Jacobian of zeros; and all of them have.
    for z in ([[1.0], [2.0], [-1.0]], [[-1.0], [-2.0]]):
        with tf.GradientTape() as tape:
            found = SpectralPenalty(**options)(model, tf.constant(z))
        slope = tape.gradient(found, weight.value)
        assert np.isfinite(found).all() and np.isfinite(slope).all()
