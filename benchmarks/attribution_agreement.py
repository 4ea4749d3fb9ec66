"""Which maps are right, by form of the network, rule and package.

Each map is held against one from the definition of the rule in NumPy. The
usual failure is silent: a package that does not find a rectifier returns the
plain gradient in place of the map that was asked for.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from benchmarks import attribution_exact as exact
from benchmarks import attribution_forms as forms
from benchmarks import attribution_rivals as rivals
from benchmarks import results
from keras_bp.visualization import Attributor

OURS = "Attributor"
_TOLERANCE = 1e-5
_LONGEST_REASON = 100
_PLAIN = "silently the plain gradient"
_REFUSED = "refused"


@dataclasses.dataclass(frozen=True)
class Found:
    """What a package returns.

    Attributes:
        verdict: String: `"right"`, `"silently the plain gradient"`,
            `"wrong"` or `"refused"`.
        error: Float, the largest difference from the exact maps by their
            largest entry, or None where there are none.
        reason: String, why it was refused, or empty.
    """

    verdict: str
    error: float | None = None
    reason: str = ""


def equality_rows():
    """Maps against Captum's, with pooling before and after a rectifier."""
    x, target = exact.images(), _target()
    rows = []
    for pool_first in (False, True):
        model = forms.network(pool_first)
        place = f"pooling {'before' if pool_first else 'after'} ReLU"
        reference = exact.Exact(pool_first=pool_first)
        for rule in exact.RULES:
            ours = Attributor(model, rule)(x, target)
            theirs = rivals.maker("Captum", model, rule)(x, target)()
            due = reference.maps(rule, x, target)
            for against, other in (
                (rivals.title("Captum"), theirs),
                ("NumPy, float64", due),
            ):
                rows.append(
                    results.row(
                        f"{OURS}, {rule}",
                        f"largest difference from {against}, {place}",
                        np.max(np.abs(ours - other)),
                        "",
                        against=f"maps of {np.max(np.abs(due)):.2f} at most",
                        aim="<= 1e-06",
                    )
                )
    return rows


def coverage_rows(packages):
    """How many of the forms each package is right for, and each form.

    Args:
        packages: List of names, of `attribution_rivals.installed`.

    Returns:
        List of `results.Row`.
    """
    known = forms.forms()
    totals, details = [], []
    for package in (OURS, *packages):
        name = package if package == OURS else rivals.title(package)
        others = {
            form: what
            for form, what in forms.beyond().items()
            if package != "Captum" or what.torch
        }
        for rule in exact.RULES:
            found = {
                form: judged(package, rule, what)
                for form, what in known.items()
            }
            totals.append(_total(name, rule, found))
            details += _details(name, rule, found, package, known)
            if rule == "saliency":
                continue
            found = {
                form: judged(package, rule, what)
                for form, what in others.items()
            }
            totals.append(_refusals(name, rule, found))
            details += _details(name, rule, found, package, others)
    return [*totals, *details]


def judged(package, rule, form):
    """Whether a package is right about a network: `Found`.

    Args:
        package: String, `"Attributor"` or a name of `attribution_rivals`.
        rule: String.
        form: `attribution_forms.Form`.
    """
    x, target = exact.images(), _target()
    model = form.keras()
    try:
        maps = _maps(package, model, rule, form, x, target)
    # Whatever it is, it is what is told of it.
    except Exception as error:
        message = " ".join(str(error).split())[:_LONGEST_REASON]
        return Found(_REFUSED, reason=f"{type(error).__name__}: {message}")
    due = exact.Exact(form.bound).maps(rule, x, target)
    plain = _gradient(model, x, target)
    if package == "Xplique" and rule == "saliency":
        due, plain = np.abs(due), np.abs(plain)
    error = _distance(maps, due)
    if error <= _TOLERANCE:
        return Found("right", error)
    silent = _distance(maps, plain) <= _TOLERANCE
    return Found(_PLAIN if silent else "wrong", error)


def _maps(package, model, rule, form, x, target):
    if package == OURS:
        return Attributor(model, rule)(x, target)
    module = None
    if package == "Captum":
        module = forms.torch_network(form)
    return rivals.maker(package, model, rule, module)(x, target)()


def _gradient(model, x, target):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = tf.gather(model(x, training=False), target, batch_dims=1)
    return tape.gradient(outputs, x).numpy()


def _target():
    return np.arange(len(exact.images())) % exact.CLASSES


def _distance(maps, due):
    return np.max(np.abs(maps - due)) / np.max(np.abs(due))


def _counted(found):
    """The verdicts that are not the expected one, with their numbers."""
    verdicts = [one.verdict for one in found.values()]
    return "; ".join(
        f"{verdicts.count(verdict)} {verdict}"
        for verdict in ("right", _PLAIN, "wrong", _REFUSED)
        if verdict in verdicts
    )


def _total(name, rule, found):
    return results.row(
        name,
        f"{rule}, forms that are right, of {len(found)}",
        sum(one.verdict == "right" for one in found.values()),
        "forms",
        against=_counted(found),
        aim=f"== {len(found)}" if name == OURS else None,
    )


def _refusals(name, rule, found):
    """Of forms that no rule is for: they should be refused."""
    return results.row(
        name,
        f"{rule}, refused where it cannot be right, of {len(found)}",
        sum(one.verdict == _REFUSED for one in found.values()),
        "forms",
        against=_counted(found),
        aim=f"== {len(found)}" if name == OURS else None,
    )


def _details(name, rule, found, package, known):
    rows = []
    for form, one in found.items():
        told = one.verdict
        if package == "Captum" and known[form].spelled:
            told = f"as {known[form].spelled}: {told}"
        if one.error is None:
            rows.append(
                results.row(
                    name,
                    f"{rule}, {form}",
                    0,
                    "maps",
                    against=f"{told}, {one.reason}",
                )
            )
            continue
        rows.append(
            results.row(
                name,
                f"{rule}, {form}",
                one.error,
                "of the largest",
                against=told,
            )
        )
    return rows
