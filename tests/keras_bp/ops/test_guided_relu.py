import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp import ops

X = np.array([-2.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 7.0])
ALTERNATING = np.array([1.0, -2.0] * 4)
FORMS = [
    {},
    {"max_value": 6.0},
    {"negative_slope": 0.25},
    {"threshold": 1.0},
    {"max_value": 3.0, "negative_slope": 0.5, "threshold": 0.5},
]


def gate(max_value=None, negative_slope=0.0, threshold=0.0):
    g = np.where(threshold < X, 1.0, negative_slope)
    return g if max_value is None else np.where(max_value > X, g, 0.0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("rule", ["guided", "deconvnet", "vanilla"])
def test_values_and_gradients_match_the_formulas(
    compiled, value_and_gradient, rule, dtype
):
    x = tf.cast(tf.constant(X), dtype)
    for form in FORMS:
        for upstream in (ALTERNATING, -ALTERNATING):

            @compiled
            def run(x, upstream, form=form):
                return value_and_gradient(
                    lambda x: ops.guided_relu(x, rule, **form), x, upstream
                )

            y, dx = run(x, tf.cast(tf.constant(upstream), dtype))
            assert y.dtype == x.dtype and dx.dtype == x.dtype
            # The layer of Keras, which computes in the dtype of `x`.
            keras_relu = keras.layers.ReLU(
                **{"threshold": 0.0, **form}, dtype=dtype
            )
            np.testing.assert_array_equal(
                tf.cast(y, "float64"), tf.cast(keras_relu(x), "float64")
            )
            expected = {
                "guided": gate(**form) * np.maximum(upstream, 0),
                "deconvnet": np.maximum(upstream, 0),
                "vanilla": gate(**form) * upstream,
            }[rule]
            np.testing.assert_array_equal(tf.cast(dx, "float64"), expected)


@pytest.mark.parametrize("form", FORMS)
def test_vanilla_is_the_gradient_of_keras_off_the_edges(
    value_and_gradient, form
):
    edges = [form.get("threshold", 0.0), form.get("max_value")]
    x = tf.constant(np.array([v for v in X if v not in edges]), "float32")
    keras_relu = keras.layers.ReLU(**form)
    _, expected = value_and_gradient(keras_relu, x)
    _, dx = value_and_gradient(
        lambda x: ops.guided_relu(x, "vanilla", **form), x
    )
    np.testing.assert_allclose(dx, expected)


def test_bad_arguments_are_refused():
    x = tf.zeros(2)
    with pytest.raises(ValueError, match="rule.*'deconvnet'.*'deconv'"):
        ops.guided_relu(x, "deconv")
    with pytest.raises(ValueError, match="`max_value`.*max_value=1.*threshold"):
        ops.guided_relu(x, max_value=1, threshold=1)
    with pytest.raises(ValueError, match="`max_value`.*number.*'a'"):
        ops.guided_relu(x, max_value="a")
    with pytest.raises(ValueError, match="`threshold`.*number.*nan"):
        ops.guided_relu(x, threshold=float("nan"))
    with pytest.raises(ValueError, match="`negative_slope`.*-1"):
        ops.guided_relu(x, negative_slope=-1)


def test_a_threshold_below_zero_is_refused_as_keras_does():
    with pytest.raises(ValueError, match="`threshold`.*-0.5"):
        ops.guided_relu(tf.zeros(2), threshold=-0.5)
