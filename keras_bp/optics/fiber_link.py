"""The description of a fiber link."""

import dataclasses
import math

from keras_bp import _checks
from keras_bp._registration import serializable

_PLANCK = 6.62607015e-34  # J s
_LIGHT = 299_792_458.0  # m/s

# Unit, lowest and highest value of each quantity: so wide that every fiber
# fits, and so narrow that a value in another unit does not, where that can be
# told. Those below are 0, or of this magnitude at least.
_LEAST = {"attenuation": 1e-3, "beta_2": 1e-3, "gamma": 1e-2}
_MOST_LOSS = 300.0  # dB of a span; float32 holds the gain that undoes it.
_RANGES = {
    "symbol_rate": ("GBd", 0.1, 1000.0),
    "span_length": ("km", 0.001, 1000.0),
    "attenuation": ("dB/km", 0.0, 10.0),
    "beta_2": ("ps^2/km", -1000.0, 1000.0),
    "gamma": ("1/(W km)", 0.0, 100.0),
    "noise_figure": ("dB", 0.0, 20.0),
    "noise_scaling": ("1", 0.0, 100.0),
    "wavelength": ("nm", 800.0, 2500.0),
    "roll_off": ("1", 0.0, 1.0),
    "launch_power": ("dBm", -60.0, 40.0),
}


