import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from keras_bp.metrics import batch_classifier_scores, classifier_score

RNG = np.random.default_rng(0)


def softmax(count, classes, scale=3.0):
    return special.softmax(scale * RNG.normal(size=(count, classes)), axis=1)


@pytest.mark.parametrize("classes", [1, 2, 10])
def test_it_is_the_exponential_of_the_mean_divergence(classes):
    p = softmax(50, classes)
    divergence = special.rel_entr(p, p.mean(axis=0)).sum(axis=1)
    expected = np.exp(divergence.mean())
    np.testing.assert_allclose(classifier_score(p), expected, rtol=1e-12)


def test_sure_predictions_count_the_classes_that_are_hit():
    sure = np.eye(10)
    np.testing.assert_allclose(classifier_score(sure), 10)
    np.testing.assert_allclose(classifier_score(sure[:4]), 4)
    np.testing.assert_allclose(classifier_score(sure[[3, 3, 3]]), 1)
    # Unequally: the exponential of the entropy of 3/4 and 1/4.
    expected = np.exp(special.entr([0.75, 0.25]).sum())
    np.testing.assert_allclose(classifier_score(sure[[0, 0, 0, 1]]), expected)


def test_unsure_predictions_score_one():
    alike = np.repeat(softmax(1, 5), 7, axis=0)
    np.testing.assert_allclose(classifier_score(alike), 1)
    assert classifier_score(alike) >= 1


def test_half_precision_is_made_up_for():
    p = softmax(40, 10)
    for dtype in ("float16", "bfloat16"):
        found = classifier_score(tf.cast(p, dtype))
        np.testing.assert_allclose(found, classifier_score(p), rtol=0.02)
    # Probabilities of one sum are not changed by a factor.
    np.testing.assert_allclose(classifier_score(1.005 * p), classifier_score(p))


def test_batches_are_scored_by_themselves_and_the_rest_is_left_out():
    p = softmax(150, 4)
    found = batch_classifier_scores(p)
    expected = [classifier_score(p[:64]), classifier_score(p[64:128])]
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(
        batch_classifier_scores(p, batch_size=150), [classifier_score(p)]
    )
    assert batch_classifier_scores(p, batch_size=1).tolist() == [1.0] * 150


def test_few_samples_score_less():
    sure = np.eye(10)[RNG.integers(0, 10, 6400)]
    assert batch_classifier_scores(sure).mean() < classifier_score(sure) - 0.3


def test_wrong_arguments_raise():
    p = softmax(5, 3)
    with pytest.raises(ValueError, match="score expects `probabilities` to be"):
        classifier_score(p - 1 / 3)
    with pytest.raises(ValueError, match="add up to 1.*to 2.0"):
        classifier_score(2 * p)
    with pytest.raises(ValueError, match="`probabilities` of shape"):
        classifier_score(p[0])
    with pytest.raises(ValueError, match="hold 1 samples or more"):
        classifier_score(p[:0])
    with pytest.raises(ValueError, match="to be finite"):
        classifier_score(p * np.nan)
    with pytest.raises(ValueError, match="full batch.*5 samples, batch_size=6"):
        batch_classifier_scores(p, batch_size=6)
    with pytest.raises(ValueError, match="`batch_size` to be 1"):
        batch_classifier_scores(p, batch_size=0)
