import keras
import numpy as np
import pytest
import tensorflow as tf
from small_generators import exponential, linear, smooth

from keras_bp.spectral.ascend_likelihood import Ascent, ascend_likelihood

RNG = np.random.default_rng(0)


def quadratic(z):
    """log p(exp z) of a normal prior: its maximum is n/2 less, at -1."""
    n = z.shape[-1]
    return (
        -0.5 * np.sum(z**2, axis=-1)
        - np.sum(z, axis=-1)
        - 0.5 * n * np.log(2 * np.pi)
    )


def test_the_maximum_of_a_quadratic_likelihood_is_found():
    z0 = RNG.normal(size=(4, 3)).astype("float32")
    found = ascend_likelihood(exponential(3), z0, steps=60, constraint=None)
    assert isinstance(found, Ascent)
    np.testing.assert_allclose(found.latents, -np.ones((4, 3)), atol=1e-3)
    np.testing.assert_allclose(found.outputs, np.exp(found.latents), rtol=1e-5)
    trace = np.asarray(found.log_likelihood)
    assert trace.shape == (61, 4)
    np.testing.assert_allclose(trace[0], quadratic(z0), rtol=1e-4)
    np.testing.assert_allclose(trace[-1], quadratic(-np.ones(3)), rtol=1e-4)
    np.testing.assert_array_equal(found.start, z0)
    np.testing.assert_allclose(found.start_outputs, np.exp(z0), rtol=1e-5)


def test_the_maximum_on_a_sphere_is_found_and_the_radius_kept():
    z0 = RNG.normal(size=(4, 3)).astype("float32")
    found = ascend_likelihood(exponential(3), z0, steps=80)
    radius = np.linalg.norm(z0, axis=1, keepdims=True)
    wanted = -radius * np.ones((4, 3)) / np.sqrt(3)
    np.testing.assert_allclose(found.latents, wanted, atol=3e-3)
    np.testing.assert_allclose(
        np.linalg.norm(found.latents, axis=1), radius[:, 0], rtol=1e-5
    )


def test_a_ball_is_left_only_inward():
    # The maximum, -1, lies outside of the first ball and in the second.
    z0 = np.array([[0.5, 0.5, 0.5], [-2.0, -1.0, -2.0]], "float32")
    found = ascend_likelihood(
        exponential(3), z0, steps=80, constraint="ball"
    ).latents
    np.testing.assert_allclose(found[0], [-0.5] * 3, atol=3e-3)
    np.testing.assert_allclose(found[1], [-1.0] * 3, atol=3e-3)


def test_no_likelihood_ever_falls():
    model = smooth(3, 8)
    z0 = RNG.normal(size=(6, 3))
    # A rate that goes far too far at first.
    trace = np.asarray(ascend_likelihood(model, z0, 40, 1e3).log_likelihood)
    assert (np.diff(trace, axis=0) >= 0).all()
    assert (trace[-1] > trace[0] + 0.01).all()


def test_each_example_climbs_alone_with_a_rate_of_its_own():
    model = exponential(3)
    # On small spheres a rate is too large that is not on others.
    scales = np.array([[0.1], [1.0], [3.0]])
    z0 = (scales * RNG.normal(size=(3, 3))).astype("float32")
    together = ascend_likelihood(model, z0, 8, 4.0)
    for i in range(2):
        alone = ascend_likelihood(model, z0[i : i + 1], 8, 4.0)
        np.testing.assert_allclose(
            together.log_likelihood[:, i],
            alone.log_likelihood[:, 0],
            rtol=1e-4,
        )


def test_a_flat_likelihood_stays_where_it_is():
    z0 = RNG.normal(size=(2, 3)).astype("float32")
    found = ascend_likelihood(linear(RNG.normal(size=(5, 3))), z0, 5)
    np.testing.assert_allclose(found.latents, z0, rtol=1e-6)


@pytest.mark.slow
def test_it_is_the_same_in_eager_mode_and_under_xla():
    model, z0 = exponential(3), tf.constant(RNG.normal(size=(4, 3)), "float32")

    @tf.function(jit_compile=True)
    def run(z):
        return ascend_likelihood(model, z, 5)

    for a, b in zip(run(z0), ascend_likelihood(model, z0, 5), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_latents_of_a_shape_in_double_and_another_prior():
    x = keras.Input((2, 2), dtype="float64")
    model = keras.Model(x, keras.ops.exp(x))
    z0 = tf.constant(RNG.normal(size=(3, 2, 2)))
    found = ascend_likelihood(
        model,
        z0,
        40,
        prior=lambda z: -tf.reduce_sum(z**2, axis=[1, 2]),
        constraint=None,
    )
    assert found.latents.dtype == "float64"
    np.testing.assert_allclose(found.latents, -0.5 * np.ones((3, 2, 2)), 1e-3)


def test_bfloat16_is_climbed_and_zero_steps_are_none():
    model = smooth(3, 8, dtype="mixed_bfloat16")
    z0 = RNG.normal(size=(4, 3)).astype("float32")
    found = ascend_likelihood(model, z0, 10)
    trace = np.asarray(found.log_likelihood)
    assert trace.dtype == "float32" and (trace[-1] > trace[0]).all()
    none = ascend_likelihood(exponential(3), z0, 0)
    assert none.log_likelihood.shape == (1, 4)
    np.testing.assert_allclose(none.latents, none.start, rtol=0.01)


def test_bad_arguments_are_refused():
    model, z0 = exponential(2), np.zeros((1, 2))
    for arguments, words in (
        ({"steps": -1}, "`steps` to be 0 or greater"),
        ({"learning_rate": 0}, "`learning_rate` to be greater"),
        ({"constraint": "cube"}, "`constraint` to be one of"),
    ):
        with pytest.raises(ValueError, match=f"ascend_likelihood exp.*{words}"):
            ascend_likelihood(model, z0, **arguments)
    with pytest.raises(ValueError, match="ascend_likelihood expects `z`"):
        ascend_likelihood(model, np.zeros((1, 3)))
    with pytest.raises(ValueError, match="starts of a finite likelihood"):
        ascend_likelihood(model, np.full((1, 2), 3.0), prior="uniform")


def test_a_singular_metric_is_no_end_and_is_warned_of_as_a_start():
    rng = np.random.default_rng(0)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(4, activation="relu"),
            keras.layers.Dense(5),
        ]
    )
    # Where z is negative, both of its entries do nothing.
    kernels = np.array([[1.0, 0, 1, 0], [0, 1, 0, 1]]), rng.normal(size=(4, 5))
    model.set_weights([kernels[0], np.zeros(4), kernels[1], np.zeros(5)])
    z = np.array([[0.3, 0.2], [0.1, 0.9], [1.0, 1.0]])
    found = ascend_likelihood(model, z, steps=40, constraint=None)
    assert np.isfinite(found.error).all()
    assert (np.asarray(found.latents) > 0).all()
    with pytest.warns(UserWarning, match="1 of 2 examples start"):
        lost = ascend_likelihood(model, np.array([[-1.0, -1], [1, 1]]), steps=2)
    assert np.isinf(lost.error[0])
    np.testing.assert_array_equal(lost.latents[0], [-1, -1])


def test_errors_are_returned_anyway_and_draws_need_a_seed():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    with pytest.raises(TypeError, match="error anyway"):
        ascend_likelihood(model, np.ones((1, 2)), return_error=True)
    with pytest.raises(ValueError, match="an integer as `seed`.*'slq'"):
        ascend_likelihood(model, np.ones((1, 2)), method="slq")
