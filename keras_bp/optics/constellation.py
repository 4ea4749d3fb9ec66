"""Square constellations with Gray labels, and Gaussian symbols."""

import dataclasses
import functools

import numpy as np

from keras_bp import _checks

ORDERS = (4, 16, 64, 256)


@dataclasses.dataclass(frozen=True)
class Constellation:
    """Square quadrature amplitude modulation of mean power 1.

    Half of the bits of a symbol choose its I, in Gray code, the other half
    its Q, so that neighbors differ in one bit.

    Args:
        order: Integer, number of points: 4, 16, 64 or 256.

    Raises:
        TypeError: `order` is no integer.
        ValueError: It is another.

    Example:

    >>> from keras_bp.optics import Constellation
    >>> qpsk = Constellation(4)
    >>> (qpsk.points * 2**0.5).round(6).tolist()
    [(-1-1j), (-1+1j), (1-1j), (1+1j)]
    """

    order: int = 16

    def __post_init__(self):
        _checks.check_integer("order", self.order, owner="Constellation")
        object.__setattr__(self, "order", int(self.order))
        if self.order not in ORDERS:
            raise ValueError(
                f"Constellation expects `order` to be one of {ORDERS}. "
                f"Received: order={self.order!r}"
            )

    @property
    def bits_per_symbol(self):
        """Number of bits that a symbol carries."""
        return self.order.bit_length() - 1

    @functools.cached_property
    def points(self):
        """Complex128 array of shape `(order,)`."""
        side = self._side
        levels = (2.0 * np.arange(side) - (side - 1)) * self._unit
        return (levels[:, None] + 1j * levels).ravel()

    @functools.cached_property
    def labels(self):
        """Int64 array of shape `(order, bits_per_symbol)`, of 0 and 1."""
        side = np.arange(self._side)
        gray = side ^ (side >> 1)
        half = self.bits_per_symbol // 2
        places = np.arange(half - 1, -1, -1)
        axis = (gray[:, None] >> places) & 1
        i, q = np.divmod(np.arange(self.order), self._side)
        return np.concatenate([axis[i], axis[q]], axis=-1).astype("int64")

    def decide(self, received):
        """The nearest point to each sample.

        Args:
            received: Complex array of any shape, scaled to mean power 1.

        Returns:
            Int64 array of that shape, indices into `points`.

        Raises:
            TypeError: `received` does not hold numbers.
            ValueError: A sample is not finite.
        """
        owner = "Constellation.decide"
        received = _checks.as_complex("received", received, owner=owner)
        wrong = np.count_nonzero(~np.isfinite(received))
        if wrong:
            raise ValueError(
                f"{owner} expects finite samples. Received: {wrong} infinite "
                "or undefined ones"
            )
        axes = (
            np.clip(
                np.rint((part / self._unit + self._side - 1) / 2),
                0,
                self._side - 1,
            ).astype("int64")
            for part in (received.real, received.imag)
        )
        i, q = axes
        return i * self._side + q

    def bit_errors(self, decided, sent):
        """Number of bits in which the labels of two arrays of indices differ.

        Args:
            decided: Integer array, indices into `points`.
            sent: Integer array of that shape.

        Returns:
            Integer.
        """
        return int(np.sum(self.labels[decided] != self.labels[sent]))

    @property
    def _side(self):
        return round(self.order**0.5)

    @property
    def _unit(self):
        """Half of the distance between neighbors."""
        return np.sqrt(1.5 / (self.order - 1))


def draw_symbols(modulation, shape, rng):
    """Draws independent symbols of mean power 1.

    Args:
        modulation: String `"gaussian"`, circular complex Gaussian symbols, or
            integer, the order of a `Constellation`.
        shape: Tuple of integers.
        rng: `numpy.random.Generator`.

    Returns:
        Complex128 array of `shape`.

    Raises:
        TypeError: `rng` is no generator, or a size or order no integer.
        ValueError: `modulation` is unknown, or a size out of range.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            "draw_symbols expects `rng` to be a numpy.random.Generator. "
            f"Received: rng={rng!r}"
        )
    for size in shape:
        _checks.check_integer(
            "shape", size, minimum=0, maximum=2**31 - 1, owner="draw_symbols"
        )
    points = points_of(modulation, owner="draw_symbols")
    if points is None:
        return rng.normal(size=(*shape, 2)) @ np.array([1, 1j]) / np.sqrt(2)
    return rng.choice(points, size=shape)


def points_of(modulation, *, owner):
    """The points of a modulation, or None for Gaussian symbols.

    Args:
        modulation: See `draw_symbols`.
        owner: String, who asks, for the message.

    Raises:
        TypeError: An order is no integer.
        ValueError: `modulation` is unknown.
    """
    if isinstance(modulation, str):
        _checks.check_one_of(
            "modulation",
            modulation,
            ("gaussian", *map(str, ORDERS)),
            owner=owner,
        )
        if modulation == "gaussian":
            return None
        modulation = int(modulation)
    return Constellation(modulation).points
