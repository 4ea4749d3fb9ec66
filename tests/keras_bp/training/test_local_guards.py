"""What could go wrong in silence, for all rules of local learning."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from lagrangian_toys import assert_close, net, step_of
from local_models import (
    CROSS_ENTROPY,
    FEATURES,
    X,
    Y,
    compiled,
    gradients,
    small,
    true_gradients,
)

from keras_bp.training import LagrangianModel, local_rules
from keras_bp.training._lagrangian_graph import LagrangianGraph

DISTINCT = (
    "feedback_alignment",
    "direct_feedback_alignment",
    "difference_target_propagation",
    "forward_forward",
)


def test_gradients_are_those_of_the_last_compile():
    def thrice(y, y_pred):
        return 3.0 * CROSS_ENTROPY(y, y_pred)

    optimizer = keras.optimizers.SGD(1.0)
    for rule in (local_rules()["feedback_alignment"], LagrangianModel):
        model = compiled(rule(net(5, shape=(FEATURES,))), optimizer=optimizer)
        once = true_gradients(model, X, Y)
        compiled(model, optimizer=optimizer, loss=thrice)
        assert_close(true_gradients(model, X, Y), [3 * g for g in once])


def test_diagnostics_are_those_of_the_last_compile():
    def thrice(y, y_pred):
        return 3.0 * CROSS_ENTROPY(y, y_pred)

    optimizer = keras.optimizers.SGD(1.0)
    model = compiled(
        LagrangianModel(net(5, shape=(FEATURES,))), optimizer=optimizer
    )
    once = model.lagrangian_diagnostics(X, Y)["total"]["forward_loss"]
    compiled(model, optimizer=optimizer, loss=thrice)
    found = model.lagrangian_diagnostics(X, Y)["total"]["forward_loss"]
    assert found == pytest.approx(3 * once, rel=1e-5)


def test_true_gradients_are_scaled_where_half_precision_would_lose_them():
    def tiny(y, y_pred):
        return 1e-6 * CROSS_ENTROPY(y, ops.cast(y_pred, "float32"))

    keras.config.set_dtype_policy("mixed_float16")
    try:
        for rule in (local_rules()["backprop"], LagrangianModel):
            model = compiled(rule(net(5, 4, shape=(FEATURES,))), loss=tiny)
            found = true_gradients(model, X, Y)
            compiled(model)
            expected = [1e-6 * g for g in true_gradients(model, X, Y)]
            assert_close(found, expected, rtol=0.02, atol=2e-9)
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    "name", [*DISTINCT[1:], "lagrangian", "feedback_alignment"]
)
def test_a_layer_that_was_frozen_does_not_stay_so_in_silence(name):
    plain = net(5, 4, shape=(FEATURES,))
    plain.layers[0].trainable = False
    model = local_rules()[name](plain)
    compiled(model)
    plain.layers[0].trainable = True
    if name == "feedback_alignment":
        before = np.array(plain.layers[0].kernel.numpy())
        compiled(model).train_on_batch(X, Y)
        assert not np.array_equal(before, plain.layers[0].kernel)
        return
    kind = type(model).__name__
    with pytest.raises(ValueError, match=f"^{kind}.*'dense.*was frozen when"):
        compiled(model)


def test_a_graph_speaks_for_the_model_that_reads_it():
    whole = keras.Input((FEATURES,))
    x = ops.cast(layers.Dense(3, name="real")(whole), "int32")
    outputs = layers.Dense(3)(layers.Embedding(5, 2)(x))
    for model, words in (
        (net(), "found no neurons"),
        (keras.Model(whole, outputs), "cannot train.*of type int32"),
    ):
        for owner in ("LagrangianModel", "Other"):
            with pytest.raises(ValueError, match=f"^{owner} {words}"):
                LagrangianGraph(model, owner)


class Costly(layers.Layer):
    """Adds a loss in its call."""

    def call(self, x):
        self.add_loss(0.1 * ops.mean(ops.square(x)))
        return x


@pytest.mark.parametrize("name", DISTINCT)
def test_what_layers_add_to_the_loss_is_followed_or_refused(name):
    plain = net(5, Costly(name="costly"), 4, shape=(FEATURES,))
    model = compiled(local_rules()[name](plain, seed=0))
    if name != "feedback_alignment":
        for call in (model.train_on_batch, model.local_gradients):
            with pytest.raises(ValueError, match="'costly'.*adds a loss"):
                call(X, Y)
        return
    told = gradients(model, X, Y)
    other = gradients(small(name), X, Y)
    assert not np.allclose(told[0], other[0], rtol=0.01, atol=1e-4)
    assert_close(step_of(model, X, Y), told)


def test_layers_may_be_called_with_inputs_by_name():
    inputs = keras.Input((FEATURES,))
    x = layers.Dense(4, activation="tanh")(inputs=inputs)
    x = layers.Dense(4, activation="tanh")(inputs=x)
    model = keras.Model(inputs, layers.Dense(3)(inputs=x))
    for name in DISTINCT[:3]:
        found = gradients(compiled(local_rules()[name](model)), X, Y)
        assert all(np.any(g) for g in found)
