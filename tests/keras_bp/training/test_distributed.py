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
from two_workers import KILLED, MODELS

from keras_bp.training import distributed

PROGRAM = pathlib.Path(two_workers.__file__)
SECONDS = 400
EQUAL = [name for name, (_, is_equal) in MODELS.items() if is_equal]


def _workers(paths, *arguments):
    """Two processes of a cluster that run the program."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    places = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    # Nobody listens there any more.
    for each in sockets:
        each.close()
    modules = [str(PROGRAM.parents[2]), str(PROGRAM.parent)]
    found = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        cluster = {"cluster": {"worker": places}, "task": task}
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(modules),
            "TF_CONFIG": json.dumps(cluster),
        }
        found.append(
            subprocess.Popen(
                [sys.executable, PROGRAM, paths[index], *arguments],
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


def _found(workers, paths, killed):
    """What each of two workers has saved, if they have ended as they should."""
    codes, told = _ended(workers)
    if killed:
        # Collectives fail together, and so the other one fails by itself.
        assert codes[1] == -signal.SIGKILL and codes[0] not in (0, -9), told
    else:
        assert codes == [0, 0], told
    return [dict(np.load(path)) for path in paths]


@pytest.fixture(scope="module")
def backups(tmp_path_factory):
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def trained(backups):
    """Of two workers, and of one alone: what training has led to.

    Then one of the two is killed as they train another model, with backups.
    """
    paths = [backups / f"{name}.npz" for name in ("first", "second")]
    workers = _workers(paths, backups, "", KILLED[0])
    alone = two_workers.trained(EQUAL, tf.distribute.get_strategy(), eager=True)
    return [*_found(workers, paths, KILLED[0]), alone]


@pytest.fixture(scope="module")
def resumed(backups, trained):
    """By the name of the model: what workers have that went on with it.

    They begin with the next one, until one of them is killed.
    """
    found = {}
    for name, killed in zip(KILLED, [*KILLED[1:], ""], strict=True):
        paths = [backups / f"{name} {each}.npz" for each in range(2)]
        workers = _workers(paths, backups, name, killed)
        found[name] = _found(workers, paths, killed)
    return found


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
@pytest.mark.parametrize("name", KILLED)
def test_a_killed_worker_costs_no_more_than_the_epoch(name, trained, resumed):
    for found, whole in zip(resumed[name], trained, strict=False):
        assert found["epochs"] == 1
        undisturbed = _of(whole, f"all of {name}")
        assert undisturbed and undisturbed.keys() == found.keys() - {"epochs"}
        for key, value in undisturbed.items():
            np.testing.assert_array_equal(found[key], value)


@pytest.mark.slow
def test_keras_does_not_train_on_several_workers_by_itself(trained):
    # If this fails, Keras has mended it, and `distributed` can go.
    assert not trained[0]["mended"]


@pytest.mark.parametrize(
    "name",
    ["implicit, averaged", "lagrangian, persistent", "gan", "spectral gan"],
)
def test_a_strategy_of_one_replica_is_none(name):
    # Its optimizers meet as those of several do, not in loops or branches.
    alone = tf.distribute.MirroredStrategy(["CPU:0"])
    found = [
        two_workers.fitted(name, strategy)[0].get_weights()
        for strategy in (alone, tf.distribute.get_strategy())
    ]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


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
