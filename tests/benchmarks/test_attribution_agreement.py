import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from map_packages import doubled, ours, stand_in

from benchmarks import attribution_agreement as agreement
from benchmarks import attribution_cases as cases
from benchmarks import attribution_exact as exact
from benchmarks import attribution_forms as forms
from benchmarks import attribution_torch as twins
from keras_bp.visualization import Attributor

RULE = "guided"
TARGET = np.array([0, 1, 2, 0])


def _plain(model, rule):
    return cases.plain(model, False)


def _lacking(model, rule):
    raise NotImplementedError("It has no such rule")


@pytest.mark.parametrize("pool_first", [False, True])
def test_the_reference_is_the_network_and_its_gradient(pool_first):
    model, x = forms.network(pool_first), exact.images()
    reference = exact.Exact(pool_first=pool_first)
    np.testing.assert_allclose(model(x), reference.outputs(x), rtol=1e-4)
    found = cases.plain(model, False)(x, TARGET)()
    due = reference.maps("saliency", x, TARGET)
    np.testing.assert_allclose(found, due, atol=1e-6)


@pytest.mark.parametrize("pool_first", [False, True])
@pytest.mark.parametrize("rule", ["guided", "deconvnet"])
def test_the_reference_follows_the_rules(rule, pool_first):
    x = exact.images()
    reference = exact.Exact(pool_first=pool_first)
    due = reference.maps(rule, x, TARGET)
    found = Attributor(forms.network(pool_first), rule)(x, TARGET)
    np.testing.assert_allclose(found, due, atol=1e-6)
    plain = reference.maps("saliency", x, TARGET)
    assert np.max(np.abs(due - plain)) > 0.1


def test_every_form_is_the_same_network_and_reaches_the_bound():
    x = exact.images()
    found = forms.forms()
    assert len(found) == 9
    for form in found.values():
        due = exact.Exact(form.bound).outputs(x)
        np.testing.assert_allclose(form.keras()(x), due, rtol=1e-4, atol=1e-4)
    bounded = exact.Exact(6.0).maps(RULE, x, TARGET)
    free = exact.Exact().maps(RULE, x, TARGET)
    assert np.max(np.abs(bounded - free)) > 0.1


@pytest.mark.parametrize(
    ("make", "verdict"),
    [
        (ours, "right"),
        (_plain, "silently the plain gradient"),
        (doubled, "wrong"),
        (_lacking, "refused"),
    ],
)
def test_a_package_is_judged_by_its_maps(make, verdict, monkeypatch):
    stand_in(monkeypatch, make)
    form = forms.forms()["keras.ops.relu"]
    found = agreement.judged("another", RULE, form)
    assert found.verdict == verdict
    if verdict == "refused":
        assert found.error is None
        assert found.reason == "NotImplementedError: It has no such rule"
    else:
        assert (found.error < 1e-6) == (verdict == "right")


def test_the_saliency_of_xplique_is_absolute(monkeypatch):
    def absolute(model, rule):
        def given(x, target):
            maps = cases.plain(model, False)(x, target)
            return lambda: np.abs(maps())

        return given

    stand_in(monkeypatch, absolute)
    form = forms.forms()["ReLU()"]
    assert agreement.judged("Xplique", "saliency", form).verdict == "right"
    assert agreement.judged("other", "saliency", form).verdict == "wrong"


@pytest.mark.parametrize("name", forms.beyond())
def test_we_refuse_what_no_rule_reaches(name):
    found = agreement.judged("Attributor", RULE, forms.beyond()[name])
    assert found.verdict == "refused"
    assert found.reason.startswith("RectifierNotCovered")


