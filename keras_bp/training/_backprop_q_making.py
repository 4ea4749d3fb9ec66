"""Makes the critics of a model."""

import numpy as np

from keras_bp.training._backprop_q_critics import Critics
from keras_bp.training._backprop_q_learning import Learning
from keras_bp.training._backprop_q_plan import plans_of
from keras_bp.training._backprop_q_replay import check_memory
from keras_bp.training._penalties import cost_dtype


def made_critics(model, target_shapes, names):
    """The `Learning` of a compiled `BackpropQModel`.

    Args:
        model: `BackpropQModel`.
        target_shapes: Dictionary from an output to the shape of its targets
            without the batch.
        names: Names of the nodes with a critic.

    Raises:
        ValueError: A network does not fit its node, or the replay is larger
            than its memory.
    """
    graph, options = model.stochastic_graph, model.critic_options
    owner, dtype = type(model).__name__, cost_dtype(graph)
    slots, losses = model.cost_slots, model._output_losses
    plans = plans_of(
        graph, slots, losses, names, options.discount, target_shapes
    )
    if options.replay is not None:
        width = np.dtype(dtype).itemsize
        check_memory(plans.values(), graph, options.replay, owner, width)
    critics = Critics(plans, options, dtype, owner)
    critics.build()
    return Learning(graph, slots, losses, critics)
