import numpy as np
import pytest
import ranking_problems as problems
import tensorflow as tf
from sklearn.metrics import fbeta_score

from keras_bp.losses.soft_f_beta import SoftFBeta

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("average", ["binary", "macro", "micro"])
def test_with_decisions_it_is_one_minus_the_measure(beta, average):
    labels = 1 if average == "binary" else 3
    y, scores, weight = problems.problem(RNG, 60, labels=labels)
    decisions = (scores > 0.5).astype("float64")
    loss = SoftFBeta(beta, average)
    if beta == 2.0:
        loss = tf.function(loss, jit_compile=average == "macro")
    for given in (None, weight):
        found = loss(
            y, decisions, None if given is None else tf.constant(given)
        )
        wanted = 1 - fbeta_score(
            y, decisions, beta=beta, average=average, sample_weight=given
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_the_gradient_equals_finite_differences(average):
    y, scores, weight = problems.problem(RNG, 40, labels=3)
    loss = SoftFBeta(2.0, average, from_logits=True, dtype="float64")
    problems.check_gradient(RNG, lambda x: loss(y, x, weight), scores)


def test_logits_are_taken_by_their_sigmoid():
    y, scores, weight = problems.problem(RNG)
    np.testing.assert_allclose(
        SoftFBeta(from_logits=True)(y, scores, weight),
        SoftFBeta()(y, 1 / (1 + np.exp(-scores)), weight),
        rtol=1e-5,
    )


def test_extreme_scores_have_finite_gradients():
    problems.check_stable([SoftFBeta(from_logits=True)])


def test_sums_are_in_single_precision():
    problems.check_half(RNG, SoftFBeta(from_logits=True))


def test_a_common_factor_of_the_weights_changes_nothing():
    y, scores, weight = problems.problem(RNG)
    loss = SoftFBeta(from_logits=True)
    wanted = loss(y, scores, weight)
    np.testing.assert_allclose(loss(y, scores, 1e-3 * weight), wanted, 1e-5)


def test_labels_without_positives_count_for_nothing():
    problems.check_labels(
        RNG,
        lambda **given: SoftFBeta(average="macro", from_logits=True, **given),
    )


def test_a_label_without_negatives_has_a_measure():
    found = SoftFBeta()(np.ones(4), np.array([1.0, 1.0, 0.5, 0.5]))
    assert float(found) == pytest.approx(1 - 2 * 3 / (4 + 3))


def test_micro_sums_over_labels_before_the_ratio():
    y = np.array([[1.0, 0.0], [1.0, 0.0]])
    p = np.array([[0.5, 0.5], [0.5, 0.5]])
    assert float(SoftFBeta(average="micro")(y, p)) == pytest.approx(0.5)
    each = SoftFBeta(average="micro", reduction=None)(y, p)
    assert each.shape == (1,)
    assert float(SoftFBeta(average="macro")(y, p)) == pytest.approx(1 / 3)


def test_it_trains_with_weights_and_labels():
    problems.check_trains(
        RNG,
        lambda **given: SoftFBeta(average="macro", from_logits=True, **given),
    )


def test_a_class_weight_counts_positives_more():
    plain, weighted = problems.loss_with_class_weight(
        SoftFBeta(from_logits=True)
    )
    assert weighted < plain - 0.05


def test_it_reloads_with_its_arguments():
    config = problems.check_saves(
        SoftFBeta(2.0, "micro", True, dtype="float64")
    )
    assert (config["beta"], config["average"]) == (2.0, "micro")
    assert config["from_logits"] and config["dtype"] == "float64"


def test_bad_arguments_and_several_labels_for_one_raise():
    with pytest.raises(ValueError, match="`beta` to be greater than zero"):
        SoftFBeta(beta=0)
    with pytest.raises(ValueError, match="`average` to be one of"):
        SoftFBeta(average="samples")
    with pytest.raises(ValueError, match="Take 'macro' or 'micro'"):
        SoftFBeta()(np.ones((4, 3)), np.ones((4, 3)))


@pytest.mark.parametrize("beta", [1e-37, 1e37])
def test_a_beta_without_a_square_in_float32_gives_recall_or_precision(beta):
    y, scores = [0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0]
    wanted = 0.0 if beta > 1 else 1 / 3
    np.testing.assert_allclose(SoftFBeta(beta)(y, scores), wanted, atol=1e-6)
