import dataclasses

import numpy as np
import pytest

from keras_bp.optics import FiberLink, link_dataset, simulate

LINK = FiberLink(num_spans=1)
SMALL = {"symbols_per_block": 16, "steps_per_span": 2}


def blocks(data):
    return np.concatenate([y.numpy() for _, y in data])


def ordered(y):
    return y[np.argsort(y[:, 0, 0])]


def test_a_cached_epoch_holds_the_simulated_blocks_in_another_order():
    data = link_dataset(LINK, 8, batch_size=4, seed=5, **SMALL)
    x, y = next(iter(data))
    assert x.shape == (4, 32, 2) and y.shape == (4, 16, 2) and len(data) == 2
    _, expected = simulate(LINK, 8, 16, seed=5, steps_per_span=2)
    first, second = blocks(data), blocks(data)
    np.testing.assert_array_equal(ordered(first), ordered(expected))
    np.testing.assert_array_equal(ordered(second), ordered(expected))
    assert not np.array_equal(first, second)


def test_samples_stay_with_their_symbols():
    quiet = dataclasses.replace(LINK, noise_scaling=0.0, gamma=0.0, beta_2=0.0)
    for x, y in link_dataset(quiet, 6, batch_size=3, **SMALL):
        power = np.sum(x**2, axis=(1, 2)) / np.sum(y**2, axis=(1, 2))
        # Two samples per symbol of the same power.
        np.testing.assert_allclose(power, 2.0, rtol=0.1)


def test_fresh_epochs_never_repeat_a_block():
    data = link_dataset(LINK, 5, batch_size=2, cache=False, **SMALL)
    assert len(data) == 2
    y = np.concatenate([blocks(data), blocks(data)])
    assert len(np.unique(y[:, 0, 0])) == 8


def test_a_file_is_read_again_and_refused_for_other_blocks(tmp_path):
    path = tmp_path / "data" / "blocks.npz"
    first = link_dataset(LINK, 4, batch_size=4, cache=path, **SMALL)
    stamp = path.stat().st_mtime_ns
    again = link_dataset(LINK, 4, batch_size=2, cache=str(path), **SMALL)
    assert path.stat().st_mtime_ns == stamp
    np.testing.assert_array_equal(
        ordered(blocks(first)), ordered(blocks(again))
    )
    assert [p.name for p in path.parent.iterdir()] == ["blocks.npz"]
    other = dataclasses.replace(LINK, gamma=1.0)
    for wrong in ({"link": other}, {"seed": 1}, {"num_blocks": 5}):
        arguments = {"link": LINK, "num_blocks": 4, "batch_size": 2} | wrong
        with pytest.raises(ValueError, match="the very blocks asked for"):
            link_dataset(cache=path, **arguments, **SMALL)


def test_too_large_a_batch_raises():
    with pytest.raises(ValueError, match="`batch_size` to be 4 or less"):
        link_dataset(LINK, 4, batch_size=5, **SMALL)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"link": "isit"}, TypeError, "FiberLink"),
        ({"symbols_per_block": 0}, ValueError, "`symbols_per_block` to be 1"),
        ({"seed": -1}, ValueError, "`seed` to be 0 or greater"),
        ({"modulation": "psk"}, ValueError, "`modulation` to be one of"),
        ({"power": []}, ValueError, "`power` of one number or more"),
        ({"rule": "equal"}, ValueError, "`rule` to be one of"),
    ],
)
@pytest.mark.parametrize("cache", [False, "file"])
def test_wrong_arguments_raise_at_once(wrong, error, words, cache, tmp_path):
    arguments = {"link": LINK, **SMALL} | wrong
    cache = cache and tmp_path / "blocks.npz"
    with pytest.raises(error, match=f"link_dataset.*{words}"):
        link_dataset(num_blocks=2, batch_size=2, cache=cache, **arguments)


def test_integers_of_numpy_name_the_same_file(tmp_path):
    path = tmp_path / "blocks.npz"
    counts = {**SMALL, "seed": 0, "modulation": 16}
    link_dataset(LINK, 4, batch_size=2, cache=path, **counts)
    stamp = path.stat().st_mtime_ns
    counts = {name: np.int64(count) for name, count in counts.items()}
    link_dataset(LINK, np.int64(4), np.int64(2), cache=path, **counts)
    assert path.stat().st_mtime_ns == stamp
