import types

import numpy as np
import pytest

from keras_bp.callbacks import GradientBias


def report(model):
    row = types.SimpleNamespace
    return row(
        rows=[
            row(
                exact=np.array([3.0, 0.0]),
                bias=np.array([0.3, 0.0]),
                error=np.array([0.0, 1.0]),
                variance=np.array([1.0, 2.0]),
            ),
            row(
                exact=np.array([4.0]),
                bias=np.array([-0.4]),
                error=np.array([0.0]),
                variance=np.array([3.0]),
            ),
        ]
    )


def measured(measure, epochs, **arguments):
    callback = GradientBias(measure, **arguments)
    callback.set_model(None)
    callback.on_train_begin()
    found = []
    for epoch in epochs:
        logs = {}
        callback.on_epoch_end(epoch, logs)
        found.append(logs)
    return found


def test_the_logs_get_bias_and_variance_of_all_variables():
    (logs,) = measured(report, [0])
    assert logs["gradient_bias"] == pytest.approx(0.1)
    assert logs["gradient_bias_error"] == pytest.approx(0.2)
    assert logs["gradient_log_variance"] == pytest.approx(np.log(2.0))


def test_it_measures_every_so_many_epochs():
    found = measured(report, [4, 5, 6], every=2)
    assert [bool(logs) for logs in found] == [True, False, True]


def test_a_gradient_of_zero_has_no_relative_bias():
    zero = np.zeros(1)
    row = types.SimpleNamespace(
        exact=zero, bias=zero, error=zero, variance=zero
    )
    (logs,) = measured(lambda model: types.SimpleNamespace(rows=[row]), [0])
    assert logs["gradient_bias"] == 0.0
    assert logs["gradient_log_variance"] == -np.inf


def test_wrong_arguments_are_refused():
    with pytest.raises(TypeError, match="to be a function of the model"):
        GradientBias(3)
    with pytest.raises(ValueError, match="every"):
        GradientBias(lambda model: None, every=0)
