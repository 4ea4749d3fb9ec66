"""Speed and memory of the fiber link and of its equalizers.

Run it as `python -m benchmarks.optics`; `--only` takes a part, `propagation`,
`training` or `memory`. OptiCommPy and Sionna are timed in the same run where
they are installed (`make rivals` makes such a venv).
"""

from benchmarks import optics_cases
from benchmarks import parts as benchmark


def parts(rounds):
    """What is run: from a name to a function that returns a list of rows.

    Args:
        rounds: Integer, not used: each part has its own.

    Returns:
        Dictionary.
    """
    return {
        "propagation": optics_cases.propagation,
        "training": optics_cases.training,
        "memory": optics_cases.memory,
    }


if __name__ == "__main__":
    benchmark.main(parts, "Optics", "python -m benchmarks.optics")
