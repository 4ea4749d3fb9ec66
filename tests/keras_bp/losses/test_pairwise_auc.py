import keras
import numpy as np
import pytest
import ranking_problems as problems
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from keras_bp.losses import _pairs
from keras_bp.losses.pairwise_auc import PairwiseAUC

RNG = np.random.default_rng(0)
SURROGATES = sorted(problems.PHI)


@pytest.mark.parametrize("xla", [False, True])
def test_it_is_the_mean_of_a_double_loop(xla, monkeypatch):
    # More rows than fit into two blocks, in a batch that does not fill them.
    monkeypatch.setattr(_pairs, "ROWS", 7)
    y, scores, weight = problems.problem(RNG, 40, ties=True)
    losses = [PairwiseAUC(x, 2.0, 1.3, dtype="float64") for x in SURROGATES]

    def run(*given):
        return [loss(*given) for loss in losses]

    run = tf.function(run, jit_compile=True) if xla else run
    for labels in (y, 1 - y):
        found = run(*(tf.constant(x) for x in (labels, scores, weight)))
        wanted = [
            problems.double_loop(labels, scores, weight, surrogate, 2.0, 1.3)
            for surrogate in SURROGATES
        ]
        np.testing.assert_allclose(found, wanted, rtol=1e-10)


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_the_gradient_equals_finite_differences(surrogate, monkeypatch):
    monkeypatch.setattr(_pairs, "ROWS", 7)
    y, scores, weight = problems.problem(RNG, 40, labels=3)
    loss = PairwiseAUC(surrogate, 1.5, dtype="float64", reduction=None)
    for labels in (y, 1 - y):
        problems.check_gradient(
            RNG,
            lambda x, y=labels: loss(y, x, weight) * [1.0, 2.0, 3.0],
            scores,
        )


@pytest.mark.parametrize("surrogate", ["sigmoid", "squared"])
def test_the_second_gradient_equals_finite_differences(surrogate, monkeypatch):
    monkeypatch.setattr(_pairs, "ROWS", 7)
    y, scores, weight = problems.problem(RNG, 20)
    loss = PairwiseAUC(surrogate, dtype="float64")

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(y, x, weight)
        return tape.gradient(value, x) ** 2

    problems.check_gradient(RNG, slope, scores)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_steep_sigmoid_is_one_minus_the_area(weighted):
    y, scores, weight = problems.problem(RNG, 300, ties=True)
    weight = weight if weighted else None
    found = PairwiseAUC(scale=1e4)(y, scores, weight)
    wanted = 1 - roc_auc_score(y, scores, sample_weight=weight)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_logits_are_compared_by_their_sigmoid():
    y, scores, _ = problems.problem(RNG)
    found = PairwiseAUC("squared", from_logits=True)(y, scores)
    wanted = PairwiseAUC("squared")(y, 1 / (1 + np.exp(-scores)))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_a_batch_of_thousands_needs_no_matrix_of_pairs():
    # All pairs at once would take 2.4 GB.
    positives, size = 3000, 200_000
    scores = RNG.normal(size=size).astype("float32")
    y = np.arange(size) < positives
    loss = PairwiseAUC("hinge", scale=1e-3)
    # Where all are within the margin, the mean is a difference of means.
    wanted = 1 - 1e-3 * (scores[y].mean() - scores[~y].mean())
    np.testing.assert_allclose(loss(y, scores), wanted, rtol=1e-5)


def test_blocks_stop_after_the_smaller_class(monkeypatch):
    seen = []
    take = _pairs._Blocks.take
    monkeypatch.setattr(
        _pairs._Blocks,
        "take",
        lambda self, index: seen.append(int(index)) or take(self, index),
    )
    y = np.arange(1000) < 70
    scores = RNG.normal(size=1000).astype("float32")
    for labels in (y, ~y):
        PairwiseAUC("logistic")(labels, scores)
    assert seen == [0, 1, 0, 1]


