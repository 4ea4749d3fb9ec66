import keras
import pytest

from keras_bp.ops._activations import supported_activation


@pytest.mark.parametrize(
    ("activation", "name", "slope"),
    [
        (None, "linear", None),
        ("relu", "relu", None),
        ("swish", "silu", None),
        ("leaky_relu", "leaky_relu", 0.2),
        ("gelu", "gelu", None),
        (keras.activations.tanh, "tanh", None),
        (keras.activations.leaky_relu, "leaky_relu", 0.2),
        (keras.ops.arctan, "arctan", None),
        (keras.ops.sigmoid, "sigmoid", None),
        (keras.ops.gelu, "gelu_tanh", None),
        (keras.layers.ReLU(), "relu", None),
        (keras.layers.ReLU(negative_slope=0.25), "leaky_relu", 0.25),
        (keras.layers.LeakyReLU(negative_slope=0.5), "leaky_relu", 0.5),
        (keras.layers.ELU(), "elu", None),
        (keras.layers.Activation("softplus"), "softplus", None),
        (keras.layers.Dense(1, activation="selu").activation, "selu", None),
    ],
)
def test_known_activations_have_a_name(activation, name, slope):
    assert supported_activation(activation) == (name, slope)


@pytest.mark.parametrize(
    "activation",
    [
        "softmax",
        "no such activation",
        lambda x: x,
        ["relu"],
        keras.layers.ReLU(max_value=6.0),
        keras.layers.ReLU(threshold=1.0),
        keras.layers.ELU(alpha=0.5),
        keras.layers.PReLU(),
        keras.layers.Dense(1),
        keras.layers.Activation("relu6"),
    ],
)
def test_other_activations_have_none(activation):
    assert supported_activation(activation) is None
