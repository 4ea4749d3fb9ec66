"""What a stochastic node can draw from."""

from keras import ops

from keras_bp import _checks
from keras_bp.ops._node_distributions import NODE_DISTRIBUTIONS
from keras_bp.ops._tfp_distribution import TFPDistribution

_EVENT_NDIMS = {"one_hot": 1, "mvn_diag": 1}
_TWO_PARAMS = ("normal", "mvn_diag")


def node_distribution(kind, inputs, event_ndims=None):
    r"""Makes a distribution of the inputs of a stochastic node.

    `"bernoulli"`: bits, from logits. `"one_hot"`, `"categorical"`: one-hot
    vectors, or class numbers, from logits along the last axis. `"normal"`,
    `"mvn_diag"`: from a pair of mean and standard deviation, or from one
    tensor whose last axis holds the means and then numbers :math:`r` with the
    standard deviation :math:`\mathrm{softplus}(r)`; the last axis of
    `"mvn_diag"` is one event. A function makes a
    `tfp.distributions.Distribution` from the inputs.

    What it returns has the methods `noise(source)`, `sample(noise)`,
    `log_prob(value)`, `joint_log_prob(value)`, `score(value)`, `mean()`,
    `mode()` and, where they can be counted, `states()`. `source.uniform(shape)`
    draws numbers in [0, 1); `source.seed()` returns a seed of two integers.

    Args:
        kind: String, or function.
        inputs: Float tensor of float32 or float64, batch first, or a list.
        event_ndims: Integer, trailing axes of a sample that are one event, or
            None: 1 for `"one_hot"` and `"mvn_diag"`, else 0.

    Raises:
        ValueError: `kind` is unknown, the inputs are not what it takes, or
            a sample has fewer axes after the batch than `event_ndims`.

    Example:

    >>> import numpy as np
    >>> from keras import ops as tensors
    >>> from keras_bp import ops
    >>> bits = ops.node_distribution("bernoulli", tensors.zeros((1, 3)))
    >>> np.asarray(bits.joint_log_prob(tensors.ones((1, 3))))
    array([-2.0794415], dtype=float32)
    """
    many = isinstance(inputs, (list, tuple))
    if callable(kind):
        make = (lambda *params: kind(list(params))) if many else kind
        params = list(inputs) if many else [inputs]
        made = TFPDistribution(params, event_ndims or 0, make)
        _check_event(made.made.batch_shape.rank, made, "a function")
        return made
    _checks.check_one_of(
        "kind", kind, NODE_DISTRIBUTIONS, owner="node_distribution"
    )
    event_ndims = (
        _EVENT_NDIMS.get(kind, 0) if event_ndims is None else event_ndims
    )
    if kind in _TWO_PARAMS:
        params = list(inputs) if many else _halves(inputs, kind)
    else:
        params = list(inputs) if many else [inputs]
    expected = 2 if kind in _TWO_PARAMS else 1
    if len(params) != expected:
        raise ValueError(
            f"node_distribution({kind!r}) expects {expected} tensor"
            f"{'s' * (expected > 1)}. Received: {len(params)}"
        )
    owner = f"node_distribution({kind!r})"
    params = [_checks.as_tensor("inputs", x, owner=owner) for x in params]
    made = NODE_DISTRIBUTIONS[kind](params, event_ndims)
    rank = max(len(x.shape) for x in params) - (kind == "categorical")
    _check_event(rank, made, repr(kind))
    return made


def _check_event(rank, made, kind):
    """Raises where an event would take in the examples."""
    owner = f"node_distribution({kind})"
    most = None if rank is None else max(rank - 1, 0)
    _checks.check_integer(
        "event_ndims", made.event_ndims, minimum=0, maximum=most, owner=owner
    )


def _halves(x, kind):
    x = _checks.as_tensor("inputs", x, owner=f"node_distribution({kind!r})")
    size = x.shape[-1] if x.shape else None
    if size is None or size % 2:
        raise ValueError(
            f"node_distribution({kind!r}) expects a pair of tensors, or one "
            "with an even last axis of means and raw standard deviations. "
            f"Received: shape={tuple(x.shape)}"
        )
    loc, raw = ops.split(x, 2, axis=-1)
    return [loc, ops.softplus(raw)]
