"""Test vectors: integer signals that show where two targets differ."""

import numpy as np

from keras_bp import _checks
from tflite_export._signals import as_int64
from tflite_export.chain_spec import check_chain
from tflite_export.stream import Stream

KINDS = (
    "random",
    "full_scale",
    "largest",
    "smallest",
    "alternating",
    "impulse",
)


def draw(chain, kind="random", time=256, *, batch=1, seed=0):
    """Integers within the range of a chain's input.

    Args:
        chain: `ChainSpec`.
        kind: String. `"random"`: Gaussian around the middle of the range,
            with a standard deviation of an eighth of it, which is a quarter
            of full scale, as a signal is. `"full_scale"`: uniform over the
            range. `"largest"`, `"smallest"`: one end of the range
            throughout. `"alternating"`: both ends in turns, another phase
            for each channel. `"impulse"`: one sample at the upper end.
        time: Positive integer, samples. Defaults to `256`.
        batch: Positive integer. Defaults to `1`.
        seed: Integer. Defaults to `0`.

    Returns:
        NumPy array of int64 of shape `(batch, time, channels)`.

    Raises:
        TypeError: A count is no integer.
        ValueError: `kind` is unknown, or a count out of range.
    """
    owner = "vectors.draw"
    check_chain(chain, owner)
    _checks.check_one_of("kind", kind, KINDS, owner=owner)
    _checks.check_integer("time", time, minimum=1, owner=owner)
    _checks.check_integer("batch", batch, minimum=1, owner=owner)
    form, shape = chain.input_format, (batch, time, chain.channels)
    low, high = form.minimum_integer, form.maximum_integer
    _checks.check_integer("seed", seed, minimum=0, owner=owner)
    rng = np.random.default_rng(seed)
    if kind == "random":
        middle, spread = (low + high + 1) / 2, (high - low + 1) / 8
        value = np.rint(middle + spread * rng.normal(size=shape))
        return np.clip(value, low, high).astype("int64")
    if kind == "full_scale":
        return rng.integers(low, high + 1, shape)
    if kind == "impulse":
        value = np.zeros(shape, "int64")
        value[:, time // 3] = high
        return value
    if kind == "alternating":
        turn = np.arange(time)[:, None] + np.arange(chain.channels)
        return np.broadcast_to(np.where(turn % 2, low, high), shape).copy()
    return np.full(shape, high if kind == "largest" else low)


def target_files(chain, *, name, batch, time, seed=0):
    """The files of the target `"vectors"`, and what the manifest tells.

    The input holds `time` samples of every kind, one kind after the other;
    the output is what a `Stream` makes of them, its state carried over.

    Args:
        chain: `ChainSpec`.
        name: String, which does not count: one folder holds one filter.
        batch: Integer, which does not count either.
        time: Positive integer, samples of each kind.
        seed: Integer. Defaults to `0`.

    Returns:
        Dictionary from file names to bytes, `input.txt` and `output.txt`, one
        sample a line, its channels in decimal; dictionary for the manifest.
    """
    _checks.check_integer("seed", seed, minimum=0, owner="vectors")
    signal = np.concatenate(
        [draw(chain, kind, time, seed=seed) for kind in KINDS], axis=1
    )
    found = {"input": signal, "output": Stream(chain).process(signal)}
    files = {f"{each}.txt": as_text(value) for each, value in found.items()}
    return files, {"kinds": list(KINDS), "samples_of_each": time, "seed": seed}


def as_text(signal):
    """One sample a line, its channels in decimal.

    Args:
        signal: Integer array `(1, time, channels)`.

    Returns:
        Bytes.
    """
    signal = as_int64("signal", signal, owner="vectors.as_text")
    if signal.ndim != 3 or len(signal) != 1:
        raise ValueError(
            "vectors.as_text expects a signal of shape (1, time, channels). "
            f"Received: shape={signal.shape}"
        )
    lines = (" ".join(map(str, sample)) for sample in signal[0].tolist())
    return ("\n".join(lines) + "\n").encode()


def from_text(data):
    """The reverse of `as_text`.

    Args:
        data: Bytes.

    Returns:
        NumPy array of int64 of shape `(1, time, channels)`.
    """
    if not isinstance(data, bytes):
        raise TypeError(
            "vectors.from_text expects bytes, as `as_text` makes them. "
            f"Received: {type(data).__module__}.{type(data).__name__}"
        )
    lines = data.decode().splitlines()
    return np.array([list(map(int, line.split())) for line in lines], "int64")[
        None
    ]
