"""What a `BinaryGAN` keeps: in a file, and while samples are drawn."""

import keras
import numpy as np
import pytest
from tiny_gans import assert_same, bits, random_gan, values

from keras_bp.layers import StochasticNode
from keras_bp.layers._seeded import SeededLayer
from keras_bp.training import BinaryGAN, CriticSchedule

X = bits(8)
eagerly = {"run_eagerly": True}
# The batch before the file has many steps, and the one after it few.
SCHEDULE = CriticSchedule(1, 2, first=1, period=0)


def trained(gan, batches):
    gan.fit(X[: 4 * batches], batch_size=4, shuffle=False, verbose=0)
    return gan


def goes_on(gan):
    gan.fit(X[4:], batch_size=4, shuffle=False, verbose=0)
    return gan


@pytest.mark.parametrize("objective", ["gan", "wgan-gp"])
def test_training_goes_on_from_a_file_as_if_uninterrupted(tmp_path, objective):
    def made():
        end = None
        if objective == "gan":
            end = StochasticNode("bernoulli", "disarm", seed=1)
        return random_gan(
            end,
            critic_schedule=SCHEDULE,
            objective=objective,
            compiled=eagerly,
            noise=objective == "wgan-gp",
        )

    path = tmp_path / "gan.keras"
    gan = trained(made(), 1)
    gan.save(path)
    again = keras.models.load_model(path)
    assert isinstance(again, BinaryGAN)
    assert int(again.batches.value) == 1
    assert int(again.discriminator_optimizer.iterations) == 2
    assert_same(values(gan), values(again))
    np.testing.assert_array_equal(gan.sample(6, 1), again.sample(6, 1))
    whole = values(trained(made(), 2))
    assert_same(values(goes_on(again)), whole)
    assert not all(
        np.array_equal(a, b) for a, b in zip(values(gan), whole, strict=True)
    )


def test_a_file_keeps_every_argument(tmp_path):
    gan = random_gan(
        objective="wgan",
        critic_schedule=SCHEDULE,
        gradient_penalty=3.0,
        clip=0.2,
        fresh_latents=False,
        seed=7,
        name="bits",
    )
    gan.compile(
        keras.optimizers.RMSprop(0.1),
        keras.optimizers.SGD(0.2),
        run_eagerly=True,
    )
    path = tmp_path / "gan.keras"
    gan.save(path)
    again = keras.models.load_model(path)
    for name in ("objective", "gradient_penalty", "clip", "fresh_latents"):
        assert getattr(again, name) == getattr(gan, name)
    assert (again.seed, again.name, again.run_eagerly) == (7, "bits", True)
    assert again.critic_schedule.get_config() == SCHEDULE.get_config()
    assert isinstance(again.optimizer, keras.optimizers.RMSprop)
    assert isinstance(again.discriminator_optimizer, keras.optimizers.SGD)
    assert float(again.discriminator_optimizer.learning_rate) == pytest.approx(
        0.2
    )
    alone = keras.models.load_model(path, compile=False)
    np.testing.assert_array_equal(alone.sample(5, 1), gan.sample(5, 1))


def test_a_file_without_the_noise_of_layers_loads(tmp_path, monkeypatch):
    gan = random_gan(noise=True)
    with monkeypatch.context() as patch:
        patch.setattr(
            BinaryGAN, "save_own_variables", SeededLayer.save_own_variables
        )
        gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert_same(values(gan), values(again))


def test_what_is_not_compiled_is_saved_all_the_same(tmp_path):
    gan = random_gan()
    plain = BinaryGAN(gan.generator, gan.discriminator)
    plain.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert not again.compiled
    np.testing.assert_array_equal(plain.sample(3, 1), again.sample(3, 1))


@pytest.mark.parametrize(
    ("objective", "wanted"),
    [
        ("gan", keras.optimizers.Adam(1e-4, 0.5, 0.9, 1e-8)),
        ("wgan-gp", keras.optimizers.Adam(1e-4, 0.5, 0.9, 1e-8)),
        ("wgan", keras.optimizers.RMSprop(1e-4, rho=0.9, epsilon=1e-8)),
    ],
)
def test_the_optimizers_of_the_paper_are_the_default(objective, wanted):
    gan = random_gan(objective=objective)
    gan.compile()
    pair = [gan.optimizer, gan.discriminator_optimizer]
    assert pair[0] is not pair[1]
    for optimizer in pair:
        assert type(optimizer) is type(wanted)
        # Keras numbers the names.
        found = {**optimizer.get_config(), "name": ""}
        assert found == {**wanted.get_config(), "name": ""}


def test_samples_of_a_seed_are_the_same_each_time():
    gan = random_gan()
    first = gan.sample(40, seed=1)
    np.testing.assert_array_equal(first, gan.sample(40, seed=1))
    assert not np.array_equal(first, gan.sample(40, seed=2))
    new = gan.sample(40)
    assert not np.array_equal(new, gan.sample(40))
    np.testing.assert_array_equal(first, gan.sample(40, seed=1))
    assert gan.sample(3, batch_size=2).shape == (3, 6)
    # By running statistics, not by those of other samples.
    logits = gan.generator.layers[1]
    logits.moving_mean.assign(np.full(6, 100.0))
    assert not gan.sample(40).any()


def test_sampling_with_a_seed_leaves_training_as_it_was():
    gan, other = (
        random_gan(objective="wgan", compiled=eagerly) for _ in range(2)
    )
    for model in (gan, other):
        trained(model, 1)
    before = values(gan)
    gan.sample(10, seed=1)
    assert_same(values(gan), before)
    with pytest.raises(ValueError, match="`number` to be 1 or greater"):
        gan.sample(0, seed=1)
    assert_same(values(goes_on(gan)), values(goes_on(other)))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((0,), ValueError, "sample expects `number` to be 1 or greater"),
        ((1.5,), TypeError, "sample expects `number` to be an integer"),
        ((2, 1, 0), ValueError, "sample expects `batch_size` to be 1"),
        ((2, -1), ValueError, "sample expects `seed` to be 0 or greater"),
        ((2, 1.5), TypeError, "sample expects `seed` to be an integer"),
        ((2, "a"), TypeError, "sample expects `seed` to be an integer"),
    ],
)
def test_only_a_positive_number_of_samples_of_a_seed_is_drawn(
    arguments, error, words
):
    with pytest.raises(error, match=words):
        random_gan().sample(*arguments)
