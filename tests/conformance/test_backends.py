"""What each public function is on the backend at hand, and what it refuses.

`make test-backends` runs this file and `test_other_backends.py` under
`KERAS_BACKEND=jax` and `torch`, where TensorFlow cannot be imported.
"""

import keras
import numpy as np
import pytest
from backend_cases import cases
from backend_values import fix_noise, values_of
from layer_rows import ROWS

from keras_bp import (
    callbacks,
    layers,
    losses,
    metrics,
    ops,
    optics,
    spectral,
    training,
    visualization,
)

CASES = list(cases())
X = np.ones((4, 3), "float32")
IMAGES = np.ones((2, 8, 8, 1), "float32")
U = np.ones((2, 64, 1), "complex64")

# What has no numbers of its own: types, and the registries.
APART = {
    *("BinaryEstimator", "BinaryForward", "FixedPoint", "NodeEstimate"),
    *("NodeEstimator", "NodeProblem", "PRDC", "PreactivationHistogram"),
    *("binary_estimators", "estimators", "get_binary_estimator"),
    *("node_estimators", "padding_lengths", "register_binary_estimator"),
    *("register_node_estimator", "BitErrorRate"),
}


def net():
    return keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4, "relu"),
            keras.layers.Dense(2),
        ]
    )


def images_net():
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(3, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )


def fit(model, callback=None, x=X):
    model.compile("sgd", "mse")
    model.fit(x, x[:, :2], verbose=0, callbacks=[callback] if callback else [])


def gan(cls=training.BinaryGAN):
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, activation="sigmoid")]
    )
    critic = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    made = cls(generator, critic, critic_schedule=2)
    made.compile()
    made.fit(X, verbose=0)


def graph(cls=training.SurrogateModel):
    inputs = keras.Input((3,))
    bits = layers.StochasticNode("bernoulli")(inputs)
    cost = layers.CostNode(lambda z: keras.ops.sum(z, axis=-1))(bits)
    return cls(inputs, cost)


local = training.local_rules()
LINK = optics.FiberLink(num_spans=1)
# Public names that need TensorFlow, and a use of each.
TENSORFLOW_ONLY = {
    "BackpropQModel": lambda: graph(training.BackpropQModel).compile(),
    "BinaryGAN": gan,
    "FrequencyDomainDBP": lambda: optics.FrequencyDomainDBP(LINK),
    "GradientNoiseProbe": lambda: fit(
        net(), callbacks.GradientNoiseProbe(X, X[:, :2])
    ),
    "JacobianOperator": lambda: spectral.JacobianOperator(net(), X),
    "SpectralGAN": lambda: gan(training.SpectralGAN),
    "SpectralPenalty": lambda: losses.SpectralPenalty("log_det"),
    "SpectrumMonitor": lambda: fit(net(), callbacks.SpectrumMonitor(X)),
    "SurrogateModel": lambda: graph().compile(),
    "adversarial_stability": lambda: (
        visualization.metrics.adversarial_stability(images_net(), IMAGES, 0.1)
    ),
    "ascend_likelihood": lambda: spectral.ascend_likelihood(net(), X),
    "attribute": lambda: visualization.attribute(net(), X),
    "distributed": lambda: training.distributed(net()),
    "grad_cam": lambda: visualization.grad_cam(images_net(), IMAGES),
    "gradient_times_input": lambda: visualization.gradient_times_input(
        net(), X
    ),
    "guided_grad_cam": lambda: visualization.guided_grad_cam(
        images_net(), IMAGES
    ),
    "implicit_log_likelihood": lambda: spectral.implicit_log_likelihood(
        net(), X
    ),
    "integrated_gradients": lambda: visualization.integrated_gradients(
        net(), X
    ),
    "log_det_metric": lambda: spectral.log_det_metric(net(), X),
    "make_implicit": lambda: training.make_implicit(net()),
    "parameter_randomization": lambda: (
        visualization.metrics.parameter_randomization(images_net(), IMAGES)
    ),
    "random_logit": lambda: visualization.metrics.random_logit(
        images_net(), IMAGES
    ),
    "smooth_grad": lambda: visualization.smooth_grad(net(), X),
    "spectrum": lambda: spectral.spectrum(net(), X),
    "split_step": lambda: optics.split_step(U, LINK, 2),
    "simulate": lambda: optics.simulate(LINK, 2, 16, steps_per_span=1),
    "top_singular": lambda: spectral.top_singular(net(), X, 1),
    "traverse": lambda: spectral.traverse(net(), X),
    **{
        f"local_rules {name}": lambda name=name: local[name](net())
        for name in local
        if name != "backprop"
    },
}


def test_every_function_without_a_tape_has_a_case():
    tried = {case.name.split(",")[0] for case in CASES}
    for room in (ops, losses, metrics):
        missing = set(room.__all__) - tried - APART - set(TENSORFLOW_ONLY)
        assert not missing, f"Add cases to backend_cases.py for {missing}."


def test_every_public_layer_has_a_row():
    tried = {row.cls.__name__ for row in ROWS}
    missing = set(layers.__all__) - tried
    assert not missing, f"Add rows to layer_rows.py for {sorted(missing)}."


if keras.backend.backend() == "tensorflow":

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
    def test_values_are_finite_and_gradients_there(case, monkeypatch):
        fix_noise(monkeypatch.setattr)
        found = values_of(case)
        for value in found.values():
            assert np.isfinite(np.asarray(value, "complex128")).all()
        # Straight through, and for what is kept: somewhere there is a slope.
        assert not case.differentiable or np.any(found["gradient"] != 0)

else:

    @pytest.mark.parametrize("name", TENSORFLOW_ONLY)
    def test_what_needs_tensorflow_says_so_in_one_line(name):
        with pytest.raises((RuntimeError, ImportError)) as told:
            TENSORFLOW_ONLY[name]()
        message = str(told.value)
        assert "needs TensorFlow" in message or (
            "needs the TensorFlow backend" in message
            and repr(keras.backend.backend()) in message
        )
        assert "\n" not in message
