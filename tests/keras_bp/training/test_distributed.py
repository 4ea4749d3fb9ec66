import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import two_workers
from two_workers import MODELS

from keras_bp.training import distributed

PROGRAM = pathlib.Path(two_workers.__file__)
SECONDS = 400
EQUAL = [name for name, (_, is_equal) in MODELS.items() if is_equal]


def _workers(*arguments):
    """Two processes of a cluster that run the program."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    places = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    # Nobody listens there any more.
    for each in sockets:
        each.close()
    paths = [str(PROGRAM.parents[2]), str(PROGRAM.parent)]
    found = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        cluster = {"cluster": {"worker": places}, "task": task}
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "TF_CONFIG": json.dumps(cluster),
        }
        found.append(
            subprocess.Popen(
                [sys.executable, PROGRAM, *(x[index] for x in arguments)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    return found


def _ended(workers, seconds=SECONDS):
    """What two workers have ended with, and told."""
    try:
        told = [x.communicate(timeout=seconds)[0] for x in workers]
    finally:
        for worker in workers:
            worker.kill()
    return [x.returncode for x in workers], "".join(told)[-4000:]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Of two workers, and of one alone: what training has led to."""
    folder = tmp_path_factory.mktemp("workers")
    paths = [folder / f"{name}.npz" for name in ("first", "second")]
    workers = _workers(paths)
    alone = two_workers.trained(EQUAL, tf.distribute.get_strategy())
    codes, told = _ended(workers)
    assert codes == [0, 0], told
    return [*(np.load(path) for path in paths), alone]


def _of(found, name):
    return {
        key: value for key, value in found.items() if key.startswith(f"{name}|")
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_workers_stay_the_same(name, trained):
    first, second = (_of(found, name) for found in trained[:2])
    assert first and first.keys() == second.keys()
    for key, value in first.items():
        np.testing.assert_array_equal(value, second[key])
        assert np.isfinite(value).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", EQUAL)
def test_two_workers_with_half_the_batch_are_one_with_the_whole(name, trained):
    first, _, alone = (_of(found, name) for found in trained)
    assert first.keys() == alone.keys()
    for key, value in alone.items():
        np.testing.assert_allclose(
            first[key], value, rtol=1e-5, atol=1e-6, err_msg=key
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gan", "lagrangian, persistent"])
def test_a_killed_worker_costs_no_more_than_the_epoch(name, tmp_path):
    folder = tmp_path / "backup"
    paths = [tmp_path / f"{name}.npz" for name in ("first", "second")]
    codes, told = _ended(_workers(paths, [folder] * 2, [name] * 2))
    # Collectives fail together, and so the other one fails by itself.
    assert codes[1] == -signal.SIGKILL and codes[0] not in (0, -9), told
    assert not paths[0].exists()
    codes, told = _ended(_workers(paths, [folder] * 2, [name] * 2))
    assert codes == [0, 0], told
    for path in paths:
        resumed = dict(np.load(path))
        assert resumed.pop("epochs") == 2
        undisturbed = np.load(f"{path}_undisturbed.npz")
        assert resumed.keys() == undisturbed.keys()
        for key, value in resumed.items():
            np.testing.assert_array_equal(value, undisturbed[key])


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