def test_coverage_counts_forms_by_verdict(monkeypatch):
    stand_in(monkeypatch, _lacking)
    verdicts = {"nested functional": "wrong", "ReLU()": "refused"}

    def judged(package, rule, form):
        (name,) = [
            name
            for name, what in (known | others).items()
            if what.keras is form.keras
        ]
        if name in others:
            return agreement.Found("refused", reason="so it says")
        verdict = verdicts.get(name, "right") if package == "other" else "right"
        refused = verdict == "refused"
        return agreement.Found(verdict, None if refused else 0.5, "why")

    known, others = forms.forms(), forms.beyond()
    monkeypatch.setattr(forms, "forms", lambda: known)
    monkeypatch.setattr(forms, "beyond", lambda: others)
    monkeypatch.setattr(agreement, "judged", judged)
    rows = {
        (row.name, row.metric): row
        for row in agreement.coverage_rows(["other", "Captum"])
    }
    ours = rows["Attributor", "guided, forms that are right, of 9"]
    theirs = rows["other 1.0", "guided, forms that are right, of 9"]
    assert (ours.value, ours.verdict) == (9, "pass")
    assert (theirs.value, theirs.verdict) == (7, "info")
    assert theirs.against == "7 right; 1 wrong; 1 refused"
    told = rows["other 1.0", "guided, ReLU()"]
    assert (told.value, told.unit) == (0, "maps")
    assert told.against == "refused, why"
    assert rows["other 1.0", "guided, nested functional"].value == 0.5
    metric = "guided, refused where it cannot be right, of 2"
    assert rows["Attributor", metric].verdict == "pass"
    assert rows["other 1.0", metric].value == 2
    assert ("Captum 1.0", metric) not in rows
    assert rows["Captum 1.0", "guided, ReLU()"].against == "as nn.ReLU: right"


@pytest.mark.parametrize(("make", "error"), [(ours, 0), (doubled, 0.3)])
def test_equality_is_judged_for_both_places_of_pooling(
    make, error, monkeypatch
):
    stand_in(monkeypatch, make)
    rows = agreement.equality_rows()
    assert len(rows) == 12
    for row in rows:
        near = "NumPy" in row.metric or not error
        assert row.verdict == ("pass" if near else "miss")
        assert near or row.value > error


def test_the_steps_of_a_twin_follow_the_graph(monkeypatch):
    monkeypatch.setattr(twins, "_module", lambda layer: layer)
    inputs = keras.Input((4,))
    shared = layers.Dense(4, activation="tanh")
    x = shared(inputs)
    x = layers.Add()([x, layers.ReLU()(shared(x)), inputs])
    model = keras.Model(inputs, layers.Dense(2)(x))
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    steps = twins._steps(model)
    known = {steps[0][1][0]: tf.constant(x)}
    for part, given, made in steps:
        values = [known[key] for key in given]
        known[made] = part(values if len(values) > 1 else values[0])
    np.testing.assert_allclose(known[steps[-1][2]], model(x), rtol=1e-6)
    assert [part.name for part, _, _ in steps].count(shared.name) == 2


def test_a_twin_has_the_outputs_of_its_model():
    pytest.importorskip("torch")
    keras.utils.set_random_seed(0)
    inputs = keras.Input((9, 9, 2))
    x = layers.ZeroPadding2D(((1, 0), (0, 2)))(inputs)
    x = layers.Conv2D(4, 3, 2, use_bias=False)(x)
    x = layers.BatchNormalization(epsilon=1e-2)(x)
    y = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.Activation("relu")(layers.Add()([x, y]))
    x = layers.ReLU(6.0)(layers.MaxPooling2D(2, 2)(x))
    pooled = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(4)(layers.Flatten()(x))
    model = keras.Model(inputs, layers.Add()([x, pooled]))
    rng = np.random.default_rng(0)
    model.set_weights(
        [
            rng.uniform(0.2, 1, w.shape) - 0.4 * (w.ndim > 1)
            for w in model.get_weights()
        ]
    )
    twin = twins.twin(model)
    x = rng.normal(size=(3, 9, 9, 2)).astype("float32")
    twins.check(model, twin, x, 1e-5)
    next(iter(twin.parameters())).data += 0.1
    with pytest.raises(RuntimeError, match="are off by"):
        twins.check(model, twin, x)


def test_the_forms_in_pytorch_are_the_same_network():
    torch = pytest.importorskip("torch")
    x = exact.images()
    for form in (forms.forms() | forms.beyond()).values():
        if form.torch is not None:
            found = forms.torch_network(form)(twins.tensor(x))
            due = np.asarray(form.keras()(x))
            assert isinstance(found, torch.Tensor)
            np.testing.assert_allclose(
                found.detach().numpy(), due, rtol=1e-4, atol=1e-4
            )
