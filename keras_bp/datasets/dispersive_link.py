"""A simulated fiber link with chromatic dispersion and noise alone."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class DispersiveLink:
    r"""Simulates QAM over a fiber that is linear and disperses.

    Blocks are periodic, so that the filters act by FFT without an edge: root
    raised cosine pulses, dispersion
    :math:`H(\omega) = \exp(+j \beta_2 \omega^2 L / 2)` (convention
    :math:`e^{+j\omega t}`), white noise. Nonlinearity and loss are left out.

    Args:
        order: Integer, points of the square constellation: 4, 16, 64 or 256.
        symbol_rate: Positive float, in GBd.
        distance: Float, length of the fiber in km.
        beta_2: Float, group-velocity dispersion in ps^2/km.
        roll_off: Float in (0, 1], of the pulses.
        snr_db: Float, signal-to-noise ratio per symbol after an ideal
            receiver, in dB.

    Raises:
        ValueError: A number is out of range.

    Example:

    >>> from keras_bp.datasets import DispersiveLink
    >>> samples, symbols = DispersiveLink().simulate(4, 256, seed=0)
    >>> samples.shape, symbols.shape
    ((4, 512, 2), (4, 256, 2))
    """

    order: int = 16
    symbol_rate: float = 32.0
    distance: float = 80.0
    beta_2: float = -21.683
    roll_off: float = 0.1
    snr_db: float = 22.0

    # Of the received signal. Attributes without annotation are no fields.
    samples_per_symbol = 2

    def __post_init__(self):
        checks = {
            "order": self.order in (4, 16, 64, 256),
            "symbol_rate": 0 < self.symbol_rate < np.inf,
            "distance": 0 <= self.distance < np.inf,
            "beta_2": np.isfinite(self.beta_2),
            "roll_off": 0 < self.roll_off <= 1,
            "snr_db": np.isfinite(self.snr_db),
        }
        for name, good in checks.items():
            if not good:
                raise ValueError(
                    f"DispersiveLink expects `{name}` in its range: order 4, "
                    "16, 64 or 256, symbol_rate > 0, distance >= 0, roll_off "
                    "in (0, 1], all finite. "
                    f"Received: {name}={getattr(self, name)}"
                )

    def constellation(self):
        """The points, complex, of mean power 1."""
        side = np.arange(round(np.sqrt(self.order)))
        levels = 2.0 * side - side[-1]
        points = (levels[:, None] + 1j * levels).ravel()
        return points / np.sqrt(np.mean(np.abs(points) ** 2))

    def simulate(self, num_blocks, symbols_per_block, seed):
        """Draws symbols and sends them through the link.

        Args:
            num_blocks: Integer.
            symbols_per_block: Integer.
            seed: Integer.

        Returns:
            `samples`: float32, `(num_blocks, 2 * symbols_per_block, 2)`, I
            and Q at two samples per symbol. `symbols`: float32,
            `(num_blocks, symbols_per_block, 2)`, those sent.
        """
        rng = np.random.default_rng(seed)
        points = self.constellation()
        shape = (num_blocks, symbols_per_block)
        symbols = rng.choice(points, size=shape)
        pulses = np.zeros((num_blocks, 2 * symbols_per_block), complex)
        pulses[:, :: self.samples_per_symbol] = symbols
        transfer = np.prod(self.responses(pulses.shape[1]), axis=0)
        received = np.fft.ifft(np.fft.fft(pulses) * transfer)
        noise = rng.normal(size=(*received.shape, 2)) @ [1, 1j]
        received += noise * np.sqrt(10 ** (-self.snr_db / 10) / 2)
        return _pairs(received), _pairs(symbols)

    def responses(self, num_samples):
        """Frequency responses of the pulse and of the fiber.

        Args:
            num_samples: Integer, length of the FFT.

        Returns:
            Two complex arrays of shape `(num_samples,)`: the root raised
            cosine, with taps of unit energy, and the dispersion.
        """
        # In symbol rates; the sampling rate is 2.
        f = np.fft.fftfreq(num_samples, 1 / self.samples_per_symbol)
        half = self.roll_off / 2
        ramp = np.clip((np.abs(f) - 0.5 + half) / (2 * half), 0, 1)
        pulse = np.cos(np.pi / 2 * ramp)
        pulse = pulse / np.sqrt(np.mean(pulse**2))
        # GBd is 1e-3 per ps.
        omega = 2 * np.pi * f * self.symbol_rate * 1e-3
        fiber = np.exp(0.5j * self.beta_2 * self.distance * omega**2)
        return pulse, fiber

    def ideal_receiver(self, samples):
        """Equalizes by the exact inverse and the matched filter, by FFT.

        Args:
            samples: Array `(num_blocks, num_samples, 2)`, as of `simulate`.

        Returns:
            Float32 array `(num_blocks, num_samples / 2, 2)`, the symbols.
        """
        received = np.asarray(samples, "float64") @ [1, 1j]
        transfer = np.prod(self.responses(received.shape[1]), axis=0)
        matched = np.fft.ifft(np.fft.fft(received) * np.conj(transfer))
        return _pairs(matched[:, :: self.samples_per_symbol])

    def symbol_errors(self, equalized, symbols):
        """Counts wrong decisions for the nearest point.

        Args:
            equalized: Array `(num_blocks, symbols_per_block, 2)`.
            symbols: Array of the same shape, those sent.

        Returns:
            Integer, the number of symbols decided wrongly.
        """
        points = self.constellation()
        decided, sent = (
            np.abs((np.asarray(x) @ [1, 1j])[..., None] - points).argmin(-1)
            for x in (equalized, symbols)
        )
        return int(np.sum(decided != sent))


def _pairs(x):
    return np.stack([x.real, x.imag], axis=-1).astype("float32")
