"""Small models, each made once, for the cases of what takes a model."""

import keras
from argument_cases import cached
from backend_cases import normal
from row_costs import sum_of_squares

from keras_bp import layers, training

Z = normal(4, 2)


@cached
def generator():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(4, activation="tanh"),
            keras.layers.Dense(6),
        ]
    )


@cached
def discriminator():
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])


@cached
def classifier():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(3, 3, activation="relu", name="conv"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


@cached
def net():
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(4, activation="relu"),
            keras.layers.Dense(2),
        ]
    )


@cached
def bits():
    """A graph of one node and one cost, compiled."""
    keras.utils.set_random_seed(0)
    x = keras.Input((2,))
    node = layers.StochasticNode(estimator="disarm", name="bits")
    cost = layers.CostNode(sum_of_squares)(node(keras.layers.Dense(2)(x)))
    model = training.SurrogateModel(x, cost)
    model.compile("sgd")
    return model


@cached
def critics():
    x = keras.Input((2,))
    node = layers.StochasticNode(estimator="auto", name="bits")
    y = keras.layers.Dense(1)(node(keras.layers.Dense(2)(x)))
    model = training.BackpropQModel(x, y)
    model.compile("sgd", loss="mse")
    model.fit(Z, Z[:, :1], verbose=0)
    return model


@cached
def square():
    return keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(64),
            keras.layers.Reshape((8, 8, 1)),
        ]
    )


@cached
def refiner():
    return training.residual_refiner((8, 8, 1), filters=4)


def figure():
    from matplotlib.figure import Figure

    return Figure()
