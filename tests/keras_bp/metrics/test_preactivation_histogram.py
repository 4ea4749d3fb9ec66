import numpy as np
import pytest
import tensorflow as tf

from keras_bp.metrics import PreactivationHistogram, preactivation_histogram

RNG = np.random.default_rng(0)


def bins(values):
    return np.flatnonzero(preactivation_histogram(values).counts).tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bins_are_those_of_an_image_of_8_bits(dtype):
    for index in range(256):
        # Exactly on the edge is not representable, but for the ends.
        middle = np.asarray(min((index + 0.5) / 255, 1), dtype)
        assert bins(middle) == [index]
    below = np.nextafter(np.asarray(1, dtype), np.asarray(0, dtype))
    assert bins(below) == [254] and bins(np.asarray(1, dtype)) == [255]
    assert bins(np.asarray(0, dtype)) == [0]


@pytest.mark.parametrize(("p", "index"), [(0.2, 51), (0.6, 153), (0.0, 0)])
def test_edges_belong_to_the_bin_above(p, index):
    assert bins(np.float64(p)) == [index]
    assert bins(np.float64(p + 1e-9)) == [index]
    if p:
        assert bins(np.float64(p - 1e-9)) == [index - 1]


def test_saturation_begins_where_the_sigmoid_is_one():
    logits = tf.constant([16.0, 17.0, -100.0])
    found = preactivation_histogram(tf.sigmoid(logits))
    assert found.counts[254] == 1 and found.counts[0] == 1
    assert found.last_bin == found.first_bin == 1 / 3


def test_half_precisions_are_read_in_their_own():
    for dtype in ("float16", "bfloat16"):
        values = tf.cast([0.0, 0.25, 0.5, 1.0], dtype)
        assert bins(values) == [0, 63, 127, 255]


def test_histograms_of_batches_add_up(monkeypatch):
    values = RNG.random((7, 30))
    whole = preactivation_histogram(values)
    parts = preactivation_histogram(values[:3])
    parts += preactivation_histogram(values[3:])
    np.testing.assert_array_equal(parts.counts, whole.counts)
    np.testing.assert_allclose(whole.shares.sum(), 1)
    module = preactivation_histogram.__globals__
    monkeypatch.setitem(module, "_CHUNK", 11)
    np.testing.assert_array_equal(
        preactivation_histogram(values).counts, whole.counts
    )
    with pytest.raises(TypeError):
        whole + 1


def test_uniform_probabilities_fill_all_bins_but_the_last_equally():
    found = preactivation_histogram(RNG.random(255_000))
    # Five standard errors.
    assert np.abs(found.counts[:-1] - 1000).max() < 5 * np.sqrt(1000)
    assert found.last_bin == 0 and abs(found.notch_depth()) < 0.1


def test_the_notch_is_the_share_that_is_missing_at_one_half():
    counts = np.full(256, 30)
    counts[126:129] = 3
    found = PreactivationHistogram(counts)
    np.testing.assert_allclose(found.notch_depth(), 0.9)
    np.testing.assert_allclose(found.notch_depth(width=1), 1 - 3 / (453 / 16))
    np.testing.assert_allclose(
        found.notch_depth(width=5, shoulder=1), 1 - 69 / 150
    )
    # A slope is no notch: both sides count.
    sloped = PreactivationHistogram(10 * np.arange(256))
    np.testing.assert_allclose(sloped.notch_depth(width=7), 0, atol=1e-12)
    counts[127] = 300
    assert PreactivationHistogram(counts).notch_depth() < 0


def test_a_notch_without_shoulders_is_undefined():
    found = preactivation_histogram([0.0, 0.5, 1.0])
    assert np.isnan(found.notch_depth())
    assert found.notch_depth(shoulder=126) == 1 - (1 / 3) / (1 / 126 / 2)


def test_wrong_arguments_raise():
    for values in ([1.5], [-0.1, 0.5], []):
        with pytest.raises(ValueError, match=r"`probabilities` in \[0, 1\]"):
            preactivation_histogram(values)
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match="to be finite. Received: 1 val"):
            preactivation_histogram([0.5, value])
    for counts in (np.zeros(256, int), np.ones(255, int), np.ones(256)):
        with pytest.raises(ValueError, match="`counts` to be 256 integers"):
            PreactivationHistogram(counts)
    found = preactivation_histogram([0.5])
    for arguments in ({"width": 2}, {"shoulder": 127}, {"width": 129}):
        with pytest.raises(ValueError, match="notch_depth expects"):
            found.notch_depth(**arguments)
