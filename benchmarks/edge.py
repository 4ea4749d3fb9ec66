"""Speed and size of exported filters against those of other packages.

Run it as `python -m benchmarks.edge`; `--only` takes a part, `speed`, `builds`
or `size`. It needs gcc; clang, a Cortex-M4 in QEMU and CMSIS-DSP are met where
they are installed (`make hardware`).
"""

import functools

from benchmarks import edge_cases
from benchmarks import parts as benchmark


def parts(rounds):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, how often each is timed.

    Returns:
        Dictionary.
    """
    return {
        name: functools.partial(getattr(edge_cases, name), rounds)
        for name in ("speed", "builds", "size")
    }


if __name__ == "__main__":
    benchmark.main(parts, "Edge", "python -m benchmarks.edge")
