import keras
import pytest

from keras_bp.training import CriticOptions, ReplayOptions


def test_options_come_back_from_their_config():
    options = CriticOptions(
        units=(3, 2),
        networks={"x": keras.layers.Dense(2, name="head")},
        targets="lambda",
        lambda_return=0.5,
        discount=0.9,
        target_rate=0.1,
        replay=ReplayOptions(30, draws=2, memory=1000),
        steps=2,
        flips=4,
        control_weight=0.7,
    )
    config = keras.saving.serialize_keras_object(options)
    again = keras.saving.deserialize_keras_object(config)
    assert isinstance(again.networks["x"], keras.layers.Dense)
    assert again.networks["x"].name == "head"
    for name in set(options.get_config()) - {"networks", "replay"}:
        assert getattr(again, name) == getattr(options, name), name
    assert again.replay.get_config() == options.replay.get_config()


def test_the_trace_is_that_of_the_targets():
    assert CriticOptions().trace == 0
    assert CriticOptions(targets="monte_carlo").trace == 1
    assert CriticOptions(targets="lambda", lambda_return=0.3).trace == 0.3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"discount": 1.5}, r"`discount` to be in \[0, 1\]"),
        ({"discount": -0.1}, "`discount` to be zero or greater"),
        ({"lambda_return": 1.01}, r"`lambda_return` to be in \[0, 1\]"),
        ({"lambda_return": -1.0}, "`lambda_return`"),
        ({"target_rate": 0.0}, "`target_rate` to be greater than zero"),
        ({"target_rate": 2.0}, r"`target_rate` to be in \[0, 1\]"),
        ({"targets": "sarsa"}, "`targets` to be one of"),
        ({"units": (0,)}, "`units` to be 1 or greater"),
        ({"steps": 0}, "`steps`"),
        ({"flips": 0}, "`flips`"),
        ({"replay": 0}, "`size` to be 1 or greater"),
        ({"control_weight": float("nan")}, "`control_weight`"),
    ],
)
def test_wrong_values_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        CriticOptions(**arguments)


def test_wrong_types_are_refused():
    with pytest.raises(TypeError, match="to be an integer"):
        ReplayOptions(10.0)
    with pytest.raises(TypeError, match="`units`.*list or tuple.*units=64"):
        CriticOptions(units=64)
    with pytest.raises(TypeError, match="of a node to a layer"):
        CriticOptions(networks={"x": 3})
