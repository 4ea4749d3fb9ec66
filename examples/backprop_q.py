"""Backprop-Q on the graphs of Figs. 1 to 8 of its paper.

Each graph is made of bits, so that the exact gradient is known: by going
through all states. One more has normal nodes, whose exact gradient is a closed
form, and which learn from the slope of their critics. Critics are trained on
samples, with the nodes as they are; then the gradient is estimated in each
mode, and by the score function. The paper has no experiments: what is compared
with is exact.

Run it as `python -m examples.backprop_q`, which takes about a minute;
`--graph=diamond` for one of them, `--picture` draws bias and variance, and
`--out` records the result.
"""

from examples import quiet  # isort: skip  # noqa: F401, before Keras

import dataclasses
import time

import keras
import numpy as np
from absl import app, flags

from benchmarks import environment, results, tables
from examples.backprop_q_parts import figures, measures
from examples.backprop_q_parts.graphs import GRAPHS, NORMAL
from keras_bp import stochastic

ALL = {**GRAPHS, **NORMAL}
# Those of which the critics have to be good, and the variance low.
_JUDGED = {("diamond", "all_action"), ("normal diamond", "reparameterized")}


def define_flags():
    """Defines the flags; returns their holders by name."""
    return {
        "graph": flags.DEFINE_enum(
            "graph", None, sorted(ALL), "One graph; default all."
        ),
        "steps": flags.DEFINE_integer(
            "steps", None, "Steps of the critics; default 1200.", lower_bound=1
        ),
        "seed": flags.DEFINE_integer("seed", 0, "Of all that is drawn."),
        "picture": flags.DEFINE_string(
            "picture", None, "File for the picture, PNG."
        ),
        "out": flags.DEFINE_string("out", None, "File for the result, JSON."),
    }


def rows_of(name, config, seed=0, show=print):
    """Runs one graph.

    Args:
        name: String, a key of `ALL`.
        config: `measures.Config`.
        seed: Integer.
        show: Function of a string.

    Returns:
        List of `results.Row`.
    """
    graph = ALL[name]
    model, seconds = measures.with_critics(graph, config, seed)
    exact = measures.exact_gradient(graph, model)
    report = stochastic.critic_error(model, measures.ONE)
    show(f"\n{name} ({graph.figure}): {_drawn(graph)}")
    show("exact gradient " + " ".join(f"{each:.5f}" for each in exact))
    show(
        f"critics trained in {seconds:.1f} s, relative error "
        f"{report.relative:.4f}"
    )
    score = measures.measured(measures.scored(graph), config)
    rows = [
        results.row(name, "relative error of the critics", report.relative, ""),
        results.row(name, "training of the critics", seconds, "s"),
        *_rows(name, "score", score, exact, score),
    ]
    modes = measures.NORMAL_MODES if graph.normal else measures.MODES
    for mode in modes:
        found = measures.measured(measures.in_mode(model, mode), config)
        rows += _rows(name, mode, found, exact, score)
    show(_table(rows))
    return rows


def _rows(name, mode, found, exact, score):
    bias, noise = found.bias(exact)
    unbiased = mode in ("score", "control_variate")
    judged = (name, mode) in _JUDGED
    reference = {}
    if mode != "score":
        reference = {
            "against": "the score function",
            "against_value": float(score.variance.mean()),
        }
    rows = [
        results.row(
            f"{name}, {mode}",
            "bias of the gradient",
            bias,
            "",
            samples=[max(0.0, bias - 2 * noise), bias + 2 * noise],
            aim="<= 0.05" if judged else None,
        ),
        results.row(
            f"{name}, {mode}",
            "variance of one estimate",
            float(found.variance.mean()),
            "",
            aim="<= 0.125" if judged else None,
            **reference,
        ),
        results.row(f"{name}, {mode}", "time of a batch", found.seconds, "s"),
    ]
    if unbiased:
        rows.append(
            results.row(
                f"{name}, {mode}",
                "largest |z| of the gradient",
                found.worst_z(exact),
                "",
                aim="<= 4.5",
            )
        )
    return rows


def _drawn(graph):
    """The graph in a line."""
    edges = [
        f"{parent}->{node}"
        for node, parents in graph.nodes.items()
        for parent in parents
    ]
    costs = [f"{cost}({', '.join(graph.seen(cost))})" for cost in graph.costs]
    return " ".join([*edges, *costs])


def _table(rows):
    return tables.text_table(rows)


def main(argv, holders):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    given = {name: holder.value for name, holder in holders.items()}
    config = measures.Config()
    if given["steps"]:
        config = dataclasses.replace(config, steps=given["steps"])
    begin, rows = time.perf_counter(), []
    for name in [given["graph"]] if given["graph"] else ALL:
        rows += rows_of(name, config, given["seed"])
        keras.backend.clear_session()
    missed = [row for row in rows if row.verdict == "miss"]
    print(f"\n{len(missed)} aims missed: {[row.name for row in missed]}")
    command = "python -m examples.backprop_q"
    for flag in ("graph", "steps", "seed"):
        if given[flag]:
            command += f" --{flag}={str(given[flag])!r}"
    result = environment.result(
        "Backprop-Q on the graphs of its paper",
        command,
        [given["seed"]],
        time.perf_counter() - begin,
        rows,
    )
    if given["picture"]:
        print(f"Picture: {figures.draw(rows, given['picture'])}")
    if given["out"]:
        results.write(result, given["out"])
    if not np.isfinite([row.value for row in rows]).all():
        raise ValueError("A gradient is not finite.")


if __name__ == "__main__":
    flag_holders = define_flags()
    app.run(lambda argv: main(argv, flag_holders))
