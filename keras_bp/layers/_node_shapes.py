"""The shapes of a stochastic node, without the batch."""

import dataclasses

import keras
from keras import ops

from keras_bp.ops.node_distribution import node_distribution


@dataclasses.dataclass(frozen=True)
class NodeShapes:
    """What is known of a node before it is called.

    Attributes:
        output: Tuple, shape of a sample without the batch.
        dtype: String, type of the output.
        params: List of tuples, shapes of the parameters with the batch.
        reparameterized: Boolean, whether samples have a path.
    """

    output: tuple
    dtype: str
    params: list
    reparameterized: bool


def node_shapes(node, input_shape):
    """Finds the shapes of a `StochasticNode` for inputs of these shapes."""
    many = isinstance(input_shape[0], (list, tuple))
    shapes = [tuple(x) for x in input_shape] if many else [tuple(input_shape)]
    if node.distribution_name == "callable":
        return _of_function(node, shapes, many)
    kind = node.distribution
    if any(len(shape) < 2 for shape in shapes) and kind != "bernoulli":
        _refuse_rank(node, shapes)
    output, params = shapes[0][1:], shapes
    if kind in ("normal", "mvn_diag"):
        if not many:
            if shapes[0][-1] is None or shapes[0][-1] % 2:
                _refuse_rank(node, shapes)
            half = (*shapes[0][:-1], shapes[0][-1] // 2)
            params = [half, half]
        output = _broadcast(params)[1:]
    elif kind == "categorical":
        output = shapes[0][1:-1]
    if (node.event_ndims or 0) > len(output):
        raise ValueError(
            f"{type(node).__name__}({kind!r}) expects `event_ndims` of at "
            f"most {len(output)}, the axes of a sample after the batch. "
            f"Received: event_ndims={node.event_ndims}"
        )
    dtype = "int32" if kind == "categorical" else node.compute_dtype
    return NodeShapes(output, dtype, params, kind in ("normal", "mvn_diag"))


def _of_function(node, shapes, many):
    # Called once on ones: a distribution tells its shape only when made.
    ones = [
        ops.ones([1 if size is None else size for size in shape], "float32")
        for shape in (
            (1, *(1 if size is None else size for size in shape[1:]))
            for shape in shapes
        )
    ]
    made = node_distribution(
        node.distribution, ones if many else ones[0], node.event_ndims
    )
    found = made.made
    sample = (*found.batch_shape, *found.event_shape)
    dtype = keras.backend.standardize_dtype(found.dtype)
    if dtype.startswith("float"):
        dtype = node.compute_dtype
    return NodeShapes(tuple(sample[1:]), dtype, shapes, made.reparameterized)


def _broadcast(shapes):
    """The shape of a sum of tensors; None where a size is not known."""
    found = []
    rank = max(len(shape) for shape in shapes)
    for sizes in zip(
        *[(1,) * (rank - len(x)) + x for x in shapes], strict=True
    ):
        known = [size for size in sizes if size not in (None, 1)]
        found.append(known[0] if known else None if None in sizes else 1)
    return tuple(found)


def _refuse_rank(node, shapes):
    raise ValueError(
        f"{type(node).__name__}({node.distribution!r}) expects an input of "
        "shape (batch, ..., classes), or (batch, ..., 2 * units) for one "
        f"input of means and deviations. Received: shapes={shapes}"
    )
