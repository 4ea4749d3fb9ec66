import dataclasses

import pytest
import tensorflow as tf

from benchmarks import results


@pytest.fixture
def good():
    """Returns a function that makes a valid result, with changes."""

    def make(**changes):
        """Returns the dictionary of a valid result, with some keys replaced."""
        rows = [
            results.row(
                "digits",
                "step time",
                1.05,
                "ms",
                samples=[1.0, 1.05, 1.1],
                against="Keras Dense",
                against_value=1.0,
                aim="<= 1.10",
            ),
            results.row("digits", "mismatches", 0, "", aim="== 0"),
        ]
        result = results.Result(
            name="Step time",
            command="python -m benchmarks.step_time",
            versions={"keras": "3.15.1"},
            machine="2 cores, x86_64, 24 GB",
            seeds=[0, 1],
            seconds=12.5,
            rows=rows,
        )
        return dataclasses.asdict(result) | changes

    return make


@pytest.fixture
def bad_row(good):
    """Returns a function that makes a result whose first row is changed."""

    def make(**changes):
        """Returns a result whose first row has some keys replaced."""
        obj = good()
        obj["rows"][0].update(changes)
        return obj

    return make


@pytest.fixture
def eager():
    """Lets functions run without a graph, which takes longest to make."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
