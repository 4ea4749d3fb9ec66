r"""The registry of gradient estimators of a stochastic node.

Two protocols. A *local* estimator is a backward rule of the sample: it needs
nothing but the gradient from above, and works under plain `fit`. A *cost*
estimator weighs the score :math:`\nabla \log p` with costs below the node,
some of them evaluated once more at another value of the node; it works under
`keras_bp.training.SurrogateModel`, which supplies them.
"""

import collections.abc
import dataclasses

from keras_bp import _checks

KINDS = ("local", "cost")
DISTRIBUTIONS = (
    "bernoulli",
    "callable",
    "categorical",
    "mvn_diag",
    "normal",
    "one_hot",
)

_REGISTRY = {}


@dataclasses.dataclass(frozen=True)
class NodeEstimator:
    """A rule, and for what it is defined.

    Attributes:
        name: String.
        kind: String, `"local"` or `"cost"`.
        distributions: Tuple of strings, see `node_distribution`; a function
            is `"callable"`.
        unbiased: Boolean, whether the expected estimate is the gradient for
            every cost.
        rule: Function. Local: from a distribution, noise and temperature to
            the sample. Cost: from a `NodeProblem` to a `NodeEstimate`.
        evaluations: Integer, how often it has costs below the node evaluated
            beside the first time.
        min_samples: Integer, how many samples of an example it compares.
        critic: String, what it trains beside the node: `""`, `"scale"` (the
            temperature and the weight of a control variate), `"network"` (a
            function of the sample), or `"both"`.
        baseline: Boolean, whether it takes a baseline.
        enumerates: Boolean, whether `rule` is a function from a distribution
            to its states instead, at which the costs are evaluated.
        refusal: Dictionary from a distribution to the reason why not.
    """

    name: str
    kind: str
    distributions: tuple
    unbiased: bool
    rule: collections.abc.Callable
    evaluations: int = 0
    min_samples: int = 1
    critic: str = ""
    baseline: bool = False
    enumerates: bool = False
    refusal: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class NodeProblem:
    """What a cost estimator may read, one row for each sample of an example.

    Attributes:
        distribution: That of the node; gradients flow to its parameters.
        noise: What the sample was made of.
        value: The sample, through which no gradient flows.
        cost: Tensor `(rows,)`, the costs below the node.
        evaluate: Function from a value of the node to the costs below it,
            `(rows,)`. The nodes below draw from the noise that they had;
            with a second argument, a function from a distribution and noise,
            they take what it returns.
        train: Function from a value, itself a sample of the distribution, to
            the costs below it, which will be trained by it too.
        others: Function from a tensor `(rows,)` to its mean over the other
            samples of the same example.
        draw: Function that draws noise anew.
        baseline: Tensor `(rows,)`, list of tensors with the shapes of the
            parameters, or None.
        temperature: Scalar.
        critic_weights: List of tensors, which `critic` and `control` read.
        critic: Function from a value, parameters and weights to `(rows,)`.
        control: Function from weights to the pair of temperature and weight
            of a control variate.
        bound: Function from the cost of each sample to the costs with which
            VIMCO weighs them, or None where costs are averaged.
    """

    distribution: object
    noise: object
    value: object
    cost: object
    evaluate: collections.abc.Callable
    train: collections.abc.Callable
    others: collections.abc.Callable
    draw: collections.abc.Callable
    baseline: object = None
    temperature: object = 1.0
    critic_weights: list = dataclasses.field(default_factory=list)
    critic: collections.abc.Callable | None = None
    control: collections.abc.Callable | None = None
    bound: object = None


@dataclasses.dataclass
class NodeEstimate:
    """A surrogate whose gradient is the estimate.

    Attributes:
        surrogate: Tensor `(rows,)`.
        critic_gradients: List of tensors, the gradient by which the weights
            of the critic are trained, or None.
        observed: Tensor `(rows,)`, what the baseline learns, or None for the
            costs below the node.
    """

    surrogate: object
    critic_gradients: list | None = None
    observed: object = None


def register_node_estimator(name, kind, distributions, unbiased, **facts):
    """Registers the rule of an estimator, for use by `StochasticNode`.

    Args:
        name: String, not yet taken.
        kind: String, `"local"` or `"cost"`.
        distributions: Tuple of strings, for which it is defined.
        unbiased: Boolean.
        **facts: Further attributes of `NodeEstimator`.

    Returns:
        A decorator for the rule.

    Raises:
        ValueError: `name` is taken by another rule, or a word is unknown.

    Example:

    >>> from keras_bp import ops
    >>> @ops.register_node_estimator("ignored", "local", ("bernoulli",), False)
    ... def ignored(distribution, noise, temperature):
    ...     return distribution.detached().sample(noise)
    >>> "ignored" in ops.node_estimators("bernoulli")
    True
    """
    owner = "register_node_estimator"
    _checks.check_one_of("kind", kind, KINDS, owner=owner)
    for distribution in distributions:
        _checks.check_one_of(
            "distributions", distribution, DISTRIBUTIONS, owner=owner
        )

    def register(rule):
        # The same function defined again, in a notebook, may replace itself.
        if name in _REGISTRY and _origin(_REGISTRY[name].rule) != _origin(rule):
            raise ValueError(
                f"{owner} expects a `name` that is not taken. "
                f"Received: name={name!r}"
            )
        _REGISTRY[name] = NodeEstimator(
            name, kind, tuple(distributions), unbiased, rule, **facts
        )
        return rule

    return register


def _origin(rule):
    return rule.__module__, rule.__qualname__


def node_estimators(distribution=None, kind=None):
    """Lists the names of the registered estimators, sorted.

    Args:
        distribution: String, only those defined for it, or None for all.
        kind: String, only those of this kind, or None for all.

    Raises:
        ValueError: `distribution` or `kind` is unknown.
    """
    owner = "node_estimators"
    if distribution is not None:
        _checks.check_one_of(
            "distribution", distribution, DISTRIBUTIONS, owner=owner
        )
    if kind is not None:
        _checks.check_one_of("kind", kind, KINDS, owner=owner)
    return tuple(
        sorted(
            name
            for name, found in _REGISTRY.items()
            if (distribution is None or distribution in found.distributions)
            and (kind is None or kind == found.kind)
        )
    )


def get_node_estimator(name, distribution, *, owner="get_node_estimator"):
    """Finds an estimator, and refuses it where it is not defined.

    Args:
        name: String, a registered name.
        distribution: String; a function is `"callable"`.
        owner: String, who asks, for the message of an error.

    Raises:
        ValueError: `name` is unknown, or the pair is not defined; the message
            says why.
    """
    _checks.check_one_of("estimator", name, node_estimators(), owner=owner)
    found = _REGISTRY[name]
    if distribution not in found.distributions:
        reason = found.refusal.get(distribution)
        raise ValueError(
            f"{owner} has no estimator {name!r} for a {distribution} "
            f"distribution{': ' + reason if reason else ''}. Defined are "
            f"{list(node_estimators(distribution))}. "
            f"Received: distribution={distribution!r}, estimator={name!r}"
        )
    return found
