"""Maps of another class, in networks whose maps are known."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_bp.visualization import Attributor
from keras_bp.visualization.metrics import random_logit

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


def linear(kernel):
    kernel = np.asarray(kernel, "float32")
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(kernel.shape[1], use_bias=False)]
    )
    model.set_weights([kernel])
    return model


def test_classes_with_one_map_are_similar():
    same = linear(np.outer([1, 2, 3, 4], [1, 2, 3]))
    for similarity, wanted in (("cosine", 1), ("correlation", 1)):
        found = random_logit(same, X, similarity=similarity, seed=0)
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    found = random_logit(same, X, similarity="distance", batch_size=4)
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_the_other_class_is_never_the_largest_one():
    # Orthogonal maps: any other class is the root of two away.
    model = Attributor(linear(np.eye(4)))
    for seed in range(5):
        found = random_logit(model, X, similarity="distance", seed=seed)
        np.testing.assert_allclose(found, np.sqrt(2), rtol=1e-6)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="at least two classes"):
        random_logit(linear(np.ones((4, 1))), X)
    with pytest.raises(ValueError, match="`similarity`"):
        random_logit(linear(np.eye(4)), X, similarity="l2")
