"""What a check found of one variable."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class CheckRow:
    """What was found of one variable.

    Attributes:
        name: String, the path of the variable.
        exact: Array, the gradient compared with.
        mean: Array, the mean of the estimates.
        error: Array, the standard error of `mean - exact`.
        variance: Array, the variance of one estimate.
        rounding: Float, a difference that passes for rounding.
    """

    name: str
    exact: np.ndarray
    mean: np.ndarray
    error: np.ndarray
    variance: np.ndarray
    rounding: float

    @property
    def bias(self):
        return self.mean - self.exact

    @property
    def z(self):
        """The bias in standard errors, of each element.

        NaN where a gradient is not finite.
        """
        error = np.hypot(self.error, self.rounding)
        # Where nothing differs there may be nothing to divide by.
        z = np.divide(
            self.bias, error, out=np.zeros_like(error), where=error > 0
        )
        finite = np.isfinite(self.bias) & np.isfinite(error)
        return np.where(finite, z, np.nan)

    @property
    def worst(self):
        """Index of the element whose z is largest in magnitude."""
        return np.unravel_index(np.argmax(np.abs(self.z)), self.z.shape)

    @property
    def worst_z(self):
        return float(np.max(np.abs(self.z))) if self.z.size else 0.0
