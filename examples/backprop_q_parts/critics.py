"""Critics that are tables: a number for each state of the scope."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_bp_examples")
class Table(keras.layers.Layer):
    """A number for each joint state of some bits, and each cost.

    Args:
        costs: Integer.
    """

    def __init__(self, costs, **kwargs):
        super().__init__(**kwargs)
        self.costs = costs

    def build(self, shapes):
        bits = sum(shape[-1] for shape in shapes)
        self.table = self.add_weight(
            name="table", shape=(2**bits, self.costs), initializer="zeros"
        )

    def call(self, inputs):
        bits = ops.concatenate(inputs, axis=-1)
        places = 2.0 ** ops.arange(bits.shape[-1], dtype=bits.dtype)
        index = ops.cast(ops.sum(bits * places, axis=-1) + 0.5, "int32")
        # A product, so that a table is trained as any layer is.
        hot = ops.one_hot(index, self.table.shape[0], dtype=self.compute_dtype)
        return hot @ self.table

    def compute_output_shape(self, shapes):
        return (shapes[0][0], self.costs)

    def get_config(self):
        return {**super().get_config(), "costs": self.costs}


def tables(graph):
    """A `Table` for each node of a `Graph`.

    Returns:
        Dictionary, for `networks` of `keras_bp.training.CriticOptions`.
    """
    below = {name: set() for name in graph.nodes}
    for cost in graph.costs:
        left = list(graph.seen(cost))
        while left:
            name = left.pop()
            below[name].add(cost)
            left += graph.nodes[name]
    return {
        name: Table(len(costs), name=f"table_{name}")
        for name, costs in below.items()
    }
