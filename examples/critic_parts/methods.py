"""The ways of training that are compared, and models that are trained so."""

import dataclasses
import zlib

import keras

from keras_bp.layers import StochasticNode
from keras_bp.training import BackpropQModel, CriticOptions, SurrogateModel


@dataclasses.dataclass(frozen=True)
class Method:
    """A way of training the nodes of a graph.

    Attributes:
        estimator: String, of all nodes, where there is no critic.
        baseline: String or None, of all nodes.
        samples: Integer, of the first node.
        mode: String, what a node learns from its critic; None without one.
        targets: String, what critics learn.
        uniform: Boolean, whether nothing is learned: all states of a node are
            as likely.
    """

    estimator: str = "score"
    baseline: str | None = None
    samples: int = 1
    mode: str | None = None
    targets: str = "monte_carlo"
    uniform: bool = False


METHODS = {
    "rloo": Method("rloo", samples=2),
    "score": Method(baseline="learned"),
    "disarm": Method("disarm"),
    "uniform": Method(uniform=True),
    "all_action_td": Method(mode="all_action", targets="td"),
    "all_action_lambda": Method(mode="all_action", targets="lambda"),
    "all_action_mc": Method(mode="all_action"),
    "control_variate": Method(mode="control_variate"),
}
CRITICS = tuple(name for name, method in METHODS.items() if method.mode)
RIVALS = ("rloo", "score", "disarm")


def nodes(name, distribution, **arguments):
    """Function of an index that makes the node of that number.

    Args:
        name: String, a key of `METHODS`.
        distribution: String.
        **arguments: Of all nodes.
    """
    method = METHODS[name]

    def node(index):
        layer = StochasticNode(
            distribution,
            method.estimator,
            baseline=method.baseline,
            # The samples of the first node go through the others.
            samples=1 if index else method.samples,
            seed=index,
            name=f"node_{index}",
            **arguments,
        )
        return (lambda logits: layer(0 * logits)) if method.uniform else layer

    return node


def initial(name, scale=1.0):
    """A uniform initializer that depends on nothing but a name."""
    return keras.initializers.VarianceScaling(
        scale, "fan_avg", "uniform", seed=zlib.crc32(name.encode())
    )


def compiled(name, task, config):
    """A model of a task, to be trained by a method.

    Args:
        name: String, a key of `METHODS`.
        task: `memory.Memory` or `glimpses.Glimpses`.
        config: `study.Config`.

    Returns:
        Pair of the compiled model and one that evaluates it: from the inputs
        to the share of wrong answers of each example.
    """
    method = METHODS[name]
    inputs, costs, wrong = task.graph(nodes(name, task.distribution))
    arguments = {
        "optimizer": keras.optimizers.Adam(),
        "jit_compile": config.compiled,
        "steps_per_execution": config.every,
    }
    if method.mode is None:
        model = SurrogateModel(inputs, costs)
        model.compile(**arguments)
        model.optimizer.build(model.trainable_variables)
    else:
        model = BackpropQModel(inputs, costs)
        model.compile(
            **arguments,
            critic_optimizer=keras.optimizers.Adam(config.critic_rate),
            mode=method.mode,
            critic=CriticOptions(
                units=(config.critic_units,), targets=method.targets
            ),
        )
    return model, keras.Model(inputs, wrong)
