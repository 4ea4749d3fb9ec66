"""Tables of docs/scaling.md, from the rows of `benchmarks.scaling`."""

from benchmarks import scaling_model
from benchmarks.results import fail
from benchmarks.tables import digits, markdown

# Metrics of the rows of each method.
EXAMPLES = "examples of a step"
WHOLE = "step, one process"
HALF = "step, one process, half of the examples"
SPEED = "examples a second, two processes"
REDUCED = "all-reduced a step"
REDUCTIONS = "all-reduces a step"
GATHERS = "all-gathers a step"
SENT = "sent by a worker a step"

# Of all workers together.
STRONG_EXAMPLES = 8192


def tables(result):
    """What was measured, and what follows on paper, as Markdown."""
    found = _by_method(result.rows)
    parts = [
        f"Measured on {result.machine} (`{result.command}`):",
        _measured(found),
    ]
    steps = {name: _step(rows) for name, rows in found.items()}
    counts = {name: int(rows[EXAMPLES].value) for name, rows in found.items()}
    for network in scaling_model.NETWORKS:
        parts.append(f"On paper, {network.name}:")
        parts.append(
            scaling_model.table(steps, network, counts, STRONG_EXAMPLES)
        )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _by_method(rows):
    """Dictionary from a method to a dictionary from a metric to its row."""
    found = {}
    for row in rows:
        found.setdefault(row.name, {})[row.metric] = row
    return found


def _measured(found):
    return markdown(
        [
            {
                "Method": name,
                "Examples": digits(int(rows[EXAMPLES].value)),
                "One process, examples/s": digits(rows[SPEED].against_value),
                "Two": digits(rows[SPEED].value),
                "Ratio": digits(rows[SPEED].ratio),
                "All-reduced a step, KiB": digits(rows[REDUCED].value),
                "By the weights": digits(rows[REDUCED].ratio),
                "All-reduces": digits(int(rows[REDUCTIONS].value)),
                "All-gathers": digits(int(rows[GATHERS].value)),
                "Sent, KiB": digits(rows[SENT].value) if SENT in rows else "",
            }
            for name, rows in found.items()
        ]
    )


def _step(rows):
    """`scaling_model.Step` of one method."""
    examples, gathers = rows[EXAMPLES].value, int(rows[GATHERS].value)
    gathered = 0.0
    if gathers:
        if SENT not in rows:
            fail(f"`{rows[GATHERS].name}`", f"a row {SENT!r}", "none")
        # What one of two workers sends beyond its share of all-reduces.
        beyond = max(rows[SENT].value - rows[REDUCED].value, 0.0)
        gathered = beyond * 2**10 / (examples / 2)
    return scaling_model.Step.of_two(
        rows[WHOLE].value / 1e3,
        rows[HALF].value / 1e3,
        examples,
        num_bytes=rows[REDUCED].value * 2**10,
        reductions=int(rows[REDUCTIONS].value),
        gathered=gathered,
        gathers=gathers,
    )
