"""What the surrogate of a batch is made of."""

import dataclasses

from keras_bp.training._pass import Pass


@dataclasses.dataclass(frozen=True)
class Surrogate:
    """What `SurrogateModel.surrogate` returns.

    Attributes:
        surrogate: Scalar, whose gradient estimates that of the expected cost.
        loss: Scalar, the cost itself.
        costs: Dictionary from the name of a cost to its mean.
        nodes: Dictionary from the name of a node to its part of `surrogate`.
        run: The pass through the graph.
        cost_rows: Dictionary from the name of a cost to a pair, the cost of
            each row `(rows,)` and a tuple of names, the axes of the rows.
    """

    surrogate: object
    loss: object
    costs: dict
    nodes: dict
    run: Pass
    cost_rows: dict
