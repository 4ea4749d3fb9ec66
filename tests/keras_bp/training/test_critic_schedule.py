import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_gans import bits, random_gan

from keras_bp.training import CriticSchedule


def expected(batch, steps, many, first, period):
    early = batch < first or (period > 0 and batch % period == 0)
    return many if early else steps


@pytest.mark.parametrize(
    "numbers", [(5, 100, 25, 500), (2, 7, 0, 3), (2, 7, 3, 0), (3, 1, 2, 5)]
)
def test_the_first_batches_and_every_so_many_get_many_steps(numbers, compiled):
    schedule = CriticSchedule(*numbers)
    run = compiled(lambda batches: schedule(batches))
    batches = np.arange(1100)
    found = np.asarray(run(tf.constant(batches, "int32")))
    np.testing.assert_array_equal(
        found, [expected(batch, *numbers) for batch in batches]
    )


def test_the_default_is_that_of_the_paper():
    config = {"steps": 5, "many": 100, "first": 25, "period": 500}
    assert CriticSchedule().get_config() == config


def test_a_schedule_knows_whether_it_is_constant():
    assert CriticSchedule(4, 4, 3, 2).constant == 4
    assert CriticSchedule(4, 9, 0, 0).constant == 4
    assert CriticSchedule(4, 9, 1, 0).constant is None
    assert CriticSchedule(4, 9, 0, 1).constant is None


def test_its_configuration_makes_it_again():
    schedule = CriticSchedule(2, 9, 4, 7)
    config = keras.saving.serialize_keras_object(schedule)
    again = keras.saving.deserialize_keras_object(config)
    assert isinstance(again, CriticSchedule)
    assert again.get_config() == schedule.get_config()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"steps": 0}, ValueError, "expects `steps` to be 1 or greater"),
        ({"many": 0}, ValueError, "expects `many` to be 1 or greater"),
        ({"first": -1}, ValueError, "expects `first` to be 0 or greater"),
        ({"period": -1}, ValueError, "expects `period` to be 0 or greater"),
        ({"steps": 2.5}, TypeError, "expects `steps` to be an integer"),
        ({"period": True}, TypeError, "expects `period` to be an integer"),
    ],
)
def test_numbers_out_of_range_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        CriticSchedule(**arguments)


class Counts(keras.callbacks.Callback):
    """Steps of both networks after each batch."""

    def on_train_begin(self, logs=None):
        self.critic, self.generator, self.logged = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        model = self.model
        self.critic.append(int(model.discriminator_optimizer.iterations))
        self.generator.append(int(model.optimizer.iterations))
        self.logged.append(logs["critic_steps"] * (batch + 1))


def test_the_discriminator_steps_by_the_schedule_and_the_generator_once():
    schedule = CriticSchedule(1, 3, first=2, period=4)
    gan = random_gan(critic_schedule=schedule, objective="wgan")
    counts = Counts()
    gan.fit(bits(18), batch_size=2, callbacks=[counts], verbose=0)
    steps = np.cumsum([3, 3, 1, 1, 3, 1, 1, 1, 3])
    np.testing.assert_array_equal(counts.critic, steps)
    np.testing.assert_array_equal(counts.generator, np.arange(1, 10))
    np.testing.assert_allclose(counts.logged, steps, rtol=1e-5)
    assert int(gan.batches.value) == 9
    # The counter goes on, and the twelfth batch gets many again.
    gan.fit(bits(8), batch_size=2, callbacks=[counts], verbose=0)
    np.testing.assert_array_equal(
        counts.critic, steps[-1] + np.cumsum([1, 1, 1, 3])
    )


def test_an_integer_is_a_constant_schedule():
    gan = random_gan(
        critic_schedule=3, objective="wgan", compiled={"run_eagerly": True}
    )
    counts = Counts()
    gan.fit(bits(4), batch_size=2, callbacks=[counts], verbose=0)
    assert counts.critic == [3, 6]
    default = random_gan(critic_schedule=None).critic_schedule
    assert default.get_config() == CriticSchedule().get_config()


def test_the_schedule_is_read_anew_in_eager_mode():
    gan = random_gan(
        critic_schedule=CriticSchedule(1, 2, first=1, period=0),
        objective="wgan",
        compiled={"run_eagerly": True},
    )
    counts = Counts()
    gan.fit(bits(6), batch_size=2, callbacks=[counts], verbose=0)
    assert counts.critic == [2, 3, 4]
