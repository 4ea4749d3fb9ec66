"""Decoders that are there if none are given: by shape, of one layer."""

import math

import keras

_LAYERS = keras.layers


def default_decoder(upper, lower, block, seed):
    """A model from the neurons of a block to those that it reads.

    Between images, and between sequences, of which the upper one is not the
    larger: repeated to the size of the lower one, and convolved. Else dense.

    Args:
        upper, lower: Tuples, shapes without the axis of examples.
        block: `Block`.
        seed: Integer or None, of its weights.

    Returns:
        `keras.Sequential`, which computes in float32, or in float64 where
        its block does.
    """
    dtype = _wide_type(block)
    if _are_images(upper, lower) and _has_channels_last(block):
        made = _enlarge(upper, lower, seed, dtype)
    else:
        dense = _LAYERS.Dense(
            math.prod(lower),
            kernel_initializer=_initializer(seed),
            dtype=dtype,
        )
        made = [dense]
        if len(upper) > 1:
            made.insert(0, _LAYERS.Flatten(dtype=dtype))
        if len(lower) > 1:
            made.append(_LAYERS.Reshape(lower, dtype=dtype))
    return keras.Sequential([keras.Input(upper, dtype=dtype), *made])


def _initializer(seed):
    return keras.initializers.GlorotUniform(seed)


def _are_images(upper, lower):
    return 2 <= len(upper) == len(lower) <= 4 and all(
        a <= b for a, b in zip(upper[:-1], lower[:-1], strict=True)
    )


def _wide_type(block):
    types = [getattr(x.operation, "compute_dtype", "") for x in block.steps]
    return "float64" if "float64" in types else "float32"


def _has_channels_last(block):
    formats = [
        getattr(step.operation, "data_format", None) for step in block.steps
    ]
    return "channels_first" not in formats


def _enlarge(upper, lower, seed, dtype):
    rank = len(upper) - 1
    factors = [math.ceil(b / a) for a, b in zip(upper, lower, strict=True)]
    factors = factors[:rank]
    crops = [
        ((f * a - b) // 2, f * a - b - (f * a - b) // 2)
        for f, a, b in zip(factors, upper, lower, strict=False)
    ]
    if rank == 1:
        factors, crops = factors[0], crops[0]
    return [
        getattr(_LAYERS, f"UpSampling{rank}D")(factors, dtype=dtype),
        getattr(_LAYERS, f"Cropping{rank}D")(crops, dtype=dtype),
        getattr(_LAYERS, f"Conv{rank}D")(
            lower[-1],
            3,
            padding="same",
            kernel_initializer=_initializer(seed),
            dtype=dtype,
        ),
    ]
