"""Tests of keras_bp._backend, and of models under JAX."""

import os
import subprocess
import sys
import warnings

import keras
import pytest

from keras_bp._backend import check_tensorflow, summing_dtype

UNDER_JAX = """
import sys, warnings
sys.modules["tensorflow"] = None
import keras, numpy as np
import keras_bp
from keras_bp import layers, training
x = np.ones((4, 3), "float32")
told = []
def refused(make):
    try:
        make()
    except RuntimeError as error:
        assert "needs the TensorFlow backend" in str(error), error
        told.append(str(error).split()[0])
def net():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"),
        keras.layers.Dense(1)])
gan = training.BinaryGAN(keras.Sequential([keras.Input((2,)),
    keras.layers.Dense(3)]), net(), critic_schedule=2)
gan.compile()
refused(lambda: gan.fit(x, verbose=0))
refused(lambda: training.make_implicit(net()))
local = training.local_rules()
for name in set(local) - {"backprop"}:
    refused(lambda: local[name](net()))
inputs = keras.Input((3,))
bits = layers.StochasticNode("bernoulli")(inputs)
cost = layers.CostNode(lambda z: keras.ops.sum(z, axis=-1))(bits)
for make in (training.SurrogateModel, training.BackpropQModel):
    refused(lambda: make(inputs, cost).compile())
print(*told)
"""


@pytest.mark.slow
def test_models_that_need_a_tape_say_so_under_jax():
    pytest.importorskip("jax")
    done = subprocess.run(
        [sys.executable, "-c", UNDER_JAX],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = done.stdout.split()
    assert {"BinaryGAN", "ImplicitModel", "LagrangianModel"} <= set(told)
    assert {"A", "BackpropQModel", "FeedbackAlignmentModel"} <= set(told)


def test_another_backend_is_named_in_one_line(monkeypatch):
    check_tensorflow("Owner", "for its tape")
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    message = "Owner needs the TensorFlow backend, for its tape.*'torch'"
    with pytest.raises(RuntimeError, match=message):
        check_tensorflow("Owner", "for its tape")


def test_sums_that_jax_would_narrow_are_told(monkeypatch):
    jax = pytest.importorskip("jax")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert summing_dtype(False, "Owner") == "float64"
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
        assert summing_dtype(True, "Owner") == "float32"
        with jax.enable_x64(True):
            assert summing_dtype(False, "Owner") == "float64"
    with pytest.warns(UserWarning, match="Owner sums in float64.*JAX_ENABLE"):
        assert summing_dtype(False, "Owner") == "float64"
