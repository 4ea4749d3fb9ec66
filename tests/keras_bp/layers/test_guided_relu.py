import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp.layers import GuidedReLU


def build(rectifier, weights=None):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(3, 3),
            rectifier(),
            keras.layers.Flatten(),
            keras.layers.Dense(4),
            rectifier(),
            keras.layers.Dense(2),
        ]
    )
    if weights is not None:
        model.set_weights(weights)
    return model


def logit_gradient(model, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = model(x)[:, 0]
    return tape.gradient(y, x).numpy()


def reference(weights, x, rule):
    """The map of `build`'s network by NumPy, one image."""
    kernel, bias, w1, b1, w2, _ = [w.astype("float64") for w in weights]
    patches = np.lib.stride_tricks.sliding_window_view(x[:, :, 0], (3, 3))
    h0 = np.einsum("ijkl,klf->ijf", patches, kernel[:, :, 0]) + bias
    h1 = np.maximum(h0, 0).ravel() @ w1 + b1

    def back(r, h):
        gate = (h > 0).astype(float)
        return {
            "vanilla": gate * r,
            "guided": gate * np.maximum(r, 0),
            "deconvnet": np.maximum(r, 0),
        }[rule]

    r1 = back(w2[:, 0], h1)
    r0 = back((w1 @ r1).reshape(h0.shape), h0)
    out = np.zeros((6, 6))
    for i in range(4):
        for j in range(4):
            out[i : i + 3, j : j + 3] += kernel[:, :, 0] @ r0[i, j]
    return out


@pytest.mark.parametrize("rule", ["guided", "deconvnet", "vanilla"])
def test_the_map_of_a_network_matches_numpy(compiled, rule):
    keras.utils.set_random_seed(3)
    model = build(lambda: GuidedReLU(rule))
    x = tf.random.stateless_normal((1, 6, 6, 1), [1, 2])
    found = compiled(lambda x: model(x))(x)  # forward in each mode
    np.testing.assert_allclose(found, model(x), rtol=1e-5)
    expected = reference(model.get_weights(), x.numpy()[0], rule)
    np.testing.assert_allclose(
        logit_gradient(model, x)[0, :, :, 0], expected, atol=1e-6
    )


def test_forward_equals_the_relu_of_keras():
    model = build(GuidedReLU)
    plain = build(keras.layers.ReLU, model.get_weights())
    x = tf.random.stateless_normal((2, 6, 6, 1), [1, 2])
    np.testing.assert_array_equal(model(x), plain(x))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"rule": "deconv"},
            "GuidedReLU.*`rule`.*'deconvnet'.*'deconv'",
        ),
        ({"max_value": -1.0}, "`max_value`.*max_value=-1.0, threshold=0"),
        ({"negative_slope": -0.1}, "`negative_slope`.*-0.1"),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        GuidedReLU(**arguments)
