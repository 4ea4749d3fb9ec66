"""What `benchmarks.attribution` times: networks, and ways to make maps."""

import dataclasses
import functools
import os
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

from benchmarks import attribution_exact as exact
from benchmarks import attribution_rivals as rivals
from benchmarks import attribution_torch, results, timing
from keras_bp.visualization import Attributor

NETWORKS = {
    "VGG-16": keras.applications.VGG16,
    "ResNet-50": keras.applications.ResNet50,
}
OURS, PLAIN = "Attributor", "plain gradient"
_LIMIT = "<= 1.15"
_AHEAD = "<= 1.00"
# Of maps that are computed in another order, and gated by other signs where a
# sum is nearly zero.
_TOLERANCE = 1e-2


@dataclasses.dataclass(frozen=True)
class Case:
    """A network with random weights, and its inputs.

    Attributes:
        network: String, a key of `NETWORKS`.
        size: Integer, height and width of the images.
        batch: Integer.
        jit_compile: Boolean, whether XLA compiles what is timed.
        rules: Tuple of strings.
    """

    network: str
    size: int
    batch: int
    jit_compile: bool = False
    rules: tuple = exact.RULES

    def __str__(self):
        mode = "XLA" if self.jit_compile else "graph"
        return (
            f"{self.network}, {self.size} x {self.size}, batch {self.batch}, "
            f"{mode}"
        )

    def model(self):
        """The network, which returns logits."""
        keras.utils.set_random_seed(0)
        return NETWORKS[self.network](
            weights=None,
            input_shape=(self.size, self.size, 3),
            classifier_activation=None,
        )

    def data(self):
        """Images, and a class for each."""
        rng = np.random.default_rng(0)
        shape = (self.batch, self.size, self.size, 3)
        return rng.normal(size=shape).astype("float32"), np.arange(self.batch)


def plain(model, jit_compile):
    """The gradient as a user would write it: what a rule is held against.

    Args:
        model: `keras.Model`.
        jit_compile: Boolean, whether XLA compiles it.

    Returns:
        Function of images and targets that returns a function without
        arguments that returns maps.
    """

    @tf.function(jit_compile=jit_compile)
    def gradient(x, target):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            outputs = model(x, training=False)
            score = tf.gather(outputs, target, axis=1, batch_dims=1)
        return tape.gradient(score, x)

    def given(x, target):
        x, target = tf.constant(x), tf.constant(target)
        return lambda: gradient(x, target).numpy()

    return given


def ours(model, rule, jit_compile):
    """As `plain`, by an `Attributor`."""
    attributor = Attributor(model, rule, jit_compile=jit_compile)

    def given(x, target):
        return lambda: attributor(x, target, batch_size=len(x))

    return given


def makers(case, model, packages):
    """Functions as `plain` returns, by the title of a method and the rule.

    Args:
        case: `Case`.
        model: Its network.
        packages: List of names, of `attribution_rivals.installed`.

    Returns:
        Dictionary from a pair of strings to a function without arguments that
        returns one as `plain` does, or raises NotImplementedError.
    """
    compiled = case.jit_compile
    found = {(PLAIN, "saliency"): functools.partial(plain, model, compiled)}
    for rule in case.rules:
        found[OURS, rule] = functools.partial(ours, model, rule, compiled)
    if compiled:
        # None of the others compiles.
        return found
    module = None
    if "Captum" in packages:
        module = attribution_torch.twin(model)
        attribution_torch.check(model, module, case.data()[0])
    for package in packages:
        for rule in case.rules:
            found[rivals.title(package), rule] = functools.partial(
                rivals.maker, package, model, rule, module
            )
    return found


def timed_rows(case, rounds, packages):
    """Times of maps, against a plain gradient and other packages.

    Args:
        case: `Case`.
        rounds: Integer, how often each is timed.
        packages: List of names, of `attribution_rivals.installed`.

    Returns:
        List of `results.Row`.
    """
    model, (x, target) = case.model(), case.data()
    model(x, training=False)
    functions, first = {}, {}
    for key, make in makers(case, model, packages).items():
        begin = time.perf_counter()
        try:
            functions[key] = make()(x, target)
        except NotImplementedError as error:
            print(f"{error}; it has no row.")
            continue
        _check(case, key, functions[key](), functions)
        first[key] = time.perf_counter() - begin
    found = timing.compare(functions, rounds=rounds)
    rows = _limit_rows(case, found) + _rival_rows(case, found)
    return rows + _first_rows(case, first)


def threads():
    """How many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count()


def _check(case, key, maps, functions):
    """Raises unless maps are those that ours are."""
    method, rule = key
    if method == OURS and rule == "saliency":
        due = functions[PLAIN, rule]()
    elif method in (PLAIN, OURS):
        return
    else:
        due = functions[OURS, rule]()
    if method.startswith("Xplique") and rule == "saliency":
        due = np.abs(due)
    error = np.linalg.norm(maps - due) / np.linalg.norm(due)
    if not error <= _TOLERANCE:
        raise RuntimeError(
            f"Maps of {method}, {rule}, are off by {error:.1e}: {case}"
        )


def _milliseconds(case, seconds):
    """Of one image."""
    return 1e3 * statistics.median(seconds) / case.batch


def _time_row(case, key, found):
    method, rule = key
    name = method if method == PLAIN else f"{method}, {rule}"
    scale = 1e3 / case.batch
    return results.row(
        name,
        f"time per image, {case}",
        _milliseconds(case, found[key]),
        "ms",
        samples=[scale * seconds for seconds in found[key]],
    )


def _ratio_row(case, key, against, found, metric, aim):
    ratios = timing.ratios(found, key, against)
    told = PLAIN if against[0] == PLAIN else ", ".join(against)
    return results.row(
        f"{key[0]}, {key[1]}",
        f"{metric}, {case}",
        statistics.median(ratios),
        "times",
        samples=ratios,
        against=f"{told} ({_milliseconds(case, found[against]):.1f} ms)",
        aim=aim,
    )


def _limit_rows(case, found):
    """Each rule by a plain gradient."""
    limit, metric = (PLAIN, "saliency"), f"time by that of a {PLAIN}"
    return [
        _time_row(case, limit, found),
        *(
            _ratio_row(case, key, limit, found, metric, _LIMIT)
            for key in found
            if key[0] == OURS
        ),
    ]


def _rival_rows(case, found):
    """Times of other packages, and ours by theirs."""
    rows = []
    for key in found:
        method, rule = key
        if method in (PLAIN, OURS):
            continue
        rows.append(_time_row(case, key, found))
        metric = f"time by that of {method}"
        rows.append(_ratio_row(case, (OURS, rule), key, found, metric, _AHEAD))
    return rows


def _first_rows(case, first):
    """How long it takes to the first maps of images of a new shape."""
    return [
        results.row(
            f"{method}, {rule}" if method != PLAIN else method,
            f"first call, {case}",
            seconds,
            "s",
            against=None if method == PLAIN else PLAIN,
            against_value=(
                None if method == PLAIN else first[PLAIN, "saliency"]
            ),
        )
        for (method, rule), seconds in first.items()
        # The other rules are built in the same way.
        if rule == "guided" or method == PLAIN
    ]
