"""A `tf.data` pipeline of simulated blocks."""

import itertools
import json
import numbers
import os
import pathlib

import keras
import numpy as np

from keras_bp import _checks
from keras_bp.optics._tensorflow import tf
from keras_bp.optics.simulate import check_blocks, simulate


def link_dataset(
    link,
    num_blocks,
    batch_size=100,
    *,
    cache=True,
    seed=0,
    symbols_per_block=256,
    modulation="gaussian",
    power=None,
    steps_per_span=20,
    rule="constant",
    verbose=0,
):
    """Batches of samples and symbols for `model.fit`.

    Args:
        link: `FiberLink`.
        num_blocks: Positive integer, blocks per epoch; what does not fill a
            batch is left out of the epoch.
        batch_size: Positive integer, at most `num_blocks`. Defaults to `100`.
        cache: Boolean or path. If true, the blocks are simulated once, now,
            and shuffled in each epoch. A path: the same, and kept in a `.npz`
            file there, which is read if it holds these very blocks. If false,
            each epoch simulates new ones while it runs. Defaults to `True`.
        seed: Integer, see `simulate`. Defaults to `0`.
        symbols_per_block: Positive integer. Defaults to `256`.
        modulation: String or integer, see `simulate`. Defaults to
            `"gaussian"`.
        power: Float, sequence or None, see `simulate`. Defaults to `None`.
        steps_per_span: Positive integer, see `simulate`. Defaults to `20`.
        rule: String, see `simulate`. Defaults to `"constant"`.
        verbose: Integer; 1 shows a progress bar with the time left while
            blocks are simulated for a cache. Defaults to `0`.

    Returns:
        `tf.data.Dataset` of pairs of float32 tensors, of shapes
        `(batch_size, samples, channels)` and `(batch_size, symbols,
        channels)`.

    Raises:
        TypeError: A count is no integer, or `link` no `FiberLink`.
        ValueError: A number is out of range, or the file at `cache` holds
            other blocks.

    Example:

    >>> from keras_bp.optics import FiberLink, link_dataset
    >>> data = link_dataset(FiberLink(num_spans=1), 8, batch_size=4)
    >>> len(data)
    2
    """
    owner = "link_dataset"
    _checks.check_integer("num_blocks", num_blocks, minimum=1, owner=owner)
    _checks.check_integer(
        "batch_size", batch_size, minimum=1, maximum=num_blocks, owner=owner
    )
    num_blocks, batch_size = int(num_blocks), int(batch_size)
    arguments = {
        "link": link,
        "symbols_per_block": symbols_per_block,
        "modulation": modulation,
        "power": power,
        "seed": seed,
        "steps_per_span": steps_per_span,
        "rule": rule,
    }
    # A `tf.data.Dataset` would tell of them late, and in its own words.
    check_blocks(owner, **arguments)
    arguments = {name: _plain(value) for name, value in arguments.items()}
    if cache is False:
        return _fresh(arguments, num_blocks // batch_size, batch_size)
    arguments["num_blocks"] = num_blocks
    if cache is True:
        blocks = simulate(**arguments, verbose=verbose)
    else:
        blocks = _kept(pathlib.Path(cache), arguments, verbose)
    data = tf.data.Dataset.from_tensor_slices(blocks)
    data = data.shuffle(num_blocks, seed=seed)
    return data.batch(batch_size, drop_remainder=True).prefetch(1)


def _plain(value):
    """An integer of NumPy as one of Python, which JSON holds."""
    return int(value) if isinstance(value, numbers.Integral) else value


def _fresh(arguments, batches, batch_size):
    """Each pass over it goes on where the last one ended."""
    counter = itertools.count()
    link = arguments["link"]
    symbols, channels = arguments["symbols_per_block"], 2 * link.polarizations

    def generate():
        for _ in range(batches):
            yield simulate(
                num_blocks=batch_size,
                first_block=next(counter) * batch_size,
                batch_size=batch_size,
                **arguments,
            )

    data = tf.data.Dataset.from_generator(
        generate,
        output_signature=tuple(
            tf.TensorSpec((batch_size, time, channels), tf.float32)
            for time in (symbols * link.samples_per_symbol, symbols)
        ),
    )
    data = data.apply(tf.data.experimental.assert_cardinality(batches))
    # The next batch is simulated while the model trains on this one.
    return data.prefetch(1)


def _kept(path, arguments, verbose):
    """Blocks from the file at `path`, simulated if it is not there."""
    key = json.dumps(
        {
            **arguments,
            "link": keras.saving.serialize_keras_object(arguments["link"]),
            "power": np.atleast_1d(arguments["power"]).tolist(),
        },
        sort_keys=True,
    )
    if path.exists():
        with np.load(path) as found:
            if "key" not in found or str(found["key"]) != key:
                raise ValueError(
                    "link_dataset expects `cache` to name a file of the very "
                    "blocks asked for, or none; delete it, or name another. "
                    f"Received: {path.name}, which holds others"
                )
            return found["samples"], found["symbols"]
    samples, symbols = simulate(**arguments, verbose=verbose)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Readers see a whole file or none.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.npz")
    try:
        np.savez(temporary, samples=samples, symbols=symbols, key=key)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return samples, symbols
