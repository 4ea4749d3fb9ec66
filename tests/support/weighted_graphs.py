"""The graphs of `stochastic_graphs`, with the offsets in a weight."""

import keras
import numpy as np

from keras_bp.training import SurrogateModel

# The input that makes an offset of each weight.
ONE = np.ones((1, 1), "float32")


def weighted(graph, offsets=None, **arguments):
    """A model whose one weight `(1, offsets)` holds the offsets of a graph.

    Args:
        graph: Model of offsets, from `stochastic_graphs`.
        offsets: List of floats, or None for zeros.
        **arguments: Those of `compile`.
    """
    x = keras.Input((1,))
    size = graph.inputs[0].shape[-1]
    layer = keras.layers.Dense(
        size, use_bias=False, kernel_initializer="zeros", name="offsets"
    )
    model = SurrogateModel(x, graph(layer(x)))
    if offsets is not None:
        layer.kernel.assign([offsets])
    model.compile("sgd", **arguments)
    return model
