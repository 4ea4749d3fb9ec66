"""Jobs of a few microseconds, and worse ones, for tests of `fan_out`."""

import os
import time

_THREADS = "TF_NUM_INTRAOP_THREADS"


def square(number):
    return {"square": number**2, "process": os.getpid()}


def threads():
    return os.environ.get(_THREADS)


def unless_in(path, how):
    """Ends in some way, but not where there is a file."""
    if not os.path.exists(path):
        if how == "dies":
            os._exit(7)
        raise ValueError("out of range")
    return how


def function():
    return lambda: None


def wait():
    time.sleep(60)


def tiny_sweeps():
    """A sweep of the implicit study on separable points."""
    # Not for the other jobs, which start at once.
    import keras
    import numpy as np

    from examples.implicit_parts import networks, studies

    x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    parts = {"train": (x, y), "validation": (x, y), "test": (x, y)}
    return [
        studies.Sweep(
            "points",
            lambda: networks.mlp(3, 2, "relu", (4,)),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            {**parts, "name": "points"},
            3,
            20,
        )
    ]
