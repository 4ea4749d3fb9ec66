import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bp.losses import PhaseAlignedError, phase_aligned_error

RNG = np.random.default_rng(0)


def pairs(x):
    return np.stack([x.real, x.imag], axis=-1).reshape(*x.shape[:-1], -1)


def blocks(signals=1):
    x, noise = (RNG.normal(size=(4, 50, signals, 2)) @ [1, 1j] for _ in "ab")
    phase = np.exp(1j * RNG.uniform(-3, 3, size=(4, 1, signals)))
    return x, (x + 0.2 * noise) * phase


@pytest.mark.parametrize("signals", [1, 2])
def test_the_error_is_the_least_over_all_phases(signals, compiled):
    x, y = blocks(signals)
    found = compiled(phase_aligned_error)(
        tf.constant(pairs(x)), tf.constant(pairs(y))
    )
    angles = np.linspace(-np.pi, np.pi, 20001)[:, None, None]
    wanted = []
    for one, other in zip(x, y, strict=True):
        turned = other * np.exp(1j * angles)
        least = np.min(np.sum(np.abs(turned - one) ** 2, axis=1), axis=0)
        wanted.append(np.mean(least / np.sum(np.abs(one) ** 2, axis=0)))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_the_gradient_equals_finite_differences():
    x, y = (tf.constant(pairs(part)) for part in blocks(2))
    with tf.GradientTape() as tape:
        tape.watch(y)
        loss = tf.reduce_sum(phase_aligned_error(x, y))
    g = tape.gradient(loss, y)
    d, h = RNG.normal(size=y.shape), 1e-6
    up, down = (
        tf.reduce_sum(phase_aligned_error(x, y + sign * h * d))
        for sign in (1, -1)
    )
    np.testing.assert_allclose(np.sum(g * d), (up - down) / (2 * h), rtol=1e-7)


def test_small_noise_is_not_lost_in_single_precision():
    x, _ = blocks()
    noise = 1e-4 * (RNG.normal(size=x.shape + (2,)) @ [1, 1j])
    exact = phase_aligned_error(pairs(x), pairs(x + noise))
    single = phase_aligned_error(
        pairs(x).astype("float32"), pairs(x + noise).astype("float32")
    )
    np.testing.assert_allclose(single, exact, rtol=0.01)


def test_a_block_counts_relative_to_its_own_power():
    x, y = blocks()
    scale = np.array([1.0, 10.0, 0.1, 3.0])[:, None, None]
    np.testing.assert_allclose(
        phase_aligned_error(pairs(scale * x), pairs(scale * y)),
        phase_aligned_error(pairs(x), pairs(y)),
    )


def test_silence_and_a_missing_phase_have_finite_gradients():
    zeros = tf.zeros((1, 4, 2))
    x = tf.constant(pairs(blocks()[0][:1, :4]), "float32")
    for sent, received, value in ((zeros, x, 0.0), (x, zeros, 1.0)):
        with tf.GradientTape() as tape:
            tape.watch(received)
            loss = phase_aligned_error(sent, received)
        assert float(loss[0]) == pytest.approx(value)
        assert np.isfinite(tape.gradient(loss, received)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_half_precision_is_widened(dtype):
    x, y = (tf.cast(pairs(part), dtype) for part in blocks())
    found = phase_aligned_error(x, y)
    assert found.dtype == ("float64" if dtype == "float64" else "float32")


def test_the_loss_trains_with_sample_weights_and_reloads():
    x, y = (pairs(part).astype("float32") for part in blocks())
    model = keras.Sequential([keras.Input((50, 2)), keras.layers.Dense(2)])
    model.compile("adam", PhaseAlignedError(), jit_compile=True)
    weights = np.array([1.0, 0, 0, 0], "float32")
    loss = model.evaluate(y, x, sample_weight=weights, verbose=0)
    alone = phase_aligned_error(x[:1], model(y[:1]))
    np.testing.assert_allclose(loss, float(alone[0]) / 4, rtol=1e-5)
    history = model.fit(y, x, epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0]
    again = keras.losses.deserialize(
        keras.losses.serialize(PhaseAlignedError())
    )
    assert isinstance(again, PhaseAlignedError)


def test_other_shapes_raise():
    with pytest.raises(ValueError, match="even number of channels"):
        phase_aligned_error(np.ones((2, 4, 3)), np.ones((2, 4, 3)))
    for shape in ((2, 4, 4), (2, 1, 2), (1, 4, 2), (4, 2)):
        with pytest.raises(ValueError, match="two tensors of one shape"):
            phase_aligned_error(np.ones(shape), np.ones((2, 4, 2)))


def test_a_graph_of_open_sizes_takes_any_batch():
    open_size = tf.TensorSpec((None, None, 2), "float64")
    run = tf.function(phase_aligned_error, input_signature=[open_size] * 2)
    x, y = (tf.constant(pairs(part)) for part in blocks())
    for count in (1, 3):
        np.testing.assert_allclose(
            run(x[:count], y[:count]), phase_aligned_error(x, y)[:count]
        )


def test_the_loss_keeps_its_reduction_and_name():
    loss = PhaseAlignedError(reduction=None, name="noise")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (again.reduction, again.name) == (None, "noise")
    x, y = (pairs(part) for part in blocks())
    np.testing.assert_allclose(
        again(x, y), phase_aligned_error(x, y), rtol=1e-5
    )
