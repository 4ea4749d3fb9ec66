import keras
import numpy as np
import pytest

from benchmarks import soak, soak_cases


def test_growth_is_that_of_the_second_half_alone():
    assert soak.growth([1.0, 50.0, 100.0, 100.0, 100.0, 100.0]) == 0
    # A hundred readings, of which the last fifty grow by one each.
    assert soak.growth([*[0.0] * 50, *range(50)]) == pytest.approx(38, abs=1)


def test_a_leak_is_seen_and_misses_its_aim():
    class Leak(keras.callbacks.Callback):
        kept = []

        def on_epoch_end(self, epoch, logs=None):
            # Written, or no page of it is held.
            self.kept.append(np.ones(2**20))

    class Model(keras.Sequential):
        def fit(self, *arrays, **options):
            return super().fit(*arrays, callbacks=[Leak()], **options)

    model = Model([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 2), "float32")
    found = soak.train(model, (x, x[:, :1]), 2.0)
    row = soak.rows_of("leak", found)[0]
    assert row.verdict == "miss"
    Leak.kept.clear()
    flat = soak.rows_of("flat", {"memory": [5.0] * 9, "fits": 9})
    assert [row.verdict for row in flat] == ["pass", "info", "info"]


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
        return {"memory": [1.0], "fits": 1, "seconds": seconds}

    monkeypatch.setattr(soak, "_apart", train)
    for _ in range(2):
        name, found = soak.readings("Model, its rule", 30, tmp_path)
        assert name == "Model, its rule"
        assert found == {"memory": [1.0], "fits": 1, "seconds": 30}
        assert "error" in soak.readings("bad", 30, tmp_path)[1]
    assert calls == ["Model, its rule", "bad", "bad"]
    soak.readings("Model, its rule", 600, tmp_path)
    assert len(calls) == 4
