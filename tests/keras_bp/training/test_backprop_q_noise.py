"""Layers that draw noise above a node and its cost."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from critic_toys import repeated
from keras import ops

from keras_bp import stochastic
from keras_bp.layers import BackdropMask, CostNode, StochasticNode
from keras_bp.training import BackpropQModel, CriticOptions

ROWS = 512
# Dropout makes 0 or 2 of 1; the bit is 1 with probability sigmoid(.3 h), and
# the cost is (bit - h)^2. Only where h = 2 does the weight count.
P = 1 / (1 + np.exp(-0.6))
EXACT = 0.5 * 2 * P * (1 - P) * ((1 - 2) ** 2 - (0 - 2) ** 2)


def distance(bit, seen):
    return ops.sum((bit - seen) ** 2, axis=-1)


def dropped(noise=None, second=False, **options):
    """A bit, and a cost, of what `Dropout` has left."""
    keras.utils.set_random_seed(0)
    x = keras.Input((1,), name="x")
    noise = noise or keras.layers.Dropout(0.5, seed=3, name="noise")
    seen = noise(x)
    weight = keras.layers.Dense(
        1, use_bias=False, kernel_initializer=keras.initializers.Constant(0.3)
    )
    bit = StochasticNode("bernoulli", seed=1, name="bit")(weight(seen))
    below = bit
    if second:
        below = StochasticNode("bernoulli", seed=2, name="below")(8 * bit - 4)
    model = BackpropQModel(x, CostNode(distance, name="f")([below, seen]))
    model.compile(
        "sgd",
        keras.optimizers.Adam(0.02),
        critic=CriticOptions(units=(8,), **options),
    )
    return model


def learned_gradient(model, steps=300, batches=100):
    """The mean gradient of the weight, once the critics have been trained."""
    x = tf.ones((ROWS, 1))
    (weight,) = model.trainable_variables

    def gradient():
        with tf.GradientTape() as tape:
            found = model.surrogate(x)
        return tape.gradient(found.surrogate, weight.value)

    repeated(steps, lambda: model.train_critics(x))()
    total = tf.Variable(tf.zeros(weight.shape))
    repeated(batches, lambda: total.assign_add(gradient()))()
    return float(total[0, 0]) / batches


@pytest.mark.parametrize("options", [{}, {"replay": 4 * ROWS}])
def test_a_critic_sees_the_noise_that_node_and_cost_share(options):
    model = dropped(**options)
    seen = [(each.kind, each.name) for each in model.critic_inputs["bit"]]
    assert seen == [("node", "bit"), ("noise", "noise")]
    # By an average over the noise it would be 0.22 of this.
    assert learned_gradient(model) == pytest.approx(EXACT, rel=0.05)


def test_the_error_of_such_a_critic_is_found_by_drawing():
    model = dropped(second=True)
    x = tf.ones((ROWS, 1))
    with pytest.raises(ValueError, match=r"no noise but that.*\['noise'\]"):
        stochastic.critic_error(model, x, method="enumerate")
    before = stochastic.critic_error(model, x, num_samples=4000)
    assert before.method == "monte_carlo" and before.nodes["bit"] > 0.5
    learned_gradient(model, steps=300, batches=1)
    after = stochastic.critic_error(model, x, num_samples=4000)
    assert after.nodes["bit"] < 0.15
    # Of both children of one noise: the bit below has it in its scope, too.
    assert model.critics.plans["below"].given == {"below", "noise"}


def test_noise_below_or_beside_a_node_is_averaged_over():
    x = keras.Input((2,), name="x")
    node = StochasticNode("bernoulli", seed=1, name="node")(x)
    beside = keras.layers.GaussianNoise(1.0, name="beside")(x)
    below = keras.layers.Dropout(0.5, name="below")(node)
    last = StochasticNode("bernoulli", seed=2, name="last")(beside + below)
    model = BackpropQModel(x, CostNode(distance, name="f")([last, beside]))
    model.compile("sgd", "sgd", critic=CriticOptions(units=(4,)))
    seen = {
        name: [each.name for each in inputs]
        for name, inputs in model.critic_inputs.items()
    }
    assert seen == {"node": ["node", "x"], "last": ["last", "beside"]}


def test_a_mask_of_the_gradient_is_no_bias():
    mask = BackdropMask(0.5, "sample", seed=3, name="noise")
    model = dropped(mask)
    p = 1 / (1 + np.exp(-0.3))
    exact = p * (1 - p) * ((1 - 1) ** 2 - (0 - 1) ** 2)
    assert learned_gradient(model) == pytest.approx(exact, rel=0.05)
