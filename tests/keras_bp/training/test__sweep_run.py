import numpy as np
import tensorflow as tf

from keras_bp.training._sweep_checks import checked_data
from keras_bp.training._sweep_run import right_predictions


def test_classes_are_right_where_the_largest_prediction_is_and_none_is_nan():
    nan = float("nan")
    y_pred = tf.constant([[0.0, 1], [1, 0], [nan, 1], [-np.inf, 1]])
    expected = [True, False, False, True]
    for y in ([1, 1, 1, 1], [[1], [1], [1], [1]]):
        np.testing.assert_array_equal(
            right_predictions(tf.constant(y), y_pred), expected
        )
    steps = right_predictions(
        tf.ones((2, 2), "uint8"), tf.reshape(y_pred, (2, 2, 2))
    )
    np.testing.assert_array_equal(steps, np.reshape(expected, (2, 2)))
    for y in (y_pred, tf.ones((4,)), tf.ones((4, 2), "int32"), [y_pred]):
        assert right_predictions(y, y_pred) is None
    assert right_predictions(tf.ones((4, 1), "int32"), y_pred[:, :1]) is None


def test_float64_is_cast_as_by_fit_and_other_types_are_kept():
    pair = np.ones((2, 1)), np.ones((2, 1), "uint8")
    _, found = checked_data({"train": pair, "validation": pair}, 0)
    assert [x.dtype for x in found["train"]] == ["float32", "uint8"]