def test_extreme_scores_have_finite_gradients():
    losses = [PairwiseAUC(surrogate) for surrogate in SURROGATES]
    problems.check_stable(losses, tf.function(jit_compile=True))


def test_sums_are_in_single_precision():
    problems.check_half(RNG, PairwiseAUC("hinge"))


@pytest.mark.parametrize("surrogate", ["sigmoid", "hinge", "squared"])
def test_labels_without_pairs_count_for_nothing(surrogate):
    problems.check_labels(RNG, lambda **given: PairwiseAUC(surrogate, **given))


def test_it_trains_with_weights_and_labels():
    problems.check_trains(RNG, PairwiseAUC, jit_compile=True)


def test_a_class_weight_changes_nothing():
    plain, weighted = problems.loss_with_class_weight(PairwiseAUC())
    assert weighted == pytest.approx(plain, rel=1e-5)


def test_padded_examples_are_left_out():
    inputs = keras.Input((2,))
    outputs = keras.layers.Dense(1)(keras.layers.Masking()(inputs))
    model = keras.Model(inputs, outputs)
    x = RNG.normal(size=(10, 2)).astype("float32")
    x[6:] = 0.0
    y = np.arange(10) % 2
    # An offset, by which those of padding would be in the way.
    model.layers[-1].bias.assign([3.0])
    found = PairwiseAUC("squared")(y, model(x))
    np.testing.assert_allclose(
        found, PairwiseAUC("squared")(y[:6], np.array(model(x))[:6]), rtol=1e-5
    )


def test_it_reloads_with_its_arguments():
    config = problems.check_saves(
        PairwiseAUC("logistic", 2.0, 0.5, True, "area", reduction="sum")
    )
    assert config == {
        "surrogate": "logistic",
        "scale": 2.0,
        "margin": 0.5,
        "from_logits": True,
        "name": "area",
        "reduction": "sum",
        "dtype": None,
    }
    problems.check_saves(PairwiseAUC(dtype="float64"))


def test_replicas_rank_their_parts_and_are_averaged(two_replicas):
    y, scores, _ = problems.problem(RNG, 20)
    loss = PairwiseAUC("squared")

    def value(context):
        part = context.replica_id_in_sync_group
        return loss(tf.split(y, 2)[part], tf.split(scores, 2)[part])

    with two_replicas.scope():
        parts = two_replicas.run(
            lambda: value(tf.distribute.get_replica_context())
        )
    found = sum(np.asarray(x) for x in parts.values)
    wanted = np.mean([loss(y[:10], scores[:10]), loss(y[10:], scores[10:])])
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("labels", [1, 2])
def test_graphs_of_open_sizes_take_any_batch(labels):
    y, scores, _ = problems.problem(RNG, 150, labels)
    losses = [PairwiseAUC(name) for name in ("sigmoid", "hinge")]
    spec = tf.TensorSpec((None, *y.shape[1:]), "float64")

    @tf.function(input_signature=[spec, spec])
    def run(y, scores):
        return [loss(y, scores) for loss in losses]

    for size in (5, 150):
        given = y[:size], scores[:size]
        wanted = [loss(*given) for loss in losses]
        np.testing.assert_allclose(run(*given), wanted, rtol=1e-4)


def test_bad_arguments_and_shapes_raise():
    with pytest.raises(ValueError, match="`surrogate` to be one of"):
        PairwiseAUC("exact")
    with pytest.raises(ValueError, match="`scale` to be greater than zero"):
        PairwiseAUC(scale=0)
    with pytest.raises(ValueError, match="`margin` to be zero or greater"):
        PairwiseAUC(margin=-1)
    loss = PairwiseAUC()
    with pytest.raises(ValueError, match="one score for each label"):
        loss(np.ones(4), np.ones((4, 2)))
    with pytest.raises(ValueError, match="`sample_weight` to have the shape"):
        loss(np.ones((4, 3)), np.ones((4, 3)), np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"\(batch,\) or \(batch, labels\)"):
        loss(np.ones((4, 2, 1)), np.ones((4, 2, 1)))
