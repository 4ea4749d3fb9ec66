"""What the two networks of a GAN are trained on."""

import dataclasses

import keras
from keras import ops

from keras_bp.layers.cost_node import CostNode
from keras_bp.training._pass import Mode, Pass
from keras_bp.training.stochastic_graph import StochasticGraph
from keras_bp.training.surrogate_model import SurrogateModel

OBJECTIVES = ("gan", "wgan", "wgan-gp")


@dataclasses.dataclass(frozen=True)
class GANObjective:
    """The losses of one objective, of logits of shape `(batch, 1)`.

    Attributes:
        name: String, of `OBJECTIVES`.
    """

    name: str

    def discriminator(self, real, fake):
        """Loss of the discriminator, a scalar."""
        if self.name == "gan":
            return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))
        return ops.mean(fake) - ops.mean(real)

    def generator(self, fake):
        """Loss of the generator for each example, shape `(batch,)`."""
        fake = ops.squeeze(fake, axis=-1)
        return ops.softplus(-fake) if self.name == "gan" else -fake


def widened(dtype):
    """The type of losses: float32, and float64 of what is float64."""
    return keras.backend.result_type(dtype, "float32")


def gradient_norms(critic, x):
    """Norm of the gradient of a critic at each example, shape `(batch,)`."""
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        value = critic(x)
    gradient = tape.gradient(value, x)
    gradient = ops.cast(gradient, widened(gradient.dtype))
    axes = tuple(range(1, len(gradient.shape)))
    # Differentiable at zero.
    return ops.sqrt(1e-8 + ops.sum(ops.square(gradient), axis=axes))


class JudgedNodes:
    """The discriminator as the cost of the nodes of a generator.

    No Keras object, so that the networks are not saved once more with it.

    Args:
        generator: Model whose nodes have cost estimators.
        discriminator: Model.
        objective: `GANObjective`.
    """

    def __init__(self, generator, discriminator, objective):
        logits = discriminator(generator.outputs[0])
        cost = CostNode(objective.generator)(logits)
        self._model = SurrogateModel(generator.inputs, cost)
        self._model.compile()
        self._graph = StochasticGraph(generator)

    def samples(self, latents):
        """One sample for each latent, in training mode, without a gradient."""
        mode = Mode(training=True, folded=False)
        run = Pass(self._graph, self._graph.input_tensors(latents), mode)
        return keras.tree.flatten(run.outputs())[0]

    def __call__(self, latents):
        """The loss, and what has its gradient without bias, for a batch."""
        found = self._model.surrogate(latents, update=True)
        # Without what regularizers add to `found.loss`.
        return sum(found.costs.values()), found.surrogate


def holds_cost_nodes(generator):
    """Whether a node of a generator needs a cost to be trained by."""
    if not isinstance(generator, (keras.Sequential, keras.Model)):
        return False
    nodes = StochasticGraph(generator).nodes.values()
    return any(step.operation.rule.kind == "cost" for step in nodes)
