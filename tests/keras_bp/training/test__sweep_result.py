"""What is read off the rows of a sweep of learning rates."""

import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_bp.training._sweep_result import LearningRateSweep


def made_up(curves, metric="accuracy"):
    """Rows from a dictionary from (method, seed, set) to rates and values."""
    return [
        {
            "method": method,
            "seed": seed,
            "set": name,
            "rate": rate,
            "validation": {metric: value, "loss": -value},
            "test": {metric: value / 2, "loss": -value / 2},
        }
        for (method, seed, name), curve in curves.items()
        for rate, value in curve.items()
    ]


def test_decades_are_those_of_a_broken_line():
    values = [0.5, 0.8, 0.9, 0.88, 0.5, 0.87, 0.87, 0.87, 0.87, np.nan]
    curve = {10.0 ** (k - 3): v for k, v in enumerate(values)}
    sweep = LearningRateSweep(made_up({("A", 0, None): curve}))
    # From 0.8 to 0.9 the line reaches 0.87 after 0.7; it leaves 0.88 for 0.5
    # at a share of 1/38. Four in a row, just good enough, are longer.
    assert abs(sweep.decades("A", 3.0) - (3 + 0.0 / 0.37)) < 1e-6
    assert abs(sweep.decades("A", 2.0) - (0.2 + 1)) < 1e-6
    assert abs(sweep.decades("A", 2.5) - (0.25 + 1 + 0.005 / 0.38)) < 1e-6
    assert sweep.decades("A", 0.0) < 1e-6
    assert sweep.decades("A", 3.0, best=1.0) == 0
    assert abs(sweep.decades("A", 0.0, best=0.5) - 8) < 1e-6
    assert abs(sweep.decades("A", 1.0, part="test") - (0.2 + 1)) < 1e-6
    # A value is good enough but for rounding.
    level = LearningRateSweep(made_up({("A", 0, None): {1.0: 0.3, 10.0: 0.3}}))
    assert level.decades("A", 0.0, best=0.1 + 0.2) == 1
    curve = {1.0: np.nan, 10.0: np.nan}
    with np.errstate(all="raise"):
        broken = LearningRateSweep(made_up({("A", 0, None): curve}))
        assert broken.decades("A") == 0
    # The loss is minus the accuracy here.
    lower = sweep.by("loss")
    assert lower.mode == "min"
    assert abs(lower.decades("A", 2.0, best=-0.9) - (0.2 + 1)) < 1e-6
    assert lower.best_rate("A") == sweep.best_rate("A") == 0.1


def test_a_sweep_says_what_it_holds():
    rows = [{"method": "A", "seed": 0, "rate": 1.0, "validation": {"loss": 2}}]
    said = repr(LearningRateSweep(rows))
    assert said == "LearningRateSweep(methods=['A'], metric='loss', 1 rows)"


def test_a_curve_is_the_mean_of_sets_and_the_range_of_seeds():
    curves = {
        ("A", 0, "one"): {1.0: 0.1, 0.1: 0.5},
        ("A", 0, "two"): {1.0: 0.3, 0.1: 0.7},
        ("A", 1, "one"): {1.0: 0.4, 0.1: np.nan},
        ("A", 1, "two"): {1.0: 0.6, 0.1: 0.7},
        ("B", 1, "two"): {1.0: 1.0},
    }
    sweep = LearningRateSweep(made_up(curves))
    assert sweep.methods == ["A", "B"]
    rates, mean, low, high = sweep.curve("A", "test")
    np.testing.assert_array_equal(rates, [0.1, 1.0])
    for found, expected in ((mean, 0.175), (low, 0.1), (high, 0.25)):
        np.testing.assert_allclose(found, [np.nan, expected])
    # A rate with NaN is not the best one.
    assert sweep.best_rate("A") == 1.0
    np.testing.assert_allclose(sweep.best("A"), 0.35)
    np.testing.assert_allclose(sweep.best("A", "test"), 0.175)


def test_a_plot_shows_the_curves_and_is_written(tmp_path, monkeypatch):
    curves = {("A", 0, None): {0.1: 0.5, 1.0: 0.7}, ("B", 0, None): {1.0: 0.6}}
    sweep = LearningRateSweep(made_up(curves))
    axes = Figure().subplots()
    assert sweep.plot(axes, "test") is axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.25, 0.35])
    told = [text.get_text() for text in axes.get_legend().get_texts()]
    assert told == ["A", "B"] and axes.get_xscale() == "log"
    assert axes.get_ylabel() == "accuracy (test)"
    assert axes.get_yscale() == "linear"
    axes = sweep.by("accuracy", "min").plot(tmp_path / "curves.png")
    assert axes.get_yscale() == "log"
    assert (tmp_path / "curves.png").read_bytes()[1:4] == b"PNG"
    assert sweep.by("loss").plot(Figure().subplots()).get_yscale() == "linear"
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="pip install.*examples"):
        sweep.plot(str(tmp_path / "curves.png"))


def test_questions_that_rows_do_not_answer_are_refused():
    rows = made_up({("A", 0, None): {0.1: 0.5}})
    with pytest.raises(ValueError, match="expects rows. Received: none"):
        LearningRateSweep([])
    with pytest.raises(ValueError, match="`metric`.*accuracy.*'nll'"):
        LearningRateSweep(rows, "nll")
    with pytest.raises(ValueError, match="`mode`.*'low'"):
        LearningRateSweep(rows, mode="low")
    sweep = LearningRateSweep(rows)
    with pytest.raises(ValueError, match="`method`.*'A'.*method='B'"):
        sweep.curve("B")
    with pytest.raises(ValueError, match="`part`.*part='train'"):
        sweep.best("A", "train")
    with pytest.raises(ValueError, match="decades expects `points`"):
        sweep.decades("A", -1)
    with pytest.raises(ValueError, match="decades expects `best`"):
        sweep.decades("A", best=np.nan)
