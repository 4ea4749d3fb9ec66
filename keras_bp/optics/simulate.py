"""Symbols through a link: training data and test data."""

import functools

import keras
import numpy as np

from keras_bp import _checks
from keras_bp.optics._split_step_parts import check_steps
from keras_bp.optics._tensorflow import tf
from keras_bp.optics.constellation import draw_symbols, points_of
from keras_bp.optics.edfa import edfa
from keras_bp.optics.fiber_link import check_link
from keras_bp.optics.receiver import receiver
from keras_bp.optics.root_raised_cosine import root_raised_cosine
from keras_bp.optics.split_step import RULES, split_step

DTYPES = ("complex64", "complex128")
_LARGEST_COUNT = 2**31 - 1


def simulate(
    link,
    num_blocks,
    symbols_per_block=256,
    modulation="gaussian",
    power=None,
    seed=0,
    *,
    steps_per_span=20,
    rule="constant",
    first_block=0,
    batch_size=100,
    dtype="complex64",
    verbose=0,
):
    r"""Draws blocks of symbols and sends them through a link.

    Blocks are periodic in time. Samples and symbols are divided by the root
    of `link.reference_power`: a block sent at `link.launch_power` has mean
    power 1 in each polarization, one sent at twice that, 2.

    A block depends on the seed and its own number, not on the other blocks.

    Args:
        link: `FiberLink`.
        num_blocks: Positive integer.
        symbols_per_block: Positive integer. Defaults to `256`.
        modulation: String `"gaussian"` or integer, see `draw_symbols`.
            Defaults to `"gaussian"`.
        power: Float, launch power in dBm per channel; a sequence of them,
            from which each block draws one; or None for `link.launch_power`.
            Defaults to `None`.
        seed: Integer, zero or more. Defaults to `0`.
        steps_per_span: Positive integer, of the split-step method. Defaults
            to `20`.
        rule: String, `"constant"` or `"logarithmic"`, see `split_step`.
            Defaults to `"constant"`.
        first_block: Integer, zero or more, the number of the first block.
            Defaults to `0`.
        batch_size: Positive integer, blocks at a time. Defaults to `100`.
        dtype: String, `"complex64"` or `"complex128"`. Defaults to
            `"complex64"`.
        verbose: Integer; 1 shows a progress bar with the time left. Defaults
            to `0`.

    Returns:
        `samples`: float32, `(num_blocks, symbols_per_block *
        link.samples_per_symbol, 2 * link.polarizations)`, I and Q of each
        polarization of the center channel. `symbols`: float32, `(num_blocks,
        symbols_per_block, 2 * link.polarizations)`, those sent.

    Raises:
        TypeError: A count is no integer, or `link` no `FiberLink`.
        ValueError: A number or name is out of range.

    Example:

    >>> from keras_bp.optics import FiberLink, simulate
    >>> samples, symbols = simulate(FiberLink(num_spans=2), 3, seed=0)
    >>> samples.shape, symbols.shape
    ((3, 512, 2), (3, 256, 2))
    """
    owner = "simulate"
    check_blocks(
        owner,
        link=link,
        symbols_per_block=symbols_per_block,
        modulation=modulation,
        power=power,
        seed=seed,
        steps_per_span=steps_per_span,
        rule=rule,
    )
    _check_count("num_blocks", num_blocks, 1, owner)
    _check_count("first_block", first_block, 0, owner)
    _check_count("batch_size", batch_size, 1, owner)
    _checks.check_one_of("dtype", dtype, DTYPES, owner=owner)
    # The amplitude, in units of the root of the reference power.
    amplitudes = 10 ** ((_powers(link, power) - link.launch_power) / 20)
    draw = functools.partial(
        _draw_block, link, symbols_per_block, modulation, amplitudes, seed
    )
    # The last batch is filled up: another size would compile once more.
    batch_size = min(batch_size, num_blocks)
    bar = keras.utils.Progbar(num_blocks, verbose=verbose, unit_name="block")
    samples, symbols = [], []
    for start in range(0, num_blocks, batch_size):
        first = first_block + start
        numbers = range(first, first + batch_size)
        sent, seeds = map(np.stack, zip(*map(draw, numbers), strict=True))
        received = _compiled(link, steps_per_span, rule)(
            tf.constant(sent, dtype), tf.constant(seeds, "int32")
        )
        samples.append(_pairs(received.numpy()))
        symbols.append(_pairs(sent[:, link.num_channels // 2]))
        bar.update(min(start + batch_size, num_blocks))
    return tuple(
        np.concatenate(parts)[:num_blocks] for parts in (samples, symbols)
    )


def check_blocks(owner, **arguments):
    """Raises for what blocks cannot be.

    Args:
        owner: String, who asks, for the message.
        **arguments: Those of `simulate` that its blocks depend on, each but
            `num_blocks`, `first_block` and `dtype`.

    Raises:
        TypeError: A count is no integer, or `link` no `FiberLink`.
        ValueError: A number or name is out of range.
    """
    check_link(arguments["link"], owner)
    _check_count("symbols_per_block", arguments["symbols_per_block"], 1, owner)
    _checks.check_integer("seed", arguments["seed"], minimum=0, owner=owner)
    check_steps("steps_per_span", arguments["steps_per_span"], owner)
    _checks.check_one_of("rule", arguments["rule"], RULES, owner=owner)
    points_of(arguments["modulation"], owner=owner)
    powers = _powers(arguments["link"], arguments["power"])
    if not powers.size:
        raise ValueError(
            f"{owner} expects `power` of one number or more. Received: none"
        )
    for one in powers:
        _checks.check_number("power", one, owner=owner)
        if not -60 <= one <= 40:
            raise ValueError(
                f"{owner} expects `power` in dBm, from -60 to 40. "
                f"Received: power={one}"
            )


def _check_count(name, value, least, owner):
    _checks.check_integer(
        name, value, minimum=least, maximum=_LARGEST_COUNT, owner=owner
    )


def _powers(link, power):
    """The launch powers that a block draws from, in dBm."""
    return np.atleast_1d(link.launch_power if power is None else power)


def _draw_block(link, symbols_per_block, modulation, amplitudes, seed, number):
    """Symbols of all channels and the seed of the noise of one block."""
    rng = np.random.default_rng([seed, number])
    shape = (link.num_channels, link.polarizations, symbols_per_block)
    sent = draw_symbols(modulation, shape, rng) * rng.choice(amplitudes)
    return sent, rng.integers(2**31, size=2)


@functools.lru_cache(maxsize=16)
def _compiled(link, steps_per_span, rule):
    """The link as a function of symbols and seeds, compiled once."""
    return tf.function(
        functools.partial(
            _propagate, link=link, steps_per_span=steps_per_span, rule=rule
        ),
        jit_compile=True,
    )


def _propagate(symbols, seeds, link, steps_per_span, rule):
    """Samples of the center channel, in units of the reference power."""
    unit = link.reference_power**0.5
    u = modulated(symbols, link) * unit

    def span(index, u):
        u = split_step(u, link, steps_per_span, rule=rule)
        # Another seed for each amplifier.
        return index + 1, edfa(u, link, seeds + [[0, 1]] * index)

    _, u = tf.while_loop(
        lambda index, _: index < link.num_spans,
        span,
        (0, u),
        maximum_iterations=link.num_spans,
    )
    return receiver(u, link) / unit


def modulated(symbols, link):
    """The field at the transmitter: pulses of all channels.

    Args:
        symbols: Complex tensor of shape
            `(batch, channels, polarizations, symbols)`.
        link: `FiberLink`.

    Returns:
        Complex tensor of shape `(batch, polarizations, time)`, at
        `link.simulation_samples_per_symbol`, of the power of the symbols.
    """
    check_link(link, "modulated")
    symbols = tf.convert_to_tensor(symbols)
    expected = (link.num_channels, link.polarizations)
    if symbols.shape.rank != 4 or tuple(symbols.shape[1:3]) != expected:
        raise ValueError(
            "modulated expects `symbols` of shape (batch, channels, "
            f"polarizations, symbols), with {expected} in the middle. "
            f"Received: shape={tuple(symbols.shape)}"
        )
    rate = link.simulation_samples_per_symbol
    time = symbols.shape[-1] * rate
    pulse = root_raised_cosine(time, rate, link.roll_off)
    # Zeros between the symbols repeat their spectrum.
    spectrum = tf.tile(tf.signal.fft(symbols), (1, 1, 1, rate))
    spectrum = spectrum * tf.constant(pulse, symbols.dtype)
    total = 0
    for channel in range(link.num_channels):
        offset = channel - link.num_channels // 2
        shift = 0
        if offset:
            # To the nearest frequency of the block.
            width = link.symbol_rate * rate / time
            shift = round(offset * link.channel_spacing / width)
        total += tf.roll(spectrum[:, channel], shift, axis=-1)
    return tf.signal.ifft(total)


def _pairs(x):
    """`(batch, polarizations, time)` to I and Q as channels."""
    pairs = np.stack([x.real, x.imag], axis=-1).transpose(0, 2, 1, 3)
    return np.reshape(pairs, (*pairs.shape[:2], -1)).astype("float32")
