"""Networks with support neurons: one run, its rows, and their picture."""

import keras
import numpy as np

from examples import report
from examples.intervals import mean_row
from examples.local_parts.studies import network
from keras_bp.training import LagrangianModel

# Below the largest of these nothing is dropped in vain; above it nothing but
# the last layer learns.
EPSILONS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)
FRACTIONS = (0.0, 0.25, 0.5, 0.75, 0.9)
RANKINGS = ("support", "magnitude", "random")
_UNITS, _LARGE_UNITS = (64, 64), (300, 100)


def run(epsilon, seed, parts, epochs):
    """Trains one network and measures it.

    Args:
        epsilon: Float, or None for backpropagation.
        seed: Integer.
        parts: Dictionary of `data.images`.
        epochs: Integer.

    Returns:
        Dictionary of numbers: accuracies for `"validation"`, for `"test"`, and
        for `"supported"`, the network of support neurons; the shares of active
        `"pairs"` and of support `"neurons"`, which are left as `"kept"`; and
        `"curves"`, from a ranking to test accuracies.
    """
    keras.utils.set_random_seed(seed)
    (x, y), large = parts["train"], parts["name"] == "MNIST"
    units = _LARGE_UNITS if large else _UNITS
    plain = network(x.shape[1], 10, units, "relu")
    model = LagrangianModel(
        plain, constraint="abs", inequality="phr", epsilon=epsilon or 0.0
    )
    trained = plain if epsilon is None else model
    for one in {id(m): m for m in (trained, model)}.values():
        one.compile(
            keras.optimizers.Adam(1e-3),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile=False,
        )
    batch = 100 if large else 32
    trained.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)
    active = model.support(x[:2000], y[:2000])
    supported, kept = model.export_support_network(x[:2000], y[:2000])
    curve = model.support_curve(
        x[:2000], y[:2000], parts["test"], FRACTIONS, num_seeds=3
    )
    sizes = [len(layer["is_support"]) for layer in active.values()]
    return {
        "validation": accuracy(plain, parts["validation"]),
        "test": accuracy(plain, parts["test"]),
        "supported": accuracy(supported, parts["test"]),
        "pairs": _mean(active, "pairs", sizes),
        "neurons": _mean(active, "neurons", sizes),
        "kept": sum(v["kept"] for v in kept.values()) / sum(sizes),
        "curves": {by: curve.curve(by)[1].tolist() for by in RANKINGS},
    }


def accuracy(model, part):
    """Share of right predictions."""
    x, y = part
    scores = model.predict(x, batch_size=1000, verbose=0)
    return float(np.mean(scores.argmax(axis=1) == y))


def _mean(found, what, sizes):
    values = [float(layer[what]) for layer in found.values()]
    return float(np.average(values, weights=sizes))


def best(found):
    """The epsilon that is best on examples for validation."""
    means = {
        epsilon: np.mean([r["validation"] for r in known])
        for epsilon, known in found.items()
        if epsilon is not None
    }
    return max(means, key=means.get)


def rows(found):
    """Rows of results, with 95% intervals over seeds."""
    made = []
    for epsilon, known in found.items():
        for what, metric in (
            ("test", "accuracy, test"),
            ("pairs", "active pairs of examples and neurons"),
            ("neurons", "support neurons"),
            ("supported", "accuracy, test, of the support neurons alone"),
        ):
            shares = [r[what] for r in known]
            made.append(_row(_label(epsilon), metric, shares))
    chosen = best(found) if len(found) > 1 else None
    for epsilon in dict.fromkeys((chosen, None)):
        for by in RANKINGS:
            for place, fraction in enumerate(FRACTIONS[1:], 1):
                values = [r["curves"][by][place] for r in found[epsilon]]
                made.append(
                    _row(
                        f"{_label(epsilon)}, {by}",
                        f"accuracy, test, {fraction:.0%} dropped",
                        values,
                    )
                )
    return made


def _label(epsilon):
    return "backprop" if epsilon is None else f"epsilon {epsilon:g}"


def _row(label, metric, shares):
    return mean_row(label, metric, [100 * share for share in shares], "%")


def draw(found, path):
    """Draws what epsilon does, and what is lost with neurons."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    epsilons = [e for e in found if e is not None]
    for what, label in (
        ("test", "accuracy"),
        ("supported", "accuracy, support neurons alone"),
        ("neurons", "support neurons"),
        ("pairs", "active pairs"),
    ):
        means = [100 * np.mean([r[what] for r in found[e]]) for e in epsilons]
        left.plot(epsilons, means, "o-", ms=4, label=label)
    left.set(xscale="log", xlabel="epsilon", ylabel="%", ylim=(0, 103))
    chosen = best(found) if epsilons else None
    for style, epsilon in (("o-", chosen), ("s:", None)):
        for index, by in enumerate(RANKINGS):
            means = np.mean([r["curves"][by] for r in found[epsilon]], axis=0)
            right.plot(
                FRACTIONS,
                100 * means,
                style,
                ms=4,
                color=f"C{index}",
                label=f"{by}, {_label(epsilon)}",
            )
    right.set(xlabel="fraction of neurons dropped", ylabel="accuracy, test, %")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    path.write_bytes(report.png(figure, dpi=90))
    return path
