"""The graphs of Figs. 1 to 8 of the Backprop-Q paper, made of bits.

Each node is a bit, whose logit is an offset and the sum of 2x - 1 over its
parents; each cost is the squared distance of a sum of bits from a number. The
offsets are one weight, whose gradient is to be found.
"""

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_bp.layers import CostNode, StochasticNode

# What every example of a batch is: all that varies is drawn.
ONE = np.ones((1, 1), "float32")


@keras.saving.register_keras_serializable(package="keras_bp_examples")
class SquaredSum:
    """The squared distance of a sum from a number.

    Args:
        target: Float.
    """

    def __init__(self, target):
        self.target = target

    def __call__(self, *values):
        return ops.sum((sum(values) - self.target) ** 2, axis=-1)

    def get_config(self):
        return {"target": self.target}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@dataclasses.dataclass(frozen=True)
class Graph:
    """A graph of bits.

    Attributes:
        figure: String, where the paper has it.
        nodes: Dictionary from the name of a node to the names of its parents.
        costs: Dictionary from the name of a cost to a pair: the nodes that it
            is of, and the number from which their sum is to be far.
        offsets: Tuple of floats, or empty for zeros.
    """

    figure: str
    nodes: dict
    costs: dict
    offsets: tuple = ()

    def model(self, model_class, estimator="auto", seed=0, samples=1):
        """The graph, not compiled.

        Args:
            model_class: A `keras_bp.training.SurrogateModel`.
            estimator: String, of all nodes.
            seed: Integer.
            samples: Integer, of the first node.
        """
        x = keras.Input((1,), name="one")
        number = len(self.nodes)
        layer = keras.layers.Dense(
            number, use_bias=False, kernel_initializer="zeros", name="offsets"
        )
        logits, bits = layer(x), {}
        for index, (name, parents) in enumerate(self.nodes.items()):
            logit = logits[:, index : index + 1]
            for parent in parents:
                logit = logit + 2 * bits[parent] - 1
            bits[name] = StochasticNode(
                "bernoulli",
                estimator,
                samples=1 if index else samples,
                seed=100 * seed + index,
                name=name,
            )(logit)
        costs = [
            CostNode(SquaredSum(target), name=name)([bits[x] for x in parents])
            for name, (parents, target) in self.costs.items()
        ]
        model = model_class(x, costs)
        if self.offsets:
            layer.kernel.assign([self.offsets])
        return model


def _layers(number, width):
    """Layers of bits, each of which sees all of the layer before."""
    nodes, costs, before = {}, {}, ()
    for layer in range(number):
        names = tuple(f"x{layer}{i}" for i in range(width))
        nodes |= dict.fromkeys(names, before)
        costs |= {f"c{x}": ((x, *before[:1]), 0.3 + 0.2 * layer) for x in names}
        before = names
    return nodes, costs


GRAPHS = {
    "bypass": Graph(
        "Fig. 1",
        {
            "x1": (),
            "x2": ("x1",),
            "x3": ("x2",),
            "y1": (),
            "y2": ("y1",),
            "z": ("x3", "x1", "y2", "y1"),
        },
        {"f": (("z",), -0.6)},
        (0.3, -0.2, 0.5, -0.4, 0.1, 0.2),
    ),
    "diamond": Graph(
        "Fig. 2a",
        {"x": (), "y": ("x",), "z": ("x",)},
        {"f1": (("y",), 0.45), "f2": (("y", "z"), 0.9)},
    ),
    "wrapped chain": Graph(
        "Fig. 2d, 2e",
        {"x": (), "y": ("x",), "z": ("y",)},
        {
            "f1": (("x",), 0.2),
            "f2": (("x", "y"), 0.7),
            "f3": (("y", "z"), 1.3),
        },
        (0.4, -0.3, 0.2),
    ),
    "shared chain": Graph(
        "Fig. 3",
        {"x1": (), "x2": ("x1",), "x3": ("x2",), "x4": ("x3",)},
        {"f1": (("x2", "x3"), 0.8), "f2": (("x1", "x4"), 0.6)},
        (0.2, -0.5, 0.3, 0.4),
    ),
    "layers": Graph("Fig. 4", *_layers(3, 2), (0.3, -0.3, 0.2, -0.4, 0.5, 0.1)),
    "one cost": Graph(
        "Fig. 5",
        {"x": (), "y1": ("x",), "y2": ("x",), "z": ("y1", "y2")},
        {"f": (("z",), 0.1)},
        (0.3, -0.2, 0.4, 0.1),
    ),
    "two costs": Graph(
        "Fig. 6",
        {
            "x": (),
            "y1": ("x",),
            "y2": ("x",),
            "z1": ("y1",),
            "z2": ("y2",),
        },
        {"f1": (("z1",), 0.1), "f2": (("z2",), 0.7)},
        (0.2, 0.4, -0.3, 0.3, -0.1),
    ),
    "replay": Graph(
        "Fig. 7",
        {
            "a": (),
            "x": ("a",),
            "a1": (),
            "b1": ("a1",),
            "b2": (),
            "y1": ("x", "b1"),
            "y2": ("x", "b2"),
        },
        {"f1": (("y1", "a1"), 0.8), "f2": (("y2", "a"), 0.3)},
        (0.2, -0.3, 0.4, 0.1, -0.2, 0.3, -0.4),
    ),
    "one parent": Graph(
        "Fig. 8a",
        {"x": (), "y": ("x",)},
        {"f": (("y",), 0.2)},
        (0.3, -0.4),
    ),
    "two parents": Graph(
        "Fig. 8b",
        {"x1": (), "x2": (), "y": ("x1", "x2")},
        {"f": (("y",), 0.2)},
        (0.3, -0.4, 0.2),
    ),
    "two children": Graph(
        "Fig. 8c",
        {"x": (), "y1": ("x",), "y2": ("x",)},
        {"f": (("y1", "y2"), 0.6)},
        (0.3, -0.4, 0.2),
    ),
    "two of both": Graph(
        "Fig. 8d",
        {"x1": (), "x2": (), "y1": ("x1", "x2"), "y2": ("x1", "x2")},
        {"f": (("y1", "y2"), 0.6)},
        (0.3, -0.4, 0.2, 0.1),
    ),
}
