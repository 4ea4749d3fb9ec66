import concurrent.futures
import multiprocessing

import keras
import numpy as np
import pytest

from benchmarks import soak, soak_cases


def test_growth_is_the_slope_of_the_second_half():
    assert soak.growth([1.0, 50.0, 100.0, 100.0, 100.0, 100.0]) == 0
    assert soak.growth([*[0.0] * 50, *range(50)]) == pytest.approx(1)
    # One jump is none, and neither is a single reading.
    assert soak.growth([*[5.0] * 20, *[9.0] * 3, *[5.0] * 17]) == 0
    assert soak.growth([3.0]) == 0


class Kept(keras.callbacks.Callback):
    """Keeps 4 MiB at each epoch, written, or no page of it is held."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def on_epoch_end(self, epoch, logs=None):
        self.kept.append(np.ones(2**19))


def train_and_leak():
    kept = Kept()

    class Model(keras.Sequential):
        def fit(self, *arrays, callbacks=(), **options):
            return super().fit(*arrays, callbacks=[*callbacks, kept], **options)

    model = Model([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((64, 2), "float32")
    return soak.train(model, (x, x[:, :1]), 4.0)


def test_a_leak_is_seen_and_misses_its_aim():
    # In a process of its own: pages that other tests freed would be used again.
    apart = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, apart) as pool:
        found = pool.submit(train_and_leak).result(timeout=300)
    plain = {"steps": 2, "epochs": [5.0] * 9, "calls": [5.0] * 9}
    leaking = soak.rows_of("leak", found, plain)
    assert found["steps"] == 2 and found["seconds"] > 4
    assert leaking[0].value == pytest.approx(4 / 2 * 1000, rel=0.2)
    assert leaking[1].value == pytest.approx(4 * 1024, rel=0.2)
    assert [row.verdict for row in leaking[:2]] == ["miss"] * 2
    flat = soak.rows_of("flat", plain, plain)
    assert [row.verdict for row in flat] == ["pass"] * 2 + ["info"] * 3
    alone = soak.rows_of("backpropagation", plain, plain)
    assert [row.aim for row in alone[1:]] == [None] * 4


@pytest.mark.parametrize("name", soak_cases.CASES)
def test_each_model_can_be_made_for_its_arrays(name):
    model, arrays = soak_cases.CASES[name]()
    assert model.compiled
    assert len({len(array) for array in arrays}) == 1


def test_readings_are_kept_and_found_again(tmp_path, monkeypatch):
    calls = []

    def train(name, seconds):
        calls.append(name)
        if name == "bad":
            return {"error": "It died."}
        count = 4 if name != "slow" else 3
        return {"calls": [1.0] * 4, "epochs": [1.0] * count}

    monkeypatch.setattr(soak, "_apart", train)
    for _ in range(2):
        name, found = soak.readings("Model, its rule", 30, tmp_path)
        assert name == "Model, its rule"
        assert found == {"calls": [1.0] * 4, "epochs": [1.0] * 4}
        assert "error" in soak.readings("bad", 30, tmp_path)[1]
    assert calls == ["Model, its rule", "bad", "bad"]
    assert "Too few" in soak.readings("slow", 30, tmp_path)[1]["error"]
    calls.clear()
    soak.readings("Model, its rule", 600, tmp_path)
    assert calls == ["Model, its rule"]
