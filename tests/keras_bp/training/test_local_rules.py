"""What all rules have in common."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from lagrangian_toys import assert_close, assert_equal, net, step_of, values_of
from local_models import (
    FEATURES,
    RULES,
    X,
    Y,
    compiled,
    gradients,
    kernels,
    small,
    true_gradients,
)

from keras_bp.training import LagrangianModel, local_rules

DISTINCT = (
    "feedback_alignment",
    "direct_feedback_alignment",
    "difference_target_propagation",
    "forward_forward",
)
# Signs are those of the first.
each_rule = pytest.mark.parametrize("name", DISTINCT)


@each_rule
def test_it_steps_the_same_in_eager_mode_in_a_graph_and_under_xla(name):
    found = []
    for mode in ("eager", "graph", "xla"):
        model = small(name, mode)
        for _ in range(2):
            model.train_on_batch(X, Y)
        found.append(values_of(model.variables))
    assert_close(found[0], found[1], rtol=1e-3, atol=1e-5)
    assert_close(found[0], found[2], rtol=1e-3, atol=1e-5)


def test_no_weight_moves_before_all_gradients_are_known():
    model = small("uniform_sign", "graph")
    model.optimizer.build(model.trainable_variables)
    step = tf.function(lambda x, y: model.train_step((x, y)), autograph=False)
    graph = step.get_concrete_function(tf.constant(X), tf.constant(Y)).graph

    def before(tensor):
        """Kinds of operations that have to be over, as graphs are thinned."""
        left, seen, kinds = [tensor], set(), set()
        while left:
            tensor = left.pop()
            op = tensor.op
            if tensor.ref() in seen:
                continue
            seen.add(tensor.ref())
            kinds.add(op.type)
            inputs = list(op.inputs)
            # It makes nothing wait: optimizers send all gradients through one.
            if op.type == "IdentityN":
                inputs = [inputs[tensor.value_index]]
            left += inputs
            left += [x.outputs[0] for x in op.control_inputs if x.outputs]
        return kinds

    moves = [
        op for op in graph.get_operations() if op.type == "AssignSubVariableOp"
    ]
    assert len(moves) == len(model.trainable_variables)
    assert all("Sign" in before(op.inputs[1]) for op in moves)


@each_rule
def test_a_loaded_model_goes_on_where_it_was(name, tmp_path):
    model = small(name, optimizer=keras.optimizers.Adam(0.1))
    model.train_on_batch(X, Y)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is type(model)
    assert again.get_config().keys() == model.get_config().keys()
    again.run_eagerly = True
    for each in (model, again):
        each.train_on_batch(X, Y)
    assert_equal(values_of(again.variables), values_of(model.variables))
    assert_equal(
        values_of(again.optimizer.variables),
        values_of(model.optimizer.variables),
    )
    np.testing.assert_array_equal(again(X), model(X))


@each_rule
def test_weights_of_examples_count(name):
    model = small(name)
    plain = gradients(model, X, Y)
    double = gradients(model, X, Y, np.full(len(X), 2.0, "float32"))
    # Decoders reconstruct all examples alike.
    for a, b in list(zip(plain, double, strict=True))[:6]:
        if a is not None:
            np.testing.assert_allclose(b, 2 * a, rtol=1e-3, atol=1e-5)
    first = np.arange(len(X)) < 4
    half = gradients(model, X, Y, first.astype("float32"))
    other = X.copy()
    other[~first] += 1
    again = gradients(model, other, Y, first.astype("float32"))
    assert_close(again[:1], half[:1], rtol=1e-3, atol=1e-5)
    model.fit(X, Y, class_weight={0: 1.0, 1: 2.0, 2: 0.0}, verbose=0)


@each_rule
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_it_trains_in_mixed_precision(name, policy):
    expected = step_of(small(name), X, Y)
    keras.config.set_dtype_policy(policy)
    try:
        model = small(name)
        found = step_of(model, X, Y)
    finally:
        keras.config.set_dtype_policy("float32")
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    near = 0.2 if policy == "mixed_bfloat16" else 0.03
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == np.float32
        assert np.linalg.norm(a - b) <= near * np.linalg.norm(b) + 1e-6


@pytest.mark.parametrize("policy", ["float64", "float16", "bfloat16"])
def test_all_of_a_model_may_have_another_precision(policy):
    keras.config.set_dtype_policy(policy)
    try:
        for name in DISTINCT:
            model = small(name)
            before = values_of(model.trainable_variables)
            # With batches of the type that the model computes in.
            model.train_on_batch(X.astype("float64"), Y)
            moved = values_of(model.trainable_variables)
            assert not np.array_equal(before[0], moved[0])
            assert moved[0].dtype == before[0].dtype == policy
            assert np.all(np.isfinite(moved[0].astype("float32")))
            assert model.update_angles(X, Y)
    finally:
        keras.config.set_dtype_policy("float32")


def test_two_replicas_step_as_one(two_replicas):
    name = "feedback_alignment"
    expected = step_of(small(name), X, Y)
    with two_replicas.scope():
        model = small(name, "graph")
        before = values_of(model.trainable_variables)
        model.fit(X, Y, batch_size=len(X), shuffle=False, verbose=0)
        after = values_of(model.trainable_variables)
    moved = [a - b for a, b in zip(before, after, strict=True)]
    assert_close(moved, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["difference_target_propagation", "forward_forward"]
)
def test_rules_with_noise_train_on_two_replicas(name, two_replicas):
    with two_replicas.scope():
        model = small(name, "graph", keras.optimizers.SGD(0.01))
        before = kernels(model)
        history = model.fit(X, Y, batch_size=len(X), verbose=0).history
        after = kernels(model)
    assert np.isfinite(history["loss"][0])
    trained = len(model.graph.blocks)
    for a, b in list(zip(before, after, strict=True))[:trained]:
        assert 0 < np.max(np.abs(a - b)) < 0.5


def test_frozen_layers_stay_and_errors_pass_through_them():
    for name in ("feedback_alignment", "direct_feedback_alignment"):
        plain = net(5, 4, shape=(FEATURES,))
        plain.layers[1].trainable = False
        model = compiled(local_rules()[name](plain, seed=0))
        before = kernels(model)[0], np.array(plain.layers[1].kernel.numpy())
        model.train_on_batch(X, Y)
        assert not np.array_equal(before[0], kernels(model)[0])
        np.testing.assert_array_equal(before[1], plain.layers[1].kernel)


def test_forward_forward_takes_a_classifier_without_its_classes():
    plain = net(5, 4, shape=(FEATURES,))
    plain.add(layers.Softmax())
    model = local_rules()["forward_forward"](plain, seed=0)
    assert model.num_classes == 3
    assert [u.shape for u in model.graph.unknowns] == [(5,), (4,)]
    assert model.trainable_variables[0] is plain.layers[0].kernel
    other = keras.Sequential([keras.Input((9,)), layers.ReLU()])
    with pytest.raises(ValueError, match="last layer is Dense.*ReLU"):
        local_rules()["forward_forward"](other)
    inputs = keras.Input((9,))
    both = [layers.Dense(2)(inputs), layers.Dense(3)(inputs)]
    with pytest.raises(ValueError, match="one output.*with 2"):
        local_rules()["forward_forward"](keras.Model(inputs, both))


def test_gradients_are_told_without_a_step():
    for name in RULES:
        model = small(name)
        before = values_of(model.variables)
        first, second = gradients(model, X, Y), gradients(model, X, Y)
        assert_equal(values_of(model.variables), before)
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a, b)


def test_lagrangian_learning_tells_its_gradients_too():
    plain = net(5, 4, shape=(FEATURES,))
    model = compiled(LagrangianModel(plain, inner_steps=300))
    before = values_of(model.variables)
    found, true = gradients(model, X, Y), true_gradients(model, X, Y)
    assert_equal(values_of(model.variables), before)
    # Where constraints hold, they are those of backpropagation.
    assert_close(found, true, rtol=0.1, atol=0.01)
    reference = compiled(local_rules()["backprop"](plain))
    assert_close(true, true_gradients(reference, X, Y))
    angles = model.update_angles(X, Y)
    assert all(0 <= each["angle"] < 20 for each in angles.values())
