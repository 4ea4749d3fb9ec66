import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from small_generators import elementwise, exponential, linear, smooth

from keras_bp.spectral.jacobian_operator import JacobianOperator
from keras_bp.spectral.traverse import Traversal, traverse

RNG = np.random.default_rng(0)
MATRIX = np.random.default_rng(1).normal(size=(6, 3))
_, VALUES, RIGHT = np.linalg.svd(MATRIX, full_matrices=False)
Z = np.random.default_rng(2).normal(size=(2, 3)).astype("float32")


@pytest.mark.parametrize(
    ("direction", "unit"), [(1, "latent"), (0, "output"), (-1, "output")]
)
def test_a_linear_generator_is_left_along_a_singular_vector(direction, unit):
    found = traverse(linear(MATRIX), Z, direction, 4, 0.3, unit)
    assert isinstance(found, Traversal)
    vector, value = RIGHT[direction], VALUES[direction]
    vector = vector * np.sign(vector[np.argmax(np.abs(vector))])
    length = 0.3 if unit == "latent" else 0.3 / value
    places = length * np.arange(-4, 5)
    wanted = Z[:, None] + places[:, None] * vector
    np.testing.assert_allclose(found.latents, wanted, atol=2e-5)
    np.testing.assert_allclose(
        found.outputs, wanted @ MATRIX.T, rtol=1e-3, atol=1e-4
    )
    steps = np.diff(found.outputs, axis=1)
    lengths = np.linalg.norm(steps, axis=-1)
    np.testing.assert_allclose(lengths, length * value, rtol=1e-3)
    np.testing.assert_allclose(found.singular_values, value, rtol=1e-5)
    np.testing.assert_allclose(found.overlaps, 1.0, rtol=1e-6)


def test_a_branch_is_followed_where_eigenvalues_cross():
    # J = diag(exp z_1, 2): the first is the smaller one until log 2.
    def function(z):
        return ops.stack([ops.exp(z[:, 0]), 2.0 * z[:, 1]], axis=1)

    found = traverse(elementwise(function, 2), np.zeros((1, 2)), 1, 4, 0.25)
    places = 0.25 * np.arange(-4, 5)
    np.testing.assert_allclose(found.latents[0, :, 0], places, atol=1e-6)
    np.testing.assert_allclose(found.latents[0, :, 1], 0, atol=1e-6)
    np.testing.assert_allclose(
        found.singular_values[0], np.exp(places), rtol=1e-5
    )
    assert found.singular_values[0, -1] > 2 > found.singular_values[0, 4]


def test_steps_have_equal_length_in_the_output_up_to_the_third_order():
    model, errors = exponential(3), []
    for size in (0.1, 0.05):
        found = traverse(
            model, np.array([[0.0, -1.0, -2.0]]), 0, 6, size, "output"
        )
        lengths = np.linalg.norm(np.diff(found.outputs[0], axis=0), axis=-1)
        errors.append(np.abs(lengths - size).max())
    assert errors[0] < 1e-3 and errors[1] < errors[0] / 6
    in_latents = np.diff(found.latents[0, :, 0])
    assert in_latents.max() > 1.5 * in_latents.min()


def test_a_sphere_is_not_left():
    model = smooth(3, 8)
    found = traverse(model, Z, 1, 10, 0.2, constraint="sphere")
    radius = np.linalg.norm(Z, axis=1)
    np.testing.assert_allclose(
        np.linalg.norm(found.latents, axis=-1), np.tile(radius, (21, 1)).T, 1e-5
    )
    lengths = np.linalg.norm(np.diff(found.latents, axis=1), axis=-1)
    np.testing.assert_allclose(lengths, 0.2, rtol=0.02)
    assert np.min(found.overlaps) > 0.9
    # The identity on a sphere has equal values, and that along the radius
    # is not one of them.
    found = traverse(linear(np.eye(3)), Z, 1, 1, constraint="sphere")
    np.testing.assert_allclose(found.singular_values, 1.0, rtol=1e-5)


def test_each_step_goes_along_an_eigenvector_at_its_middle():
    model = smooth(3, 8, dtype="float64")
    found = traverse(model, tf.constant(Z, "float64"), 1, 8, 0.05)
    np.testing.assert_allclose(found.latents[:, 8], Z, rtol=1e-6)
    np.testing.assert_allclose(found.outputs[:, 8], model(Z), rtol=1e-6)
    path = np.asarray(found.latents[0])
    steps, middles = np.diff(path, axis=0), (path[1:] + path[:-1]) / 2
    # A wrong branch would be another eigenvector: the value is followed too.
    for step, middle, value in zip(
        steps, middles, found.singular_values[0], strict=False
    ):
        matrix = JacobianOperator(model, middle[None]).dense()[0].numpy()
        product = matrix.T @ (matrix @ step)
        length = np.linalg.norm(step)
        # The value is that of the beginning of the step.
        np.testing.assert_allclose(
            np.linalg.norm(product), value**2 * length, rtol=0.05
        )
        cosine = product @ step / np.linalg.norm(product) / length
        assert cosine > 0.9999


def test_it_is_the_same_in_eager_mode_and_under_xla():
    model, z = exponential(3), tf.constant(Z)

    @tf.function(jit_compile=True)
    def run(z):
        return traverse(model, z, 0, 2, unit="output")

    for a, b in zip(
        run(z), traverse(model, z, 0, 2, unit="output"), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "float64"])
def test_images_in_other_types(dtype):
    wide = dtype == "float64"
    model = keras.Sequential(
        [
            keras.Input((3,), dtype="float64" if wide else "float32"),
            keras.layers.Dense(8, dtype=dtype),
            keras.layers.Reshape((4, 2, 1), dtype=dtype),
        ]
    )
    found = traverse(model, tf.cast(Z, model.inputs[0].dtype), 0, 2, 0.1)
    assert found.outputs.shape == (2, 5, 4, 2, 1)
    assert found.singular_values.dtype == ("float64" if wide else "float32")
    assert np.isfinite(tf.cast(found.outputs, "float32")).all()


def test_bad_arguments_are_refused():
    model = linear(MATRIX)
    for arguments, words in (
        ({"steps": 0}, "`steps` to be 1 or greater"),
        ({"step_size": -1}, "`step_size` to be greater"),
        ({"unit": "pixel"}, "`unit` to be one of"),
        ({"constraint": "ball"}, "`constraint` to be one of"),
        ({"direction": 3}, "`direction` to be 2 or less"),
        ({"direction": -4}, "`direction` to be -3 or greater"),
        ({"direction": 2, "constraint": "sphere"}, "`direction` to be 1 or le"),
    ):
        with pytest.raises(ValueError, match=f"traverse expects {words}"):
            traverse(model, Z, **arguments)
    with pytest.raises(TypeError, match="`direction` to be an integer"):
        traverse(model, Z, 0.5)
    with pytest.raises(ValueError, match="a singular value above zero"):
        traverse(linear(np.diag([1.0, 0.0])), Z[:, :2], 1, unit="output")


def test_a_direction_within_the_rounding_of_an_inner_layer_is_refused():
    # Of rank one, up to the rounding of bfloat16; the outputs are float32.
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(1, dtype="mixed_bfloat16"),
            keras.layers.Dense(6, dtype="mixed_bfloat16"),
            keras.layers.Dense(6, dtype="float32"),
        ]
    )
    with pytest.raises(ValueError, match="a singular value above zero"):
        traverse(model, np.ones((1, 2), "float32"), 1, 1, 0.5, "output")
