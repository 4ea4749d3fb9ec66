"""Constraint functions, and the forces by which they hold."""

from keras import ops

CONSTRAINTS = ("lin", "abs", "eps", "lineps", "squared", "cubic")
# With an inequality `|r| <= epsilon`, these have one multiplier that is not
# negative, and those a signed one, the difference of those of both sides.
_ONE_SIDED = ("abs", "eps", "squared")
_TWO_SIDED = ("lin", "lineps")
INEQUALITIES = (*_ONE_SIDED, *_TWO_SIDED)


class Constraint:
    """What a residual costs.

    Args:
        name: String, of `CONSTRAINTS`.
        inequality: `"phr"` or None.
    """

    def __init__(self, name, inequality=None):
        self.name = name
        self.signed = inequality is not None and name in _TWO_SIDED
        # Whether multipliers are kept from being negative.
        self.projected = inequality is not None and name in _ONE_SIDED
        # Multipliers of a size only grow, and their pull jumps where the size
        # is zero: descent would chatter there ever wider.
        self.smoothed = inequality is None and name in ("abs", "eps")

    def value(self, r, epsilon):
        """G(r); of an inequality how far it is violated, or slack if < 0."""
        size = ops.abs(r)
        if self.projected and self.name == "squared":
            return ops.square(r) - ops.square(epsilon)
        if self.projected:
            return size - epsilon
        if self.name in ("lineps", "eps") or self.signed:
            outside = ops.relu(size - epsilon)
            return outside if self.name == "eps" else ops.sign(r) * outside
        if self.name == "lin":
            return r
        if self.name == "abs":
            return size
        return ops.square(r) * (1.0 if self.name == "squared" else r)

    def slope(self, r, epsilon):
        """G'(r), zero at the kinks."""
        if self.name == "lin":
            return ops.ones_like(r)
        if self.name == "squared":
            return 2.0 * r
        if self.name == "cubic":
            return 3.0 * ops.square(r)
        if self.name == "abs" or self.projected:
            return ops.sign(r)
        outside = ops.cast(ops.abs(r) > epsilon, r.dtype)
        return outside if self.name == "lineps" else outside * ops.sign(r)

    def force(self, r, multiplier, rho, epsilon):
        """The derivative m of a residual's terms in the Lagrangian."""
        if self.signed:
            # Of both sides together: the proximal map of `rho * epsilon * |m|`.
            pull = multiplier + rho * r
            return ops.sign(pull) * ops.relu(ops.abs(pull) - rho * epsilon)
        if self.smoothed:
            value = self.value(r, epsilon)
            # The derivative of the Moreau envelope of the multiplier's term,
            # as steep as the penalty beside it.
            steep = ops.where(rho > 0, rho * value, multiplier)
            pull = ops.minimum(steep, multiplier) + rho * value
            return pull * self.slope(r, epsilon)
        pull = multiplier + rho * self.value(r, epsilon)
        if self.projected:
            pull = ops.relu(pull)
        if self.name == "lin":
            return pull
        return pull * self.slope(r, epsilon)

    def ascent(self, r, multiplier, rho, epsilon):
        """The derivative of the Lagrangian by the multiplier."""
        if self.signed:
            return (self.force(r, multiplier, rho, epsilon) - multiplier) / rho
        value = self.value(r, epsilon)
        if self.smoothed:
            return ops.relu(value - _below(multiplier, rho))
        return value

    def cost(self, r, multiplier, rho, epsilon):
        """The terms of residuals in the augmented Lagrangian."""
        if self.signed or self.projected:
            pull = (
                self.force(r, multiplier, rho, epsilon)
                if self.signed
                else ops.relu(multiplier + rho * self.value(r, epsilon))
            )
            return (ops.square(pull) - ops.square(multiplier)) / (2.0 * rho)
        value = self.value(r, epsilon)
        penalty = 0.5 * rho * ops.square(value)
        if self.smoothed:
            inside = ops.minimum(value, _below(multiplier, rho))
            return (
                0.5 * rho * ops.square(inside)
                + multiplier * (value - inside)
                + penalty
            )
        return multiplier * value + penalty


def _below(multiplier, rho):
    """The violation below which an envelope is quadratic."""
    return ops.where(rho > 0, multiplier / ops.where(rho > 0, rho, 1), 0)
