"""The graphs of Figs. 1 to 8 of the paper, with critics that are tables."""

import keras
import numpy as np
import pytest
from critic_toys import (
    exact_gradient,
    exact_values,
    expected_gradient,
    settled,
    trainer,
    with_tables,
    worst,
    z_scores,
)

from examples.backprop_q_parts.graphs import GRAPHS


@pytest.mark.parametrize("name", GRAPHS)
def test_expected_updates_reach_the_exact_values_and_gradients(name):
    model = settled(with_tables(name))
    assert worst(model) < 5e-5
    np.testing.assert_allclose(
        expected_gradient(model), exact_gradient(model), atol=5e-5
    )


def test_sampled_updates_have_the_exact_values_as_their_mean():
    model = with_tables("diamond", optimizer=keras.optimizers.SGD(0.2))
    # From no prediction to a stationary one.
    train = trainer(model, steps=60, rows=64)
    train()
    train()
    blocks = []
    for _ in range(40):
        # Long enough to forget, so that blocks are independent.
        train()
        blocks.append(
            {key: value for key, (value, _, _) in exact_values(model).items()}
        )
    for key, (_, exact, _) in exact_values(model).items():
        found = np.array([block[key] for block in blocks])
        assert np.abs(z_scores(found, exact)).max() < 4.5
    # They do move.
    assert found.std(axis=0).max() > 1e-3
