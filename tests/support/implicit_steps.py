"""Single steps of implicit models."""

import keras

from keras_bp.training import make_implicit


def moved(model, x, y, rate=0.5, rule="layerwise", loss="mse", **options):
    """How far a step moves the weights, and the model."""
    weights = options.pop("sample_weight", None)
    trained = make_implicit(model, rule, seed=0, **options)
    trained.compile(keras.optimizers.SGD(rate), loss, run_eagerly=True)
    settle(trained)
    before = model.get_weights()
    trained.train_on_batch(x, y, sample_weight=weights)
    return [
        after - then
        for after, then in zip(model.get_weights(), before, strict=True)
    ]


def settle(trained, curvature=0.1):
    """Sets curvatures, which are not measured anew in the next step."""
    for _, value in trained.trained_implicitly():
        value.assign(curvature)
    trained.steps.assign(101)
