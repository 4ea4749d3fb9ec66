import numpy as np
import pytest
import ranking_problems as problems
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from keras_bp.losses.pairwise_auc import PairwiseAUC
from keras_bp.losses.partial_auc import PartialAUC

RNG = np.random.default_rng(0)


def standardized(loss, max_fpr):
    """McClish's, as scikit-learn gives it."""
    return 0.5 * (1 + (1 - loss - max_fpr / 2) / (1 - max_fpr / 2))


@pytest.mark.parametrize("max_fpr", [0.013, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_steep_sigmoid_is_the_standardized_area(max_fpr, weighted):
    y, scores, weight = problems.problem(RNG, 300)
    weight = weight if weighted else None
    loss = PartialAUC(max_fpr, scale=1e6, dtype="float64")
    wanted = roc_auc_score(y, scores, sample_weight=weight, max_fpr=max_fpr)
    found = loss(y, scores, weight)
    if max_fpr < 1:
        found = standardized(found, max_fpr)
    else:
        found = 1 - found
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_ties_inside_the_range_count_half():
    y = np.array([1, 1, 0, 0, 0, 0])
    scores = np.array([3.0, 2.0, 3.0, 3.0, 1.0, 0.0])
    loss = PartialAUC(0.75, scale=1e4)
    wanted = roc_auc_score(y, scores, max_fpr=0.75)
    np.testing.assert_allclose(
        standardized(loss(y, scores), 0.75), wanted, rtol=1e-6
    )


@pytest.mark.parametrize("xla", [False, True])
def test_it_equals_a_double_loop_over_the_highest_negatives(xla):
    y, scores, weight = problems.problem(RNG, 40, ties=True)
    kept = weight.copy()
    left = 0.3 * weight[y == 0].sum()
    for j in sorted(np.flatnonzero(y == 0), key=lambda j: -scores[j]):
        kept[j] = min(weight[j], left)
        left -= kept[j]
    losses = [
        PartialAUC(0.3, surrogate, 2.0, dtype="float64")
        for surrogate in ("hinge", "squared")
    ]

    def run(*given):
        return [loss(*given) for loss in losses]

    run = tf.function(run, jit_compile=True) if xla else run
    found = run(*(tf.constant(x) for x in (y, scores, weight)))
    wanted = [
        problems.double_loop(y, scores, kept, *given)
        for given in (("hinge", 2.0, 1.0), ("squared", 2.0, 1.0))
    ]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_the_whole_range_is_the_whole_area():
    y, scores, weight = problems.problem(RNG)
    np.testing.assert_allclose(
        PartialAUC(1.0, "squared")(y, scores, weight),
        PairwiseAUC("squared")(y, scores, weight),
        rtol=1e-5,
    )


@pytest.mark.parametrize("surrogate", ["sigmoid", "hinge", "squared"])
def test_the_gradient_equals_finite_differences(surrogate):
    y, scores, weight = problems.problem(RNG, 40, labels=3)
    loss = PartialAUC(0.2, surrogate, dtype="float64")
    problems.check_gradient(RNG, lambda x: loss(y, x, weight), scores)


def test_easy_negatives_get_no_gradient():
    y, scores, _ = problems.problem(RNG, 100)
    x = tf.constant(scores)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = PartialAUC(0.1)(y, x)
    gradient = tape.gradient(value, x).numpy()[y == 0]
    count = int(np.ceil(0.1 * np.sum(y == 0)))
    highest = np.argsort(-scores[y == 0])[:count]
    assert set(np.flatnonzero(gradient)) == set(highest)


def test_extreme_scores_have_finite_gradients():
    problems.check_stable([PartialAUC(0.5), PartialAUC(0.5, "hinge")])


def test_sums_are_in_single_precision():
    problems.check_half(RNG, PartialAUC(0.3, "hinge"))


def test_labels_without_pairs_count_for_nothing():
    problems.check_labels(RNG, lambda **given: PartialAUC(0.3, **given))


def test_it_trains_with_weights_and_labels():
    problems.check_trains(
        RNG, lambda **given: PartialAUC(0.3, "hinge", **given)
    )


def test_a_class_weight_changes_nothing():
    plain, weighted = problems.loss_with_class_weight(PartialAUC(0.4))
    assert weighted == pytest.approx(plain, rel=1e-5)


def test_it_reloads_with_its_arguments():
    config = problems.check_saves(PartialAUC(0.25, "hinge", name="part"))
    assert config["max_fpr"] == 0.25 and config["surrogate"] == "hinge"
    assert config["name"] == "part"


@pytest.mark.parametrize("max_fpr", [0, 1.5, float("nan")])
def test_shares_out_of_range_raise(max_fpr):
    with pytest.raises(ValueError, match="PartialAUC expects `max_fpr` to be"):
        PartialAUC(max_fpr)
