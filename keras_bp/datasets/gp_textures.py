"""Textures of several scales: sums of Gaussian processes, by FFT."""

import itertools
import math
import numbers

import numpy as np

_OWNER = "gp_textures"
# Beyond a sixth of its period, a periodic field follows its covariance no
# longer: half a period away it would be 0.02 instead of 0.01.
_LONGEST = 1 / 6
# What lies so many lengths apart is as good as independent.
_APART = 5


def gp_textures(
    num_images,
    size=256,
    lengths=((2.375, 2.5), (20.0, 35.0)),
    powers=(0.75, 1.25),
    seed=None,
    periodic=True,
):
    r"""Draws images that are sums of Gaussian processes of several scales.

    Each image holds blobs of one length of each scale; its class says which.
    A scale is a stationary Gaussian field with covariance
    :math:`\exp(-r^2 / 2 l^2)`, drawn by filtering white noise with the
    spectrum :math:`\propto \exp(-2 \pi^2 l^2 |k|^2)`, and standardized in each
    image to mean 0 and standard deviation 1. Fields of all images and scales
    are independent. An image is

    .. math:: S = \sum_i p_i S_i,

    with :math:`p_i` of `powers`. Classes take turns: the label of an image is
    its number modulo that of classes, :math:`\prod_i n_i` for :math:`n_i`
    lengths at scale :math:`i`. The first scale changes first:
    `np.unravel_index(labels, (n_0, n_1), order="F")` gives the index of the
    length at each of two scales.

    The defaults are those of the paper divided by 4; it has 100 images of
    `size=1024` with `lengths=((9.5, 10.0), (80.0, 140.0))`. The program of
    its authors puts fields of less than 50 pixels together from patches that
    fade towards their edges, by which their covariance becomes that of a
    length of 0.79 times the one they name; here lengths are as named.

    Args:
        num_images: Positive integer.
        size: Integer, at least 2, pixels of a side. Defaults to `256`.
        lengths: Sequence over scales of sequences of positive floats, the
            lengths :math:`l` that tell classes apart, in pixels. Defaults to
            `((2.375, 2.5), (20.0, 35.0))`.
        powers: Sequence of floats, one of each scale. Defaults to
            `(0.75, 1.25)`.
        seed: Non-negative integer, or None for another set each time. The
            first images of a set are those of a smaller one of the same seed:
            sets for training and testing have different seeds.
            Defaults to `None`.
        periodic: Boolean. If true, opposite edges of an image meet, and no
            length may exceed a sixth of `size`. If false, images are cut out
            of larger fields. Defaults to `True`.

    Returns:
        `images`: float32, `(num_images, size, size, 1)`. `labels`: int32,
        `(num_images,)`.

    Raises:
        TypeError: An integer is none.
        ValueError: A number is out of range, or `powers` are not as many as
            the scales.

    Example:

    >>> from keras_bp.datasets import gp_textures
    >>> images, labels = gp_textures(5, 32, ((1.0, 2.0), (4.0, 5.0)), seed=0)
    >>> images.shape, labels.tolist()
    ((5, 32, 32, 1), [0, 1, 2, 3, 0])

    Reference:
        Golkar and Cranmer, 2018, https://arxiv.org/abs/1806.01337; their data,
        https://doi.org/10.5281/zenodo.1252464.
    """
    _check_integer("num_images", num_images, 1)
    _check_integer("size", size, 2)
    if seed is None:
        seed = np.random.SeedSequence().entropy
    _check_integer("seed", seed, 0)
    lengths, powers = _checked(lengths, powers, size, periodic)
    # The last index of a product changes first.
    classes = [x[::-1] for x in itertools.product(*lengths[::-1])]
    filters = {x: _filter(x, size, periodic) for x in set(sum(lengths, ()))}
    images = np.empty((num_images, size, size, 1), "float32")
    labels = np.arange(num_images, dtype="int32") % len(classes)
    for number, label in enumerate(labels):
        rng = np.random.default_rng([seed, number])
        images[number, ..., 0] = sum(
            power * _standardized(_field(rng, filters[length], size))
            for power, length in zip(powers, classes[label], strict=True)
        )
    return images, labels


def _filter(length, size, periodic):
    """Gains of a side's frequencies; those of a field are their products.

    They are square roots of the transform of the covariance between pixels,
    which is exact also where a blob is as small as a pixel.
    """
    period = size
    if not periodic:
        # A multiple of 32, of which an FFT is fast.
        period = 32 * math.ceil((size + _APART * length) / 32)
    apart = np.arange(period) + period * np.arange(-2, 2)[:, None]
    covariance = np.exp(-(apart**2) / (2 * length**2)).sum(0)
    # Rounding may turn what should be nearly zero negative.
    return np.sqrt(np.maximum(np.fft.fft(covariance).real, 0))


def _field(rng, gains, size):
    """A stationary field of variance 1, `(size, size)`."""
    period = len(gains)
    noise = np.fft.rfft2(rng.standard_normal((period, period)))
    noise *= gains[:, None] * gains[: period // 2 + 1]
    return np.fft.irfft2(noise, (period, period))[:size, :size]


def _standardized(field):
    return (field - field.mean()) / field.std()


def _checked(lengths, powers, size, periodic):
    """The same as tuples of floats."""
    lengths = tuple(tuple(float(x) for x in scale) for scale in lengths)
    powers = tuple(float(x) for x in powers)
    if not lengths or not all(lengths) or len(powers) != len(lengths):
        _fail(
            "one or more lengths at each of one or more scales, and as many "
            "`powers` as scales",
            f"lengths={lengths}, powers={powers}",
        )
    if not np.isfinite(powers).all():
        _fail("finite `powers`", f"powers={powers}")
    flat = sum(lengths, ())
    if not all(0 < x <= size for x in flat):
        _fail(
            "`lengths` in pixels to be greater than 0, and at most `size`",
            f"lengths={lengths}, size={size}",
        )
    if periodic and max(flat) > _LONGEST * size:
        _fail(
            "`lengths` of at most a sixth of `size`, a period, so that fields "
            "have their covariance",
            f"lengths={lengths}, size={size}. Take smaller ones, or "
            "periodic=False",
        )
    return lengths, powers


def _check_integer(name, value, minimum):
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(
            f"{_OWNER} expects `{name}` to be an integer. "
            f"Received: {name}={value!r}"
        )
    if value < minimum:
        _fail(f"`{name}` to be {minimum} or greater", f"{name}={value}")


def _fail(expected, received):
    raise ValueError(f"{_OWNER} expects {expected}. Received: {received}")