@serializable
@dataclasses.dataclass(frozen=True)
class FiberLink:
    r"""A link of equal spans of fiber, each followed by an amplifier.

    The field, of power in W, obeys (convention :math:`e^{+j\omega t}`)

    .. math::
        \partial_z u = -\tfrac{\alpha}{2} u - j\tfrac{\beta_2}{2}
        \partial_t^2 u + j \gamma |u|^2 u,

    and with two polarizations the Manakov equation, with
    :math:`\tfrac{8}{9}\gamma` and the sum of both powers. An erbium-doped
    amplifier makes up for the loss of each span, and adds noise.

    Args:
        symbol_rate: Float, GBd.
        num_spans: Positive integer.
        span_length: Float, km.
        attenuation: Float :math:`\alpha`, dB/km, positive for a loss.
        beta_2: Float, group-velocity dispersion in ps^2/km; negative for
            standard fiber at 1550 nm. D in ps/(nm km) is about as large and
            cannot be told from it.
        gamma: Float, nonlinearity in 1/(W km).
        noise_figure: Float, of the amplifiers, dB.
        noise_scaling: Float, factor on the power of their noise.
        wavelength: Float, nm.
        roll_off: Float, of the root-raised-cosine pulses.
        launch_power: Float, dBm per channel, all polarizations together. It
            sets the units of the samples, see `simulate`.
        polarizations: Integer, 1 or 2.
        samples_per_symbol: Integer of 1 or more, of the received signal.
        simulation_samples_per_symbol: Integer, of the field in the fiber,
            at least `samples_per_symbol`.
        receiver_bandwidth: Float, GHz, both sides of the carrier together, of
            the receiver's low-pass; None for its rate of samples.
        num_channels: Odd positive integer, channels of the same power beside
            each other, of which the center is received.
        channel_spacing: Float, GHz; None with one channel.

    Raises:
        TypeError: A count is no integer.
        ValueError: A quantity is out of range, which most wrong units and
            signs make it; a span loses more than 300 dB; or the pulse or the
            channels do not fit the band.

    Example:

    >>> from keras_bp.optics import FiberLink
    >>> link = FiberLink.isit()
    >>> round(link.effective_length, 3)  # km
    21.169
    >>> FiberLink(span_length=80e3)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: FiberLink expects `span_length` in km, from 0.001 to 1000...
    """

    symbol_rate: float = 10.7
    num_spans: int = 25
    span_length: float = 80.0
    attenuation: float = 0.2
    beta_2: float = -21.683
    gamma: float = 1.3
    noise_figure: float = 5.0
    noise_scaling: float = 1.0
    wavelength: float = 1550.0
    roll_off: float = 0.1
    launch_power: float = 0.0
    polarizations: int = 1
    samples_per_symbol: int = 2
    simulation_samples_per_symbol: int = 6
    receiver_bandwidth: float | None = None
    num_channels: int = 1
    channel_spacing: float | None = None

    def __post_init__(self):
        for name in _RANGES:
            self._check_range(name)
        check = {"owner": type(self).__name__}
        for name, low, high in (
            ("num_spans", 1, 10_000),
            ("polarizations", 1, 2),
            ("samples_per_symbol", 1, 64),
            ("simulation_samples_per_symbol", self.samples_per_symbol, 1024),
            ("num_channels", 1, 1001),
        ):
            value = getattr(self, name)
            _checks.check_integer(
                name, value, minimum=low, maximum=high, **check
            )
        if self.span_gain > _MOST_LOSS:
            raise ValueError(
                f"{type(self).__name__} expects `span_length` and "
                f"`attenuation` of a span to lose {_MOST_LOSS:g} dB at most. "
                f"Received: {self.span_gain:g} dB"
            )
        for name in ("receiver_bandwidth", "channel_spacing"):
            if getattr(self, name) is not None:
                _checks.check_number(name, getattr(self, name), **check)
        self._check_bands()

    def _check_range(self, name):
        unit, low, high = _RANGES[name]
        value = getattr(self, name)
        _checks.check_number(name, value, owner=type(self).__name__)
        least = _LEAST.get(name, 0.0)
        if 0 < abs(value) < least:
            raise ValueError(
                f"{type(self).__name__} expects `{name}` in {unit}, 0 or of "
                f"magnitude {least:g} at least. Received: {name}={value}"
            )
        if not low <= value <= high:
            raise ValueError(
                f"{type(self).__name__} expects `{name}` in {unit}, from "
                f"{low:g} to {high:g}. Received: {name}={value}"
            )

    def _check_bands(self):
        owner = type(self).__name__
        simulated = self.symbol_rate * self.simulation_samples_per_symbol
        for name in ("samples_per_symbol", "simulation_samples_per_symbol"):
            if getattr(self, name) < 1 + self.roll_off:
                raise ValueError(
                    f"{owner} expects `{name}` to hold the band of a pulse, "
                    f"1 + roll_off = {1 + self.roll_off:g} at least. "
                    f"Received: {name}={getattr(self, name)}"
                )
        width = self.receiver_bandwidth
        if width is not None and not 0 < width <= simulated:
            raise ValueError(
                f"{owner} expects `receiver_bandwidth` in GHz, above 0 and at "
                f"most the simulated band of {simulated:g}. "
                f"Received: receiver_bandwidth={width}"
            )
        if self.num_channels % 2 == 0:
            raise ValueError(
                f"{owner} expects an odd `num_channels`, with the received "
                f"one in the center. Received: {self.num_channels}"
            )
        spacing = self.channel_spacing
        if (self.num_channels > 1) != (spacing is not None):
            raise ValueError(
                f"{owner} expects `channel_spacing` in GHz exactly where "
                f"`num_channels` is above 1. Received: "
                f"num_channels={self.num_channels}, channel_spacing={spacing}"
            )
        if spacing is None:
            return
        channel = self.symbol_rate * (1 + self.roll_off)
        if not channel <= spacing <= simulated / self.num_channels:
            raise ValueError(
                f"{owner} expects `channel_spacing` in GHz, from the "
                f"{channel:g} of a channel to {simulated:g} (the simulated "
                f"band) / {self.num_channels}; raise "
                "`simulation_samples_per_symbol` for more. "
                f"Received: channel_spacing={spacing}"
            )

    @classmethod
    def isit(cls, **changes):
        """25 spans of 80 km at 10.7 GBd, with twice the amplifiers' noise.

        The set-up of Häger and Pfister, https://arxiv.org/abs/1804.02799.

        Args:
            **changes: Fields that differ.
        """
        return cls(**({"noise_scaling": 2.0} | changes))

    @classmethod
    def ecoc(cls, **changes):
        """32 spans of 100 km at 20 GBd.

        The set-up of Häger and Pfister, https://arxiv.org/abs/1710.06234.

        Args:
            **changes: Fields that differ.
        """
        there = {"symbol_rate": 20.0, "num_spans": 32, "span_length": 100.0}
        return cls(**(there | changes))

    @property
    def attenuation_per_km(self):
        """The loss of power in 1/km, natural units."""
        return self.attenuation * math.log(10) / 10

    @property
    def effective_length(self):
        """Length in km of a span without loss and of equal Kerr effect."""
        alpha = self.attenuation_per_km
        if alpha == 0:
            return self.span_length
        return -math.expm1(-alpha * self.span_length) / alpha

    @property
    def effective_gamma(self):
        """Nonlinearity in 1/(W km), 8/9 of it with two polarizations."""
        return self.gamma * (8 / 9 if self.polarizations == 2 else 1.0)

    @property
    def span_gain(self):
        """Gain of an amplifier in dB."""
        return self.attenuation * self.span_length

    @property
    def reference_power(self):
        """Launch power of one polarization in W; power 1 for an equalizer."""
        return 1e-3 * 10 ** (self.launch_power / 10) / self.polarizations

    @property
    def noise_density(self):
        """Noise of one amplifier and polarization in W/Hz."""
        gain = 10 ** (self.span_gain / 10)
        if gain <= 1:
            return 0.0
        factor = 10 ** (self.noise_figure / 10)
        spontaneous = factor / 2 / (1 - 1 / gain)
        photon = _PLANCK * _LIGHT / (self.wavelength * 1e-9)
        return (gain - 1) * photon * spontaneous * self.noise_scaling

    @property
    def noise_power(self):
        """Noise at the receiver in W, one polarization, a symbol rate wide."""
        return self.num_spans * self.noise_density * self.symbol_rate * 1e9

    def get_config(self):
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def check_link(link, owner):
    """Raises `TypeError` unless `link` is a `FiberLink`."""
    if not isinstance(link, FiberLink):
        raise TypeError(
            f"{owner} expects `link` to be a keras_bp.optics.FiberLink. "
            f"Received: link={link!r}"
        )
