"""The graphs of Figs. 1 to 8 of the Backprop-Q paper, made of bits.

Each node is a bit, whose logit is an offset and the sum of 2x - 1 over its
parents; each cost is the squared distance of a sum of bits from a number. The
offsets are one weight, whose gradient is to be found. One more graph is of
normal nodes, of which the mean is an offset and half the sum of the parents.
"""

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_bp.layers import CostNode, StochasticNode

# What every example of a batch is: all that varies is drawn.
ONE = np.ones((1, 1), "float32")


@keras.saving.register_keras_serializable(package="keras_bp_examples")
class SquaredSums:
    """The squared distance of a sum from a number, or several of them added.

    Args:
        terms: List of pairs: which of the values are added, and the number.
    """

    def __init__(self, terms):
        self.terms = terms

    def __call__(self, *values):
        return ops.sum(
            sum(
                (sum(values[i] for i in places) - target) ** 2
                for places, target in self.terms
            ),
            axis=-1,
        )

    def get_config(self):
        return {"terms": self.terms}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@dataclasses.dataclass(frozen=True)
class Graph:
    """A graph of bits, or of normal nodes.

    Attributes:
        figure: String, where the paper has it.
        nodes: Dictionary from the name of a node to the names of its parents.
        costs: Dictionary from the name of a cost to a pair: the nodes that it
            is of, and the number from which their sum is to be near; or to
            several such pairs, wrapped in one cost.
        offsets: Tuple of floats, or empty for zeros.
        normal: Boolean, whether nodes are normal, with a deviation of 1.
    """

    figure: str
    nodes: dict
    costs: dict
    offsets: tuple = ()
    normal: bool = False

    def terms(self, cost):
        """The pairs of a cost."""
        found = self.costs[cost]
        return (found,) if isinstance(found[1], float) else found

    def seen(self, cost):
        """Names of the nodes that a cost is of, in order."""
        seen = {x for parents, _ in self.terms(cost) for x in parents}
        return tuple(name for name in self.nodes if name in seen)

    def known_gradient(self):
        """The gradient of the offsets of normal nodes, in closed form.

        A cost is the square of a mean, which is linear in the offsets, and a
        variance, which is not theirs.
        """
        means, slopes = {}, {}
        offsets = self.offsets or (0.0,) * len(self.nodes)
        for place, (name, parents) in enumerate(self.nodes.items()):
            own = np.eye(len(self.nodes))[place]
            slopes[name] = own + 0.5 * sum(slopes[x] for x in parents)
            means[name] = offsets[place] + 0.5 * sum(means[x] for x in parents)
        return sum(
            2
            * (sum(means[x] for x in parents) - target)
            * sum(slopes[x] for x in parents)
            for cost in self.costs
            for parents, target in self.terms(cost)
        )

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
        offsets, values = layer(x), {}
        for index, (name, parents) in enumerate(self.nodes.items()):
            given = offsets[:, index : index + 1]
            for parent in parents:
                value = values[parent]
                given = given + (0.5 * value if self.normal else 2 * value - 1)
            values[name] = StochasticNode(
                "normal" if self.normal else "bernoulli",
                estimator,
                samples=1 if index else samples,
                seed=100 * seed + index,
                name=name,
            )([given, 0 * given + 1] if self.normal else given)
        costs = [self._cost(name, values) for name in self.costs]
        model = model_class(x, costs)
        if self.offsets:
            layer.kernel.assign([self.offsets])
        return model

    def _cost(self, name, values):
        seen = self.seen(name)
        terms = [
            ([seen.index(x) for x in parents], target)
            for parents, target in self.terms(name)
        ]
        node = CostNode(SquaredSums(terms), name=name)
        return node([values[x] for x in seen])


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
        "Fig. 2d",
        {"x": (), "y": ("x",), "z": ("y",)},
        {"f": ((("x",), 0.2), (("x", "y"), 0.7), (("y", "z"), 1.3))},
        (0.4, -0.3, 0.2),
    ),
    "chain of costs": Graph(
        "Fig. 2e",
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

# Of these the states cannot be gone through.
NORMAL = {
    "normal diamond": Graph(
        "Fig. 2a, of normal nodes",
        {"x": (), "y": ("x",), "z": ("x",)},
        {"f1": (("y",), 0.45), "f2": (("y", "z"), 0.9)},
        (0.5, -0.3, 0.2),
        normal=True,
    ),
}
