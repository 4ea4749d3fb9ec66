import numpy as np
import pytest
import ranking_problems as problems
import tensorflow as tf
from sklearn.metrics import precision_recall_curve

from keras_bp.losses.precision_at_recall import PrecisionAtRecall

RNG = np.random.default_rng(0)


def exact(y, scores, weight, recall):
    """Precision at the highest threshold that reaches the recall."""
    precisions, recalls, _ = precision_recall_curve(
        y, scores, sample_weight=weight
    )
    # Thresholds rise, so the last one; rounding must not ask for more.
    return precisions[np.flatnonzero(recalls >= recall - 1e-9)[-1]]


@pytest.mark.parametrize("recall", [0.01, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_steep_sigmoid_is_one_minus_the_precision(recall, weighted):
    y, scores, weight = problems.problem(RNG, 300)
    weight = weight if weighted else None
    loss = PrecisionAtRecall(recall, scale=1e6, dtype="float64")
    found = 1 - loss(y, scores, weight)
    wanted = exact(y, scores, weight, recall)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_the_hinge_bounds_it_and_tied_positives_are_found():
    y = np.array([1, 1, 1, 0, 0, 0])
    scores = np.array([2.0, 2.0, 1.0, 2.5, 0.5, 1.5])
    # At 2, with two positives, though a share of 0.3 asks for one.
    steep = PrecisionAtRecall(0.3, scale=1e4)(y, scores)
    np.testing.assert_allclose(1 - steep, 2 / 3, rtol=1e-5)
    # 1.5, and 0.5 within the margin, of a negative at 1.5.
    hinge = PrecisionAtRecall(0.3, "hinge")(y, scores)
    np.testing.assert_allclose(hinge, 2 / (2 + 2), rtol=1e-5)
    assert hinge >= steep


@pytest.mark.parametrize("count", [1, 3, 6, 8, 10])
def test_rounding_asks_for_no_positive_more(count):
    scores, y = np.arange(20.0), np.arange(20) % 2
    weight = np.where(y, 0.1, 0.37)
    found = PrecisionAtRecall(count / 10, scale=1e3)(y, scores, weight)
    wanted = 0.37 * (count - 1) / (0.37 * (count - 1) + 0.1 * count)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("xla", [False, True])
def test_the_value_equals_its_formula(xla):
    y, scores, weight = problems.problem(RNG, 40)
    loss = PrecisionAtRecall(0.7, "logistic", 2.0, 0.3, dtype="float64")
    run = tf.function(loss, jit_compile=True) if xla else loss
    found = run(*(tf.constant(x) for x in (y, scores, weight)))
    mine = sorted(
        (s, w) for s, w, t in zip(scores, weight, y, strict=True) if t
    )
    needed, reached = 0.7 * sum(w for _, w in mine), 0.0
    while reached < needed - 1e-9:
        threshold, w = mine.pop()
        reached += w
    z = 0.3 + 2.0 * (scores[y == 0] - threshold)
    alarms = np.sum(weight[y == 0] * problems.PHI["logistic"](z))
    np.testing.assert_allclose(found, alarms / (reached + alarms), rtol=1e-10)


@pytest.mark.parametrize("surrogate", ["sigmoid", "hinge", "logistic"])
def test_the_gradient_equals_finite_differences(surrogate):
    y, scores, weight = problems.problem(RNG, 40, labels=3)
    loss = PrecisionAtRecall(0.6, surrogate, dtype="float64")
    problems.check_gradient(RNG, lambda x: loss(y, x, weight), scores)


def test_the_positive_at_the_threshold_is_lifted():
    y, scores, _ = problems.problem(RNG)
    x = tf.constant(scores)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = PrecisionAtRecall(1.0)(y, x)
    gradient = tape.gradient(value, x).numpy()
    lowest = np.flatnonzero(y)[np.argmin(scores[y == 1])]
    assert gradient[lowest] < 0
    assert list(np.flatnonzero(gradient * y)) == [lowest]
    np.testing.assert_allclose(gradient.sum(), 0, atol=1e-6)


def test_extreme_scores_have_finite_gradients():
    problems.check_stable(
        [PrecisionAtRecall(0.5), PrecisionAtRecall(0.5, "hinge")]
    )


def test_sums_are_in_single_precision():
    problems.check_half(RNG, PrecisionAtRecall(0.8, "hinge"))


def test_labels_with_one_class_count_for_nothing():
    problems.check_labels(RNG, lambda **given: PrecisionAtRecall(0.8, **given))


def test_it_trains_with_weights_and_labels():
    problems.check_trains(
        RNG, lambda **given: PrecisionAtRecall(0.8, "hinge", **given)
    )


def test_a_class_weight_lifts_the_precision():
    plain, weighted = problems.loss_with_class_weight(PrecisionAtRecall(0.8))
    # precision p / (p + n) with positives of five times the weight.
    assert weighted == pytest.approx(
        plain / (plain + 5 * (1 - plain)), rel=1e-4
    )


def test_it_reloads_with_its_arguments():
    config = problems.check_saves(PrecisionAtRecall(0.7, "logistic", 3.0))
    assert config["recall"] == 0.7 and config["scale"] == 3.0


def test_bad_arguments_raise():
    with pytest.raises(ValueError, match=r"`recall` to be in \(0, 1\]"):
        PrecisionAtRecall(1.01)
    with pytest.raises(ValueError, match="`surrogate` to be one of"):
        PrecisionAtRecall(0.5, "squared")
