"""Values that no caller should give, and what may come of them."""

import contextlib
import dataclasses
import inspect
import math
import resource
import signal

import keras
import numpy as np

SECONDS = 20
BYTES = 4 * 2**30

# Whatever an argument is, these come in its place.
TYPES = [
    None,
    "",
    "nonsense",
    b"x",
    [],
    [[1.0], [2.0, 3.0]],
    {},
    {"a": 1},
    (1, 2),
    object(),
    int,
    1j,
    True,
    False,
]
NUMBERS = [
    0,
    -1,
    1,
    3,
    2**63,
    -(2**63),
    10**400,
    math.nan,
    math.inf,
    -math.inf,
    -0.0,
    0.5,
    1e-320,
    1e308,
    np.float32(0.5),
    np.int64(2),
]
ARRAYS = [
    np.zeros(0),
    np.zeros((2, 0, 3)),
    np.zeros(()),
    np.ones(3),
    np.ones((1, 2, 1, 2, 1), "float32"),
    np.full((2, 2), np.nan),
    np.array([1, 2]),
    np.array(["a", "b"]),
    np.array([None, object()], dtype=object),
    np.array([1j, 2.0]),
    np.array([True, False]),
]
OPTIONS = [*TYPES, *NUMBERS, *ARRAYS]


def _filled(array, value):
    array = np.array(array, copy=True)
    if array.size and array.dtype.kind in "fc":
        array.flat[0] = value
    return array


# What becomes of an array that is data.
CHANGES = [
    lambda x: x.astype("float16"),
    lambda x: x.astype("int8"),
    lambda x: x.astype("bool"),
    lambda x: x.astype("float64"),
    lambda x: x.astype("complex64"),
    lambda x: x.astype("uint8"),
    lambda x: x.astype(object),
    lambda x: x.astype(str),
    lambda x: x.tolist(),
    lambda x: x[None],
    lambda x: x[..., None],
    lambda x: x[:0],
    lambda x: x[..., :0],
    lambda x: x[..., :1],
    lambda x: x[:1],
    lambda x: np.concatenate([x, x], -1),
    lambda x: x.ravel(),
    lambda x: -x,
    lambda x: 0 * x,
    lambda x: _filled(x, np.nan),
    lambda x: _filled(x, np.inf),
    lambda x: _filled(x, -np.inf),
    lambda x: _filled(x, 1e-45),
    lambda x: _filled(x, 3e38),
    lambda x: x.astype("float64") * 1e300,
]


def changed(array):
    """The values that take the place of an array."""
    array = np.asarray(array)
    if not array.ndim:
        array = array[None]
    with np.errstate(all="ignore"):
        return [change(array) for change in CHANGES]


def all_finite(value):
    """Whether no number in it is infinite or no number."""
    return _no_number(value, lambda x: ~np.isfinite(x))


def no_nan(value):
    """Whether no number in it is NaN."""
    return _no_number(value, np.isnan)


def _no_number(value, bad, depth=0):
    if depth > 6 or value is None or isinstance(value, (str, bytes, type)):
        return True
    if isinstance(value, dict):
        value = list(value.values())
    elif dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        value = [getattr(value, field.name) for field in fields]
    if isinstance(value, (list, tuple)):
        return all(_no_number(part, bad, depth + 1) for part in value)
    if isinstance(value, int):
        return True
    if keras.ops.is_tensor(value):
        value = keras.ops.convert_to_numpy(value)
    if isinstance(value, (float, complex, np.generic, np.ndarray)):
        value = np.asarray(value)
        if value.dtype.kind not in "fc" and value.dtype.name != "bfloat16":
            return True
        if value.dtype.kind == "V" or value.dtype.name == "bfloat16":
            value = value.astype("float32")
        return not bad(value).any()
    return True


@contextlib.contextmanager
def limited():
    """Ends what takes too long, or too much memory."""

    def late(number, frame):
        raise TimeoutError(f"it took more than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def moderate(value):
    """Whether numbers are such that squares and sums of them are numbers."""
    try:
        value = np.asarray(value)
    except (TypeError, ValueError):
        return False
    if value.dtype.kind not in "biufc":
        return False
    with np.errstate(all="ignore"):
        return bool((abs(value.astype("complex128")) < 1e12).all())


def defaults_of(function):
    """Arguments that need not be given, with their defaults."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is not parameter.empty
    }
