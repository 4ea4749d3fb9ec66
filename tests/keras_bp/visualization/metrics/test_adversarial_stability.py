"""The step of the adversary in closed form, and what it does to maps."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_bp.visualization.metrics import adversarial_stability


def linear():
    model = keras.Sequential(
        [keras.Input((2,)), layers.Dense(2, activation="softmax")]
    )
    model.set_weights([np.array([[1.0, -1.0], [2.0, -2.0]]), np.zeros(2)])
    return model


def test_the_step_goes_against_the_largest_class():
    x = np.array([[0.1, 0.1], [-0.5, -0.5]], "float32")
    found = adversarial_stability(linear(), x, 0.3)
    # The first is over the border then, the second is not.
    np.testing.assert_allclose(found.images, [[-0.2, -0.2], [-0.2, -0.2]])
    assert found.flipped.tolist() == [True, False]
    np.testing.assert_allclose(found.similarity, [-1, 1], rtol=1e-6)
    kept = adversarial_stability(linear(), x, 0.0, similarity="cosine")
    assert not kept.flipped.any()
    np.testing.assert_allclose(kept.similarity, 1, rtol=1e-6)


def test_inputs_stay_within_bounds():
    x = np.array([[0.1, 0.1]], "float32")
    found = adversarial_stability(linear(), x, 0.3, bounds=(0.0, 1.0))
    np.testing.assert_array_equal(found.images, [[0, 0]])


def test_bad_arguments_are_refused():
    x = np.ones((1, 2), "float32")
    with pytest.raises(ValueError, match="`epsilon`"):
        adversarial_stability(linear(), x, -0.1)
    with pytest.raises(ValueError, match="`similarity`"):
        adversarial_stability(linear(), x, 0.1, similarity="l2")
    dense = keras.Sequential([keras.Input((3, 2)), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"outputs \(examples, classes\)"):
        adversarial_stability(dense, np.ones((1, 3, 2)), 0.1)
