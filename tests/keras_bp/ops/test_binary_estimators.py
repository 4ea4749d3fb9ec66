import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_bp import layers, ops

# The module; the name in the package is its function.
registry = sys.modules["keras_bp.ops.binary_estimators"]


@pytest.fixture
def clean_registry(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


def test_a_registered_rule_drives_the_layer(clean_registry):
    @ops.register_binary_estimator("double", modes=("deterministic",))
    def double(forward):
        return 2.0 * tf.ones_like(forward.logits)

    layer = layers.BinaryNeuron(estimator="double")
    x = tf.constant([-1.0, 1.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    np.testing.assert_array_equal(tape.gradient(y, x), [2, 2])
    assert "double" in ops.binary_estimators("deterministic")
    assert "double" not in ops.binary_estimators("stochastic")


def test_a_taken_name_and_an_unknown_mode_are_refused(clean_registry):
    with pytest.raises(ValueError, match="not taken.*'clipped'"):
        ops.register_binary_estimator("clipped")(lambda forward: None)
    with pytest.raises(ValueError, match="'modes'|`modes`"):
        ops.register_binary_estimator("new", modes=("sometimes",))


def test_registering_the_same_rule_twice_is_allowed(clean_registry):
    rule = ops.get_binary_estimator("clipped", "deterministic").rule
    assert ops.register_binary_estimator("clipped")(rule) is rule


def test_a_function_defined_again_replaces_itself(clean_registry):
    def define(value):
        @ops.register_binary_estimator("mine", modes="deterministic")
        def mine(forward):
            return value

        return mine

    define(1)
    again = define(2)
    assert ops.get_binary_estimator("mine", "deterministic").rule is again


def test_deterministic_mode_has_no_rule_that_reads_noise():
    known = ops.binary_estimators("deterministic")
    assert {"reinmax", "gumbel"}.isdisjoint(known)
    assert {"straight_through", "clipped", "sigmoid_adjusted"} <= set(known)


def test_the_names_of_an_unknown_mode_are_refused():
    with pytest.raises(ValueError, match="deterministic.*'x'"):
        ops.binary_estimators("x")
