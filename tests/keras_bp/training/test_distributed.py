import os
import pathlib
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
import two_workers
from two_workers import MODELS

from keras_bp.training import distributed

PROGRAM = pathlib.Path(two_workers.__file__)
SECONDS = 400


def _ports():
    """Two ports that nobody listens at."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Of two workers, and of one alone: what training has led to."""
    folder = tmp_path_factory.mktemp("workers")
    paths = [folder / f"{name}.npz" for name in ("first", "second", "alone")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(
            [str(PROGRAM.parents[2]), str(PROGRAM.parent)]
        ),
    }
    ports = _ports()
    workers = [
        subprocess.Popen(
            [sys.executable, PROGRAM, path, str(index), *ports],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for index, path in enumerate(paths[:2])
    ]
    try:
        two_workers.main(paths[2])
        for worker in workers:
            told, _ = worker.communicate(timeout=SECONDS)
            assert worker.returncode == 0, told[-2000:]
    finally:
        for worker in workers:
            worker.kill()
    return [np.load(path) for path in paths]


def _of(found, name):
    return {
        key: value for key, value in found.items() if key.startswith(f"{name}|")
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_workers_stay_the_same(name, trained):
    first, second, alone = (_of(found, name) for found in trained)
    assert first.keys() == second.keys() == alone.keys()
    for key, value in first.items():
        np.testing.assert_array_equal(value, second[key])
        assert np.isfinite(value).all() and value.shape == alone[key].shape


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name, (_, is_equal) in MODELS.items() if is_equal]
)
def test_two_workers_with_half_the_batch_are_one_with_the_whole(name, trained):
    first, _, alone = (_of(found, name) for found in trained)
    for key, value in alone.items():
        np.testing.assert_allclose(
            first[key], value, rtol=1e-5, atol=1e-6, err_msg=key
        )


@pytest.mark.slow
def test_keras_does_not_train_on_several_workers_by_itself(trained):
    # If this fails, Keras has mended it, and `distributed` can go.
    assert not trained[0]["mended"]


def test_nothing_is_changed_without_several_workers(two_replicas):
    def untouched(model):
        return {"train_step", "test_step"}.isdisjoint(vars(model))

    assert untouched(distributed(keras.Sequential([keras.layers.Dense(1)])))
    with two_replicas.scope():
        model = keras.Sequential([keras.layers.Dense(1)])
    assert distributed(model) is model and untouched(model)


def test_other_objects_and_backends_are_refused(monkeypatch):
    with pytest.raises(TypeError, match="`model` to be a keras.Model"):
        distributed(keras.layers.Dense(1))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="TensorFlow backend.*'jax'"):
        distributed(keras.Sequential([keras.layers.Dense(1)]))
