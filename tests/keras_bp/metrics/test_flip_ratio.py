import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp.metrics import FlipRatio

RNG = np.random.default_rng(0)


def test_it_is_the_mean_share_that_changed(compiled):
    values = RNG.integers(0, 2, (5, 6, 7)).astype("float32")
    metric = FlipRatio((6, 7))
    update = compiled(metric.update_state)
    for value in values:
        update(value)
    expected = np.mean(values[1:] != values[:-1])
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)


def test_the_first_values_have_none_before_them():
    metric = FlipRatio((3,))
    assert np.isnan(metric.result())
    metric.update_state([1, 1, 1])
    assert np.isnan(metric.result())
    metric.update_state([1, 1, 1])
    assert float(metric.result()) == 0


def test_a_reset_keeps_the_last_values():
    metric = FlipRatio((4,))
    metric.update_state([0, 0, 0, 0])
    metric.update_state([1, 1, 1, 1])
    metric.reset_state()
    assert np.isnan(metric.result())
    metric.update_state([1, 1, 1, 0])
    assert float(metric.result()) == 0.25


@pytest.mark.parametrize("low", [-1, 0])
@pytest.mark.parametrize("dtype", ["bool", "int8", "float16", "bfloat16"])
def test_bits_of_any_kind_are_compared(low, dtype):
    metric = FlipRatio((2, 2))
    for bits in ([[1, low], [low, 1]], [[1, 1], [low, low]]):
        metric.update_state(tf.cast(np.array(bits) + 0, dtype))
    assert float(metric.result()) == (0.0 if low and dtype == "bool" else 0.5)


def test_signs_of_weights_flip_at_the_threshold():
    metric = FlipRatio([4], threshold=0.0)
    metric.update_state([-0.5, 0.5, 0.1, 0.0])
    # The third crosses; the last one lies below as it did.
    metric.update_state([-0.1, 9.0, -0.1, -3.0])
    assert float(metric.result()) == 0.25
    metric.update_state([-0.1, 9.0, np.nan, -3.0])
    assert float(metric.result()) == 0.125


def test_it_follows_a_layer_while_it_trains():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    metric = FlipRatio((3, 4), threshold=0.0)
    shares = []

    def look(epoch, logs):
        metric.reset_state()
        metric.update_state(model.layers[0].kernel)
        shares.append(float(metric.result()))
        model.layers[0].kernel.assign(-model.layers[0].kernel)

    x = np.ones((4, 3), "float32")
    follow = keras.callbacks.LambdaCallback(on_epoch_end=look)
    model.fit(x, x @ np.ones((3, 4)), epochs=3, verbose=0, callbacks=[follow])
    assert np.isnan(shares[0]) and shares[1:] == [1.0, 1.0]


def test_it_reloads():
    metric = FlipRatio((2, 3), threshold=0.5, name="flips")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert isinstance(again, FlipRatio) and again.name == "flips"
    assert again.get_config() == metric.get_config()
    assert again.shape == (2, 3) and again.threshold == 0.5


def test_wrong_arguments_raise():
    with pytest.raises(TypeError, match="`shape` to be a tuple of integers"):
        FlipRatio(3)
    with pytest.raises(ValueError, match="`shape` to be 1 or greater"):
        FlipRatio((3, 0))
    with pytest.raises(ValueError, match="`threshold` to be a finite"):
        FlipRatio((3,), threshold=np.nan)
    for shape in ((4,), (3, 1), ()):
        with pytest.raises(ValueError, match=r"values of shape \(3,\)"):
            FlipRatio((3,)).update_state(np.ones(shape))


def test_values_are_kept_in_the_dtype_of_the_metric():
    metric = FlipRatio((1,), dtype="float64")
    for value in (1.0, 1.0 + 1e-10):
        metric.update_state(np.array([value]))
    assert float(metric.result()) == 1.0


def test_counts_go_on_whatever_the_default_type_is():
    before = keras.config.floatx()
    keras.config.set_floatx("bfloat16")
    try:
        metric = FlipRatio((1,))
        for value in range(600):
            metric.update_state([value % 2])
    finally:
        keras.config.set_floatx(before)
    assert float(metric.count) == 599 and float(metric.result()) == 1.0
