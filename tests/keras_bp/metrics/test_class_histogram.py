import numpy as np
import pytest
import tensorflow as tf

from keras_bp.metrics import class_histogram, classes_hit

RNG = np.random.default_rng(0)


def test_it_counts_the_most_probable_classes():
    labels = RNG.integers(0, 6, 100)
    p = (RNG.random((100, 8)) + 2 * np.eye(8)[labels]).astype("float32")
    p /= p.sum(axis=1, keepdims=True)
    expected = np.bincount(labels, minlength=8)
    np.testing.assert_array_equal(class_histogram(tf.constant(p)), expected)
    assert classes_hit(p) == 6 and expected[6] == expected[7] == 0


def test_a_class_is_hit_by_enough_samples():
    p = np.eye(4)[[0, 0, 0, 1, 1, 2]]
    assert [classes_hit(p, m) for m in (1, 2, 3, 4)] == [3, 2, 1, 0]


def test_the_first_of_equal_classes_counts():
    np.testing.assert_array_equal(class_histogram([[0.5, 0.5]]), [1, 0])


def test_wrong_arguments_raise():
    for call in (class_histogram, classes_hit):
        with pytest.raises(ValueError, match=f"{call.__name__} expects `prob"):
            call([[2.0, 1.0]])
        with pytest.raises(ValueError, match="`probabilities` of shape"):
            call([1, 0])
    with pytest.raises(ValueError, match="`minimum` to be 1"):
        classes_hit([[1.0]], minimum=0)
