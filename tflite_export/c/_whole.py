"""Whole signals through a filter of streams."""

import numpy as np

from tflite_export._signals import as_int64
from tflite_export.chain_spec import check_chain
from tflite_export.fir_spec import FIRSpec


def extend_signal(chain, signal):
    """Extends a signal so that a stream makes of it what `ChainSpec.run` does.

    A stream has zeros before its first sample. A circular filter, or a Kerr
    rotation with a filter on the power, is fed the signal as if it were
    periodic; others are fed zeros. Each lags behind, so that the first
    outputs are dropped.

    Args:
        chain: `tflite_export.ChainSpec`.
        signal: Integer array `(batch, time, channels)`.

    Returns:
        NumPy array of int64 of shape `(batch, longer_time, channels)`, the
        signal to feed, and the `slice` of the outputs that count.

    Raises:
        TypeError: `signal` does not hold integers.
        ValueError: Filters of the chain extend the signal in different ways,
            or zeros would have to follow one of several filters; or the
            length of a periodic signal is no multiple of the strides.

    Example:

    >>> import numpy as np
    >>> from keras_bp.ops import FixedPoint
    >>> from tflite_export import ChainSpec, FIRSpec, Stream, c
    >>> form = FixedPoint(8, 0)
    >>> taps = np.array([1, 2, 1]).reshape(3, 1, 1)
    >>> chain = ChainSpec([FIRSpec(taps, FixedPoint(4, 0), form, form,
    ...     "circular", complex=False)], channels=1)
    >>> signal = np.array([[[1], [2], [3]]])
    >>> longer, kept = c.extend_signal(chain, signal)
    >>> Stream(chain).process(longer)[:, kept].ravel().tolist()
    [7, 8, 9]
    >>> chain.run(signal).ravel().tolist()
    [7, 8, 9]
    """
    owner = "c.extend_signal"
    signal = as_int64("signal", signal, owner=owner)
    check_chain(chain, owner)
    if signal.ndim != 3:
        raise ValueError(
            f"{owner} expects a signal of shape (batch, time, channels). "
            f"Received: shape={signal.shape}"
        )
    padding = _padding_of(chain, owner)
    time, strides = signal.shape[1], chain.strides
    if padding == "circular" and time % strides:
        raise ValueError(
            f"{owner} expects periodic signals of a multiple of {strides} "
            f"samples, the strides of the chain. Received: time={time}"
        )
    lag = chain.delay
    # Outputs ahead of the first one that counts: enough for the memory, and
    # as many as put that one where the strides of a stream have one.
    ahead = -(-chain.memory // strides)
    count = _output_time(chain, time)
    positions = np.arange(
        lag - ahead * strides, lag + max(0, count - 1) * strides + 1
    )
    if padding == "circular":
        return signal[:, positions % time], slice(ahead, ahead + count)
    inside = (positions >= 0) & (positions < time)
    longer = np.zeros((len(signal), len(positions), signal.shape[2]), "int64")
    longer[:, inside] = signal[:, positions[inside]]
    return longer, slice(ahead, ahead + count)


def _padding_of(chain, owner):
    """The one way in which all filters of a chain extend a signal."""
    found = [
        getattr(stage, "padding", "circular")
        for stage in chain.stages
        if stage.memory
    ]
    if len(set(found)) > 1 or found.count("same") > 1:
        raise ValueError(
            f"{owner} expects all filters of a chain to be circular, causal "
            "or valid, or one of them 'same': the result of others depends "
            f"on zeros between them. Received: {', '.join(found)}"
        )
    return found[0] if found else "causal"


def _output_time(chain, time):
    for stage in chain.stages:
        if isinstance(stage, FIRSpec):
            time = stage.output_time(time)
    return time
