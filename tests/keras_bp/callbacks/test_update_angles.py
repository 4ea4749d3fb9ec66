import keras
import numpy as np
import pytest
from keras import layers
from lagrangian_toys import net
from local_models import FEATURES, X, Y, compiled, gradients, small

from keras_bp.callbacks import UpdateAngles
from keras_bp.training import FeedbackAlignmentModel


def test_angles_are_those_of_both_gradients_layer_by_layer():
    model = small("feedback_alignment", "graph")
    callback = UpdateAngles(X, Y)
    history = model.fit(
        X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[callback]
    ).history
    names = [layer.name for layer in model.model.layers]
    found = callback.reports[-1][1]
    assert list(found) == names
    true = small("feedback_alignment")
    true.set_weights(model.get_weights())
    local = gradients(model, X, Y)
    expected = [np.asarray(g.numpy()) for _, g in true.backprop_gradients(X, Y)]
    for place, name in enumerate(names):
        a, b = (
            np.concatenate([x.ravel() for x in part[2 * place :][:2]])
            for part in (local, expected)
        )
        norms = np.linalg.norm(a), np.linalg.norm(b)
        cosine = min(1.0, np.dot(a, b) / (norms[0] * norms[1]))
        np.testing.assert_allclose(
            found[name]["angle"], np.degrees(np.arccos(cosine)), atol=0.1
        )
        np.testing.assert_allclose(
            found[name]["ratio"], norms[0] / norms[1], rtol=1e-3
        )
        assert history[f"angle/{name}"][-1] == found[name]["angle"]
    # The lowest layer has no feedback; the last is trained by the loss.
    assert "alignment" not in found[names[0]]
    kernel = np.ravel(model.model.layers[1].kernel)
    feedback = np.ravel(model.feedback_of(model.model.layers[1]))
    np.testing.assert_allclose(
        np.cos(np.radians(found[names[1]]["alignment"])),
        np.dot(kernel, feedback)
        / np.linalg.norm(kernel)
        / np.linalg.norm(feedback),
        rtol=1e-4,
    )
    assert found[names[2]]["angle"] < 0.1


def test_gradients_that_are_not_finite_have_no_angle():
    model = small("feedback_alignment")
    found = model.update_angles(np.nan * X, Y)
    assert all(np.isnan(each["angle"]) for each in found.values())
    # What is zero has one to nothing.
    model.model.layers[-1].kernel.assign(np.zeros((4, 3)))
    found = model.update_angles(X, Y)
    assert found[model.model.layers[0].name]["angle"] == 90


def test_layers_of_one_name_are_told_apart():
    keras.utils.set_random_seed(0)
    inner = [
        keras.Sequential(
            [keras.Input((FEATURES,)), layers.Dense(FEATURES, name="same")],
            name=name,
        )
        for name in ("lower", "upper")
    ]
    model = keras.Sequential([keras.Input((FEATURES,)), *inner])
    model.add(layers.Dense(3))
    trained = compiled(FeedbackAlignmentModel(model, seed=0))
    names = list(trained.update_angles(X, Y))
    assert len(names) == 3
    assert [name.endswith("same") for name in names[:2]] == [True, True]


def test_reports_are_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    callback = UpdateAngles(X, Y, every=2)
    with pytest.raises(ValueError, match="expects reports"):
        callback.plot()
    for epoch in range(2):
        found = {"a": {"angle": 80.0 - epoch, "ratio": 1.0}}
        callback.report(epoch, found, {})
    figure = callback.plot(tmp_path / "angles.png")
    shown = [len(axes.lines) for axes in figure.axes]
    assert shown == [1, 1, 0]
    assert (tmp_path / "angles.png").stat().st_size > 5_000


def test_other_models_are_refused():
    model = net(4)
    compiled(model)
    with pytest.raises(TypeError, match="local_rules.*Sequential"):
        UpdateAngles(X, Y).set_model(model)
    with pytest.raises(ValueError, match="`every`"):
        UpdateAngles(X, Y, every=0)
    # Else each number would be an input of the model.
    with pytest.raises(TypeError, match="UpdateAngles.*`x`.*float in a list"):
        UpdateAngles(X.tolist(), Y)
    with pytest.raises(TypeError, match="UpdateAngles.*`y`.*numpy.array"):
        UpdateAngles(X, Y.tolist())
