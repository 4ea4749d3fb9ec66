"""Trainings that are interrupted go on as if they had not been."""

import keras
import numpy as np
import pytest
from two_workers import MODELS, dataset


def made(name, seed):
    keras.utils.set_random_seed(seed)
    model = MODELS[name][0]()
    # Quicker than a graph for a few steps.
    model.run_eagerly = True
    return model


def steps(model, name, epochs=2, callbacks=()):
    """Steps, one an epoch; returns logs."""
    return model.fit(
        dataset(name), epochs=epochs, verbose=0, callbacks=list(callbacks)
    ).history


def assert_same_steps(found, wanted, logs, same_logs):
    assert logs == same_logs
    for a, b in zip(found.variables, wanted.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)


# Two steps: what the first one does to slots and critics shows in the second.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name == "spectral gan"))
        for name in MODELS
    ],
)
def test_files_go_on_to_the_same_next_steps(name, tmp_path):
    backup = keras.callbacks.BackupAndRestore(
        tmp_path / "backup", delete_checkpoint=False
    )
    model = made(name, 0)
    steps(model, name, callbacks=[backup])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.run_eagerly = True
    restored = made(name, 1)
    logs = steps(model, name)
    assert_same_steps(loaded, model, steps(loaded, name), logs)
    logs_of_restored = steps(restored, name, 4, [backup])
    assert_same_steps(restored, model, logs_of_restored, logs)
