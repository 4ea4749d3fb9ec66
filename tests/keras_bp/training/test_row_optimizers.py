"""Rules of rows, against those of Keras on whole variables."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp.training._row_optimizers import RowOptimizer, RowOptimizers

RNG = np.random.default_rng(0)
STEPS, ROWS, SIZE = 7, 3, 4
SGD, RMSPROP, ADAM = (
    keras.optimizers.SGD,
    keras.optimizers.RMSprop,
    keras.optimizers.Adam,
)
# The rule, and slots of each value.
RULES = {
    "sgd": (lambda: SGD(0.1), 0),
    "momentum": (lambda: SGD(0.1, momentum=0.8), 1),
    "nesterov": (lambda: SGD(0.1, momentum=0.8, nesterov=True), 1),
    "rmsprop": (lambda: RMSPROP(0.05, rho=0.7, epsilon=1e-3), 1),
    "rmsprop with momentum": (lambda: RMSPROP(0.05, momentum=0.6), 2),
    "adam": (lambda: ADAM(0.05, beta_1=0.8, beta_2=0.9, epsilon=1e-3), 2),
}
every_rule = pytest.mark.parametrize("name", RULES)


def gradients():
    return RNG.normal(size=(STEPS, ROWS, SIZE)).astype("float32")


class Table:
    """Rows that a rule moves, those of some numbers at a time."""

    def __init__(self, rule):
        self.rule = rule
        self.values = np.zeros((ROWS, SIZE), "float32")
        self.slots = [np.zeros_like(self.values) for _ in range(rule.slots)]
        self.count = np.zeros(ROWS, "int32")

    def step(self, gradient, visited, rate=1.0):
        move, slots = self.rule.step(
            tf.constant(gradient[visited]),
            [tf.constant(x[visited]) for x in self.slots],
            tf.constant(self.count[visited]),
            tf.constant(rate),
        )
        assert len(slots) == self.rule.slots
        self.values[visited] += move.numpy()
        for own, new in zip(self.slots, slots, strict=True):
            own[visited] = new
        self.count[visited] += 1


def by_keras(optimizer, every):
    """Values after steps of Keras on a variable of its own."""
    variable = keras.Variable(np.zeros(every[0].shape, "float32"))
    for gradient in every:
        optimizer.apply([tf.constant(gradient)], [variable])
    return variable.numpy()


@every_rule
def test_rows_move_as_a_variable_of_keras_does(name):
    make, slots = RULES[name]
    table, every = Table(RowOptimizer(make(), "state_optimizer")), gradients()
    assert table.rule.slots == slots
    for gradient in every:
        table.step(gradient, [0, 1, 2])
    expected = by_keras(make(), every)
    assert np.abs(expected).max() > 0.05
    np.testing.assert_allclose(table.values, expected, rtol=1e-4, atol=1e-6)


@every_rule
def test_a_row_steps_as_if_it_were_alone(name):
    make, _ = RULES[name]
    table, every = Table(RowOptimizer(make(), "state_optimizer")), gradients()
    visits = [[0, 1], [1], [1, 2], [0, 2], [1], [2, 0], [0]]
    for gradient, visited in zip(every, visits, strict=True):
        before = table.values.copy(), [x.copy() for x in table.slots]
        table.step(gradient, visited)
        rest = [row for row in range(ROWS) if row not in visited]
        np.testing.assert_array_equal(table.values[rest], before[0][rest])
        for slot, then in zip(table.slots, before[1], strict=True):
            np.testing.assert_array_equal(slot[rest], then[rest])
    for row in range(ROWS):
        seen = [g[row] for g, v in zip(every, visits, strict=True) if row in v]
        assert table.count[row] == len(seen) < STEPS
        np.testing.assert_allclose(
            table.values[row], by_keras(make(), seen), rtol=1e-4, atol=1e-6
        )


@every_rule
def test_rows_of_images_step_as_rows_of_neurons(name):
    make, _ = RULES[name]
    rule, (gradient, *_) = RowOptimizer(make(), "state_optimizer"), gradients()
    count = tf.constant([0, 3, 9])

    def moved(shape):
        x = tf.reshape(gradient, (ROWS, *shape))
        return rule.step(x, [x * 0] * rule.slots, count, 1.0)[0]

    np.testing.assert_allclose(
        np.reshape(moved((2, 2, 1)), (ROWS, SIZE)), moved((SIZE,)), rtol=1e-6
    )


@every_rule
def test_the_rate_is_a_factor_of_the_learning_rate(name):
    make, _ = RULES[name]
    one, two = (Table(RowOptimizer(make(), "state_optimizer")) for _ in "ab")
    twice = make()
    twice.learning_rate = 2 * float(twice.learning_rate)
    other = Table(RowOptimizer(twice, "state_optimizer"))
    for gradient in gradients():
        one.step(gradient, [0, 1, 2])
        two.step(gradient, [0, 1, 2], rate=2.0)
        other.step(gradient, [0, 1, 2])
    np.testing.assert_allclose(two.values, other.values, rtol=1e-5)
    assert np.abs(two.values - one.values).max() > 0.01


@every_rule
def test_optimistic_derivatives_are_extrapolated_from_the_last_two(name):
    make, slots = RULES[name]
    table = Table(RowOptimizer(make(), "state_optimizer", optimistic=True))
    assert table.rule.slots == slots + 1
    every = gradients()
    for gradient in every:
        table.step(gradient, [0, 1, 2])
    # The first of a row has none before it.
    ahead = [every[0], *(2 * every[1:] - every[:-1])]
    np.testing.assert_allclose(
        table.values, by_keras(make(), ahead), rtol=1e-4, atol=1e-6
    )


def test_schedules_of_the_learning_rate_are_followed():
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.5, 0.125])
    rule = RowOptimizer(SGD(rate), "state_optimizer")
    found = []
    for _ in range(4):
        move, _ = rule.step(tf.ones((1, 1)), [], tf.zeros((1,), "int32"), 1.0)
        found.append(-float(move[0, 0]))
        rule.optimizer.iterations.assign_add(1)
    assert found == [0.5, 0.5, 0.5, 0.125]


def test_rules_that_are_not_given_are_left_out_of_the_configuration():
    config = RowOptimizers(None, ADAM(0.01), None).config()
    assert config["state_optimizer"] is None
    assert config["multiplier_optimizer"]["class_name"] == "Adam"
    assert RowOptimizers(None, None, None).slots == (1, 0)
    assert RowOptimizers("adam", "sgd", "optimistic").slots == (3, 1)


@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.Adagrad(), keras.optimizers.AdamW(), "lion"]
)
def test_rules_that_rows_do_not_know_are_refused(optimizer):
    with pytest.raises(TypeError, match="`multiplier_optimizer` to be one of"):
        RowOptimizer(optimizer, "multiplier_optimizer")


@pytest.mark.parametrize(
    ("optimizer", "part"),
    [
        (SGD(weight_decay=0.1), "weight_decay"),
        (SGD(clipnorm=1.0), "clipnorm"),
        (SGD(clipvalue=1.0), "clipvalue"),
        (ADAM(global_clipnorm=1.0), "global_clipnorm"),
        (ADAM(use_ema=True), "use_ema"),
        (ADAM(gradient_accumulation_steps=2), "gradient_accumulation_steps"),
        (ADAM(amsgrad=True), "amsgrad"),
        (RMSPROP(centered=True), "centered"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_parts_of_a_rule_that_rows_do_not_have_are_refused(optimizer, part):
    with pytest.raises(ValueError, match=f"without `{part}`"):
        RowOptimizer(optimizer, "state_optimizer")
