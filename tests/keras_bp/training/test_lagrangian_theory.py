"""What saddle points of the Lagrangian are, and how training gets there."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from lagrangian_toys import (
    CROSS_ENTROPY,
    assert_close,
    backpropagated,
    examples,
    net,
    numbered,
    step_of,
    values_of,
    wrapped,
)

from keras_bp.training._lagrangian_relax import fresh, relax
from keras_bp.training._lagrangian_relaxation import Relaxation, Wanted

X, Y = examples()


def by_hand(model):
    """Neurons, errors of examples and gradients of dense tanh layers."""
    kernels, biases = model.get_weights()[::2], model.get_weights()[1::2]
    neurons = [X]
    for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
        neurons.append(np.tanh(neurons[-1] @ kernel + bias))
    logits = neurons[-1] @ kernels[-1] + biases[-1]
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    slope, errors, gradients = share - np.eye(3)[Y], [], []
    for place in reversed(range(len(kernels))):
        gradients = [
            neurons[place].T @ slope / len(X),
            slope.mean(axis=0),
            *gradients,
        ]
        errors.insert(0, slope @ kernels[place].T)
        slope = errors[0] * (1 - neurons[place] ** 2)
    # The first is that of the inputs.
    return neurons[1:], errors[1:], gradients


@pytest.mark.parametrize("rho", [0.0, 3.0])
def test_the_forward_pass_and_errors_of_backpropagation_are_a_fixed_point(rho):
    model = net(5, 4)
    trained = wrapped(model, rho=rho, rates=(1.0, 0.1, 0.1))
    neurons, errors, gradients = by_hand(model)
    values = [ops.convert_to_tensor(x, "float32") for x in neurons]
    multipliers = [ops.convert_to_tensor(-x, "float32") for x in errors]
    relaxation = Relaxation(trained, X, Y, None)
    forces = relaxation.forces(values, multipliers, Wanted(weights=True))
    assert np.abs(errors[0]).max() > 0.1
    for nothing in (*forces.values, *forces.multipliers, *forces.residuals):
        assert np.abs(nothing).max() < 1e-6
    found = [forces.weights[id(w)] for w in trained.trainable_variables]
    assert_close(values_of(found), gradients)
    states = fresh(trained, values)
    states.multipliers = multipliers
    moved = relax(trained, relaxation, states, 5)
    assert_close(values_of(moved.values), neurons)
    assert_close(values_of(moved.multipliers), [-x for x in errors])


def residual_net():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    x = layers.Dense(5, "tanh")(inputs)
    x = layers.Add()([x, layers.Dense(5, "tanh")(x)])
    return keras.Model(inputs, layers.Dense(3)(x))


def folded(layer):
    return net(layer, layers.Flatten(), 4, shape=(4, 3))


NETS = {
    "dense": lambda: net(5, 4),
    "residual": residual_net,
    "convolution": lambda: net(
        layers.Conv2D(3, 3),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Conv2D(4, 2, activation="tanh"),
        layers.Flatten(),
        shape=(8, 8, 2),
    ),
    "simple_rnn": lambda: folded(layers.SimpleRNN(4, return_sequences=True)),
    "gru": lambda: folded(layers.GRU(4, go_backwards=True)),
    "lstm": lambda: folded(layers.LSTM(4)),
}


@pytest.mark.parametrize("name", NETS)
def test_relaxed_states_give_the_gradient_of_backpropagation(name):
    model = NETS[name]()
    x, y = examples(4, model.input_shape[1:])
    expected = backpropagated(model, x, y)
    found = step_of(wrapped(model, inner_steps=1000), x, y)
    assert_close(found, expected)


def test_two_inputs_and_outputs_give_the_gradient_of_backpropagation():
    keras.utils.set_random_seed(0)
    inputs = [keras.Input((4,)), keras.Input((3,))]
    a, b = (layers.Dense(5, "tanh")(x) for x in inputs)
    both = layers.Dense(4, "tanh")(layers.Concatenate()([a, b]))
    model = keras.Model(inputs, [layers.Dense(3)(both), layers.Dense(3)(b)])
    x, y = [X, X[:, :3]], [Y, (Y + 1) % 3]
    expected = backpropagated(model, x, y)
    trained = wrapped(model, inner_steps=400, loss=[CROSS_ENTROPY] * 2)
    assert_close(step_of(trained, x, y), expected)


def test_penalties_of_weights_belong_to_the_gradient():
    model = net(5, 4, kernel_regularizer="l2")
    expected = backpropagated(model, X, Y)
    for place in (0, 2, 4):
        expected[place] += 0.02 * model.get_weights()[place]
    trained = wrapped(model, inner_steps=300)
    found = trained.lagrangian_diagnostics(X, Y)["layers"]
    assert min(layer["cosine"] for layer in found.values()) > 0.9999
    assert_close(step_of(trained, X, Y), expected)


def test_states_that_are_kept_get_to_the_gradient_of_backpropagation():
    model = net(5, 4)
    trained = wrapped(
        model, states="persistent", num_examples=6, rates=(0.0, None, None)
    )
    for _ in range(80):
        trained.train_on_batch(numbered(X), Y)
    expected = backpropagated(model, X, Y)
    trained.optimizer.learning_rate = 1.0
    assert_close(step_of(trained, numbered(X), Y), expected)


def test_float64_is_kept():
    model = net(5, dtype="float64")
    trained = wrapped(model, inner_steps=300)
    expected = backpropagated(model, X, Y)
    # Closer than float32 could be; losses are float32.
    assert_close(step_of(trained, X, Y), expected, rtol=1e-6, atol=1e-8)
    kept = wrapped(
        model, eager=True, states="persistent", inner_steps=3, num_examples=6
    )
    for transport in (True, False):
        kept.transport = transport
        kept.train_on_batch(numbered(X), Y)
    assert int(kept.trouble.value) == 0
    assert kept.lagrangian_diagnostics(numbered(X), Y)["total"]["violation"] > 0


def violated(trained):
    """Residuals in the tables, and multipliers."""
    tables = trained.tables
    return values_of(tables.values), values_of(tables.multipliers)


@pytest.mark.parametrize("constraint", ["abs", "squared", "lin"])
def test_inequalities_end_with_complementary_multipliers(constraint):
    model = net(5, 4, outputs=2)
    # Some targets are within reach of the tolerance, and some are not.
    shift = np.repeat([[0.01, -0.01], [2, -1]], 3, axis=0)
    y = np.asarray(model(X)) + shift
    trained = wrapped(
        model,
        loss="mse",
        constraint=constraint,
        inequality="phr",
        epsilon=0.1,
        states="persistent",
        num_examples=6,
        inner_steps=20,
        rates=(0.0, None, 1.0),
    )
    for _ in range(80):
        trained.train_on_batch(numbered(X), y)
        residuals, multipliers = violated(trained)
        if constraint != "lin":
            assert all((x >= 0).all() for x in multipliers)
    r, size = (
        np.concatenate([np.abs(x).ravel() for x in found])
        for found in (residuals, multipliers)
    )
    assert r.max() < 0.1 + 3e-3
    assert np.abs(size * (r - 0.1)).max() < 5e-3 * size.max()
    assert 0.2 < np.mean(size > 1e-3 * size.max()) < 0.8


@pytest.mark.parametrize(
    ("constraint", "inequality", "other"),
    [("eps", None, "abs"), ("lineps", None, "lin"), ("lineps", "phr", "lin")],
)
def test_without_tolerance_there_is_no_other_constraint(
    constraint, inequality, other
):
    paths = []
    for name, kind in ((constraint, inequality), (other, None)):
        trained = wrapped(
            net(5, 4),
            constraint=name,
            inequality=kind,
            states="persistent",
            num_examples=6,
            inner_steps=3,
            rates=(0.1, 0.05, 0.5),
            eager=True,
        )
        path = []
        for _ in range(3):
            trained.train_on_batch(numbered(X), Y)
            path += values_of(trained.trainable_variables)
            path += values_of(trained.tables.multipliers)
        paths.append(path)
    assert np.abs(paths[0][-1]).max() > 1e-3
    assert_close(*paths, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("states", ["transient", "persistent"])
def test_many_steps_with_sizes_as_constraints_do_not_chatter(states):
    model = net(5, 4)
    expected = backpropagated(model, X, Y)
    keeps = states == "persistent"
    trained = wrapped(
        model,
        constraint="abs",
        states=states,
        rho=100.0,
        inner_steps=200,
        num_examples=len(X) if keeps else None,
    )
    found = step_of(trained, numbered(X) if keeps else X, Y)
    # As a penalty of twice rho, they end near the gradient.
    assert_close(found, expected, rtol=0.05, atol=0.003)


def distances(rho, stabilizer):
    """From the saddle point of w_1 x y + l (x - w_0), after each step."""
    model = keras.Sequential(
        [keras.Input((1,))]
        + [layers.Dense(1, use_bias=False) for _ in range(2)]
    )
    model.set_weights([np.array([[0.7]]), np.array([[0.9]])])
    trained = wrapped(
        model,
        loss=lambda y, prediction: ops.mean(y * prediction, axis=-1),
        states="persistent",
        num_examples=1,
        inner_steps=1,
        rho=rho,
        stabilizer=stabilizer,
        rates=(0.0, 0.4, 0.4),
    )
    one, found = np.ones((1, 1), "float32"), []
    for _ in range(60):
        trained.train_on_batch(numbered(one), one)
        (r,), (multiplier,) = violated(trained)
        found.append((r.item(), multiplier.item() + 0.9))
    r, off = np.transpose(found)
    return r, np.hypot(r, off)


def test_plain_steps_turn_around_the_saddle_point_and_away_from_it():
    r, far = distances(0.0, None)
    assert np.sum(np.diff(np.sign(r)) != 0) >= 4
    np.testing.assert_allclose(far[1:] / far[:-1], np.hypot(1, 0.4), rtol=1e-3)


@pytest.mark.parametrize(
    ("rho", "stabilizer"),
    [(0.0, "optimistic"), (0.0, "extragradient"), (1.0, None)],
)
def test_stabilized_steps_reach_the_saddle_point(rho, stabilizer):
    _, far = distances(rho, stabilizer)
    assert far[0] > 0.5
    assert far[-1] < 0.1
