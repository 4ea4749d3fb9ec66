import numpy as np
import pytest
import tensorflow as tf
from scipy import signal

from keras_bp import ops

RNG = np.random.default_rng(0)


def expected(x, h, padding):
    """One real or complex channel through one filter, by NumPy and SciPy."""
    if padding == "causal":
        return signal.lfilter(h, 1.0, x)
    if padding == "circular":
        turned = np.fft.ifft(np.fft.fft(x) * np.fft.fft(h, x.size))
        return np.roll(turned, -((h.size - 1) // 2))
    full = np.convolve(x, h)
    if padding == "valid":
        return full[h.size - 1 : x.size]
    start = (h.size - 1) // 2
    return full[start : start + x.size]


@pytest.mark.parametrize("strides", [1, 3])
@pytest.mark.parametrize("num_taps", [1, 4, 5])
@pytest.mark.parametrize("padding", ["valid", "same", "causal", "circular"])
def test_real_filters_match_numpy_and_scipy(
    compiled, padding, num_taps, strides
):
    x = RNG.normal(size=(2, 23, 2))
    taps = RNG.normal(size=(num_taps, 2, 3))
    y = compiled(lambda x, taps: ops.fir(x, taps, padding, strides))(
        tf.constant(x), tf.constant(taps)
    )
    sums = [
        [
            sum(expected(x[b, :, c], taps[:, c, f], padding) for c in range(2))
            for f in range(3)
        ]
        for b in range(2)
    ]
    wanted = np.real(np.array(sums)).transpose(0, 2, 1)[:, ::strides]
    np.testing.assert_allclose(y, wanted, atol=1e-12)


@pytest.mark.parametrize("padding", ["valid", "same", "causal", "circular"])
def test_complex_taps_act_on_i_and_q_as_complex_numbers(padding):
    x = RNG.normal(size=(40, 2)) @ [1, 1j]
    h = RNG.normal(size=(7, 2)) @ [1, 1j]
    pairs = np.stack([x.real, x.imag], axis=-1)[None]
    taps = np.stack([h.real, h.imag], axis=-1)[:, None, None]
    kernel = ops.complex_taps_to_real(tf.constant(taps))
    y = ops.fir(tf.constant(pairs), kernel, padding).numpy()
    np.testing.assert_allclose(
        y[0] @ [1, 1j], expected(x, h, padding), atol=1e-12
    )


def test_several_complex_channels_keep_i_beside_q():
    taps = RNG.normal(size=(1, 2, 3, 2))
    x = RNG.normal(size=(1, 1, 4))
    y = ops.fir(x, ops.complex_taps_to_real(tf.constant(taps))).numpy()
    signal_in = x[0, 0].reshape(2, 2) @ [1, 1j]
    wanted = signal_in @ (taps[0] @ [1, 1j])
    np.testing.assert_allclose(y[0, 0].reshape(3, 2) @ [1, 1j], wanted)


def test_symmetric_taps_hold_the_center_once():
    half = tf.constant([1.0, 2.0, 3.0])[:, None, None]
    full = ops.symmetric_taps(half).numpy().ravel()
    np.testing.assert_array_equal(full, [1, 2, 3, 2, 1])


def test_same_padding_is_that_of_numpy_for_a_long_signal():
    for num_taps in (3, 4):
        x, h = RNG.normal(size=9), RNG.normal(size=num_taps)
        y = ops.fir(x[None, :, None], tf.constant(h[:, None, None]), "same")
        np.testing.assert_allclose(
            y.numpy().ravel(), np.convolve(x, h, mode="same"), atol=1e-12
        )


def test_another_number_of_channels_is_refused():
    with pytest.raises(ValueError, match=r"2 channels.*shape=\(1, 6, 4\)"):
        ops.fir(tf.zeros((1, 6, 4)), tf.zeros((3, 2, 2)))


def test_an_unknown_padding_is_refused():
    with pytest.raises(ValueError, match="padding.*'causal'.*'full'"):
        ops.fir(tf.zeros((1, 4, 1)), tf.zeros((2, 1, 1)), "full")


@pytest.mark.parametrize("strides", [1, 2, 5])
@pytest.mark.parametrize(
    ("num_taps", "time"), [(41, 41), (41, 100), (130, 257)]
)
def test_long_filters_and_any_length_match(compiled, num_taps, time, strides):
    # Frames that are longer than the signal, and that it does not fill.
    x, taps = RNG.normal(size=(3, time, 2)), RNG.normal(size=(num_taps, 2, 1))
    y = compiled(lambda x, taps: ops.fir(x, taps, strides=strides))(
        tf.constant(x), tf.constant(taps)
    )
    wanted = [
        sum(np.convolve(x[b, :, c], taps[:, c, 0], "valid") for c in range(2))
        for b in range(3)
    ]
    np.testing.assert_allclose(
        y[..., 0], np.array(wanted)[:, ::strides], atol=1e-11
    )


def test_an_unknown_length_is_filtered_in_a_graph():
    @tf.function(input_signature=[tf.TensorSpec((None, None, 2), tf.float64)])
    def run(x):
        return ops.fir(x, tf.ones((5, 2, 1), tf.float64))

    for time in (5, 8, 33):
        x = RNG.normal(size=(2, time, 2))
        wanted = np.convolve(x[1].sum(axis=-1), np.ones(5), "valid")
        np.testing.assert_allclose(run(x)[1, :, 0], wanted, atol=1e-12)


@pytest.mark.parametrize("channels", [2, 6])
def test_gradients_are_those_of_the_convolution(compiled, channels):
    # Two channels go by frames, six by six by the convolution.
    x = tf.constant(RNG.normal(size=(2, 30, channels)))
    taps = tf.constant(RNG.normal(size=(9, channels, channels)))
    g = RNG.normal(size=(2, 22, channels))

    def gradients(x, taps):
        with tf.GradientTape() as tape:
            tape.watch([x, taps])
            loss = tf.reduce_sum(ops.fir(x, taps) * g)
        return tape.gradient(loss, [x, taps])

    dx, dh = compiled(gradients)(x, taps)
    by_tap = [
        np.einsum("btc,btf->cf", x[:, 8 - k : 30 - k], g) for k in range(9)
    ]
    np.testing.assert_allclose(dh, by_tap, atol=1e-11)
    by_x = np.zeros(x.shape)
    for k in range(9):
        by_x[:, 8 - k : 30 - k] += np.einsum("btf,cf->btc", g, taps[k])
    np.testing.assert_allclose(dx, by_x, atol=1e-11)


def test_strides_that_would_end_the_process_are_refused():
    with pytest.raises(ValueError, match="`strides` to be 2147483647 or less"):
        ops.fir(np.ones((1, 8, 2)), np.ones((3, 2, 2)), strides=2**31)


def test_lists_are_signals_and_what_is_no_tensor_is_named():
    y = ops.fir([[[1.0], [2.0]]], [[[3.0]]])
    np.testing.assert_array_equal(np.ravel(y), [3.0, 6.0])
    with pytest.raises(TypeError, match="fir expects `x` to be a tensor"):
        ops.fir(None, [[[3.0]]])


@pytest.mark.parametrize(("padding", "time"), [("valid", 4), ("circular", 1)])
def test_signals_that_are_too_short_are_refused(padding, time):
    with pytest.raises(ValueError, match=f"at least .* Received: time={time}"):
        ops.fir(tf.ones((2, time, 1)), tf.ones((5, 1, 1)), padding)


@pytest.mark.parametrize("channels", [1, 8])
@pytest.mark.parametrize("time", [1, 2, 3, 7])
def test_a_short_signal_of_unknown_time_is_continued(channels, time):
    @tf.function(input_signature=[tf.TensorSpec((None, None, channels))])
    def filtered(x):
        return ops.fir(x, taps, "circular")

    x = RNG.normal(size=(3, time, channels)).astype("float32")
    taps = RNG.normal(size=(9, channels, channels)).astype("float32")
    places = (np.arange(time)[:, None] + 4 - np.arange(9)) % time
    expected = np.einsum("btkc,kcf->btf", x[:, places], taps)
    np.testing.assert_allclose(filtered(x), expected, rtol=1e-4, atol=1e-5)


def test_what_is_too_short_for_one_output_has_none():
    @tf.function(input_signature=[tf.TensorSpec((None, None, 1))])
    def filtered(x):
        return ops.fir(x, tf.ones((5, 1, 1)))

    assert filtered(tf.ones((2, 3, 1))).shape == (2, 0, 1)
    assert filtered(tf.ones((2, 5, 1))).shape == (2, 1, 1)
