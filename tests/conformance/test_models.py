"""Every public model that overrides `compile` can be reloaded compiled."""

import inspect

import keras
import pytest
from catalogue import public_objects


def lacks(cls):
    """What a model class needs beside its `compile`, and does not have."""
    if "compile" not in vars(cls):
        return []
    needed = ("get_compile_config", "compile_from_config")
    return [
        name
        for name in needed
        if getattr(cls, name) is getattr(keras.Model, name)
    ]


def test_public_models_reload_with_their_optimizers():
    for path, value in public_objects():
        if inspect.isclass(value) and issubclass(value, keras.Model):
            assert not lacks(value), (
                f"{path} overrides `compile`: without {lacks(value)} it "
                "reloads without its optimizers"
            )


class Forgetful(keras.Model):
    def compile(self, other_optimizer, **kwargs):
        super().compile(**kwargs)
        self.other_optimizer = other_optimizer


class Careful(Forgetful):
    def compile(self, other_optimizer, **kwargs):
        super().compile(other_optimizer, **kwargs)

    def get_compile_config(self):
        return {}

    def compile_from_config(self, config):
        return None


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (Forgetful, ["get_compile_config", "compile_from_config"]),
        (Careful, []),
        (keras.Sequential, []),
    ],
)
def test_the_check_sees_a_model_that_forgets(cls, expected):
    assert lacks(cls) == expected
