import numpy as np
import pytest
import tensorflow as tf

from keras_bp import ops
from keras_bp.ops.kerr_rotation import lookup_phasor

RNG = np.random.default_rng(0)


def as_complex(pairs):
    pairs = np.asarray(pairs)
    return pairs[..., 0::2] + 1j * pairs[..., 1::2]


def test_the_exact_rotation_is_a_complex_product(compiled):
    u, theta = RNG.normal(size=(2, 5, 4)), RNG.normal(size=(2, 5, 1))
    z = compiled(ops.kerr_rotation)(tf.constant(u), tf.constant(theta))
    expected = as_complex(u) * np.exp(-1j * theta)
    np.testing.assert_allclose(as_complex(z), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("method", "order"), [("taylor2", 3), ("taylor3", 4)])
def test_a_taylor_rotation_errs_by_its_first_missing_term(method, order):
    u = np.ones((1, 1, 2)) * [1.0, 0.0]
    errors = []
    for theta in (0.1, 0.05):
        theta = np.full((1, 1, 1), theta)
        z = as_complex(ops.kerr_rotation(u, theta, method))
        errors.append(np.abs(z - np.exp(-1j * theta)).item())
    # A sixth is rounded to 171/1024, which keeps a part of the cubic term.
    least = {3: 7.9, 4: 13.0}[order]
    assert errors[0] < 0.1**order / 5 and errors[0] / errors[1] > least


def test_a_table_gives_its_entry_and_the_derivative_with_entries(
    value_and_gradient,
):
    theta = tf.constant([-0.5, -0.01, 0.0, 0.49, 0.5, 9.0])
    cosines, sines = np.array([5.0, 6, 7, 8]), np.array([1.0, 2, 3, 4])
    tables = [tf.constant(table, "float32") for table in (cosines, sines)]
    (cosine, sine), gradient = value_and_gradient(
        lambda theta: lookup_phasor(theta, *tables, -2, 0.5),
        theta,
        upstream=[tf.fill([6], 10.0), tf.fill([6], 100.0)],
    )
    np.testing.assert_array_equal(cosine, [6, 6, 7, 7, 8, 8])
    np.testing.assert_array_equal(sine, [2, 2, 3, 3, 4, 4])
    np.testing.assert_array_equal(gradient, 100 * cosine - 10 * sine)


def test_an_unknown_method_raises():
    with pytest.raises(ValueError, match="expects `method` to be one of"):
        ops.kerr_rotation(np.ones((1, 1, 2)), np.ones((1, 1, 1)), "taylor9")


def test_an_odd_number_of_channels_is_refused():
    with pytest.raises(ValueError, match=r"even number of channels.*2, 3, 3"):
        ops.kerr_rotation(tf.zeros((2, 3, 3)), tf.zeros((2, 3, 1)))
