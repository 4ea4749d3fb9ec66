"""Constraint functions and forces, against derivatives of what they cost."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bp.training._lagrangian_constraints import (
    CONSTRAINTS,
    INEQUALITIES,
    Constraint,
)

EPSILON, RHO, STEP = 0.3, 2.0, 1e-5
# Both sides of zero and of the tolerance, away from the kinks.
SIZES = np.array([-1.7, -0.8, -0.31, -0.29, -0.1, 0.1, 0.29, 0.31, 0.8, 1.7])
MULTIPLIERS = np.array([0.0, 0.05, 0.7, 3.0])
R, MULTIPLIER = (
    x.ravel() for x in np.meshgrid(SIZES, MULTIPLIERS, indexing="ij")
)
EVERY = [(name, None) for name in CONSTRAINTS] + [
    (name, "phr") for name in INEQUALITIES
]


def outside(r):
    return np.maximum(np.abs(r) - EPSILON, 0)


# G as the class documents it.
DOCUMENTED = {
    "lin": lambda r: r,
    "abs": np.abs,
    "eps": outside,
    "lineps": lambda r: np.sign(r) * outside(r),
    "squared": np.square,
    "cubic": lambda r: r**3,
}


def evaluated(rule, what, r=R, multiplier=MULTIPLIER):
    r, multiplier, rho, epsilon = (
        tf.constant(x, "float64") for x in (r, multiplier, RHO, EPSILON)
    )
    if what in ("value", "slope"):
        return np.asarray(getattr(rule, what)(r, epsilon))
    return np.asarray(getattr(rule, what)(r, multiplier, rho, epsilon))


def numeric(rule, what, by):
    """Central differences of a method by `"r"` or `"multiplier"`."""
    ends = []
    for shift in (STEP, -STEP):
        point = {"r": R, "multiplier": MULTIPLIER}
        point[by] = point[by] + shift
        ends.append(evaluated(rule, what, **point))
    return (ends[0] - ends[1]) / (2 * STEP)


def active(rule):
    """Where an inequality pulls, and multipliers may take a step down."""
    if rule.smoothed:
        return MULTIPLIER > 0
    if not rule.projected:
        return np.ones_like(R, bool)
    return MULTIPLIER + RHO * evaluated(rule, "value") > 0


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_constraint_is_the_function_of_its_name(name):
    found = evaluated(Constraint(name), "value")
    np.testing.assert_allclose(found, DOCUMENTED[name](R), rtol=1e-12)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_the_slope_is_the_derivative_of_the_constraint(name):
    rule = Constraint(name)
    np.testing.assert_allclose(
        evaluated(rule, "slope"), numeric(rule, "value", "r"), atol=1e-8
    )


@pytest.mark.parametrize("name", ["abs", "eps", "squared"])
def test_an_inequality_has_the_slope_of_its_violation_on_both_sides(name):
    rule = Constraint(name, "phr")
    np.testing.assert_allclose(
        evaluated(rule, "slope"), numeric(rule, "value", "r"), atol=1e-8
    )


@pytest.mark.parametrize(("name", "inequality"), EVERY)
def test_the_force_is_the_derivative_of_the_cost_by_the_residual(
    name, inequality
):
    rule = Constraint(name, inequality)
    np.testing.assert_allclose(
        evaluated(rule, "force"), numeric(rule, "cost", "r"), atol=1e-7
    )


@pytest.mark.parametrize(("name", "inequality"), EVERY)
def test_the_ascent_is_the_derivative_of_the_cost_by_the_multiplier(
    name, inequality
):
    rule = Constraint(name, inequality)
    where = active(rule)
    assert where.sum() >= 20
    np.testing.assert_allclose(
        evaluated(rule, "ascent")[where],
        numeric(rule, "cost", "multiplier")[where],
        atol=1e-7,
    )


@pytest.mark.parametrize("name", ["abs", "eps"])
def test_sizes_cost_the_envelope_of_their_multipliers(name):
    # By its definition, the least over a grid of places nearby.
    violation = DOCUMENTED[name](R)
    near = np.linspace(0, 2, 200_001)
    envelope = [
        (m * near + RHO / 2 * (v - near) ** 2).min()
        for v, m in zip(violation, MULTIPLIER, strict=True)
    ]
    np.testing.assert_allclose(
        evaluated(Constraint(name), "cost"),
        envelope + RHO / 2 * violation**2,
        atol=1e-9,
    )


@pytest.mark.parametrize("name", ["abs", "eps"])
def test_sizes_without_rho_pull_by_their_multipliers(name):
    rule = Constraint(name)
    r, m, zero = (tf.constant(x, "float64") for x in (R, MULTIPLIER, 0.0))
    epsilon = tf.constant(EPSILON, "float64")
    violation = DOCUMENTED[name](R)
    inside = (violation > 0) * np.sign(R)
    for what, wanted in (
        (rule.force, MULTIPLIER * inside),
        (rule.ascent, violation),
        (rule.cost, MULTIPLIER * violation),
    ):
        found = np.asarray(what(r, m, zero, epsilon))
        np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize("name", ["abs", "eps", "squared"])
def test_a_slack_inequality_lowers_its_multiplier_by_the_slack(name):
    # Not the derivative, -multiplier / rho: the projection ends at zero.
    rule = Constraint(name, "phr")
    slack = ~active(rule)
    assert slack.sum() >= 5
    found = evaluated(rule, "ascent")[slack]
    assert (found < 0).all()
    np.testing.assert_array_equal(found, evaluated(rule, "value")[slack])
    np.testing.assert_array_equal(evaluated(rule, "force")[slack], 0)


@pytest.mark.parametrize("name", ["lin", "lineps"])
def test_a_signed_inequality_is_the_difference_of_both_sides(name):
    rule = Constraint(name, "phr")
    upper = np.maximum(MULTIPLIER + RHO * (R - EPSILON), 0)
    lower = np.maximum(-MULTIPLIER + RHO * (-R - EPSILON), 0)
    np.testing.assert_allclose(
        evaluated(rule, "force"), upper - lower, atol=1e-12
    )


@pytest.mark.parametrize(("name", "inequality"), EVERY)
def test_a_constraint_that_holds_does_not_pull_without_a_multiplier(
    name, inequality
):
    rule = Constraint(name, inequality)
    zero = np.zeros(1)
    assert evaluated(rule, "force", zero, zero) == 0
    assert evaluated(rule, "cost", zero, zero) == 0


@pytest.mark.parametrize("name", ["abs", "eps", "lineps"])
def test_slopes_at_a_kink_are_zero(name):
    kink = 0.0 if name == "abs" else EPSILON
    found = evaluated(Constraint(name), "slope", np.array([kink, -kink]))
    np.testing.assert_array_equal(found, 0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize(("name", "inequality"), EVERY)
def test_forces_keep_the_type_of_the_residual(name, inequality, dtype):
    rule = Constraint(name, inequality)
    r, multiplier, rho, epsilon = (
        tf.constant(x, dtype) for x in ([0.5, -0.2], [0.1, 0.4], 2.0, 0.25)
    )
    for what in (rule.force, rule.ascent, rule.cost):
        assert what(r, multiplier, rho, epsilon).dtype == r.dtype
