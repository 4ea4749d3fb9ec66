"""What a model makes of its stochastic graph."""

import dataclasses

from keras_bp.stochastic._table import names, text_table
from keras_bp.training._readable import check_readable
from keras_bp.training.stochastic_graph import StochasticGraph
from keras_bp.training.surrogate_model import SurrogateModel

_NOTES = """\
sample: "held" is a constant for what is below, whose costs reach the node by
its log-probability; "path" passes their gradient on by the estimator's rule;
"states" are constants, whose probabilities weigh the costs. The parameters of
a log-probability pass gradients to the nodes and variables above them.
scope: what a function that predicts the cost at the node has to know."""
_CRITIC_NOTES = """\
A critic sees constants, its own weights are constants to the node, and its
targets are constants to it. learns from: Q of a node next below or the cost
itself, each for this cost alone."""


@dataclasses.dataclass(frozen=True)
class NodeRow:
    """A node of a stochastic graph.

    Attributes:
        name: String.
        distribution: String; `"callable"` for a function.
        estimator: String.
        kind: String, `"cost"` or `"local"`.
        unbiased: Boolean, by the definition of the estimator.
        evaluations: Integer, how often the costs below are evaluated once
            more for a gradient.
        samples: Integer, samples of an example.
        axes: Tuple of names of nodes, each an axis of samples or of states
            that its rows have.
        above: Tuple of names of nodes that its parameters depend on.
        parents: Tuple of names, those of them that are next to it.
        costs: Tuple of names of the costs below it, its cost sources.
        scopes: Dictionary from each of them to a tuple of names: the nodes
            of `above`, and the node, from which the cost is reached through
            no other of them.
        sample: String. `"held"`: the sample is a constant for what is below.
            `"path"`: it passes a gradient. `"states"`: all states are gone
            through, weighted.
    """

    name: str
    distribution: str
    estimator: str
    kind: str
    unbiased: bool
    evaluations: int
    samples: int
    axes: tuple
    above: tuple
    parents: tuple
    costs: tuple
    scopes: dict
    sample: str

    @property
    def detached(self):
        """Whether no gradient flows through the sample."""
        return self.sample != "path"


@dataclasses.dataclass(frozen=True)
class CostRow:
    """A cost of a stochastic graph.

    Attributes:
        name: String.
        above: Tuple of names of nodes that it depends on.
        parents: Tuple of names, those of them that are next to it.
    """

    name: str
    above: tuple
    parents: tuple


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What `explain` found; `str()` shows it as tables.

    Attributes:
        rows: List with an entry for each node, in the order of the graph:
            `name`, `distribution`, `estimator`, `kind`, `unbiased`,
            `evaluations`, `samples`, `axes`, `above`, `parents`, `costs`,
            `scopes`, `sample` and `detached`.
        costs: List with an entry for each cost: `name`, `above`, `parents`.
        critics: List with an entry for each output of the critics of a
            `BackpropQModel`: `node`, `cost`, `mode`, `inputs`, `target`,
            `discount`.
    """

    rows: list
    costs: list
    critics: list = dataclasses.field(default_factory=list)

    @property
    def unbiased(self):
        """Whether all estimators are, by their definition."""
        return all(row.unbiased for row in self.rows)

    def __str__(self):
        if not self.rows:
            return "No stochastic nodes."
        header = ["node", "distribution", "estimator", "unbiased"]
        header += ["samples", "more runs", "sample"]
        nodes = text_table(header, [_cells(row) for row in self.rows])
        header = ["node", "nodes above", "cost below", "scope"]
        sources = [cells for row in self.rows for cells in _sources(row)]
        told = f"{nodes}\n\n{text_table(header, sources)}\n\n{_NOTES}"
        if not self.critics:
            return told
        header = ["critic of", "mode", "sees", "cost", "learns from", "times"]
        critics = text_table(header, [_head(row) for row in self.critics])
        return f"{told}\n\n{critics}\n\n{_CRITIC_NOTES}"


def explain(model):
    """Shows the nodes of a model, and how gradients reach them.

    For each `StochasticNode` its estimator, the nodes above it, the costs
    below it, with which alone it is weighed, its scope for each of them, and
    whether its sample is held constant for what is below. Costs are the
    `CostNode` layers of the model, and for a compiled `SurrogateModel` the
    losses given to `compile`. Of a `BackpropQModel` whose critics are built
    it shows what each of them sees and learns from. Nothing is run.

    Args:
        model: Built Sequential or functional model.

    Returns:
        `Explanation`.

    Raises:
        TypeError: The model is neither Sequential nor functional.
        ValueError: It is not built, or a node is where the graph cannot be
            read.

    Example:

    >>> import keras
    >>> from keras_bp import stochastic
    >>> from keras_bp.layers import CostNode, StochasticNode
    >>> logits = keras.Input((3,))
    >>> first = StochasticNode(estimator="score", name="first")(logits)
    >>> second = StochasticNode(estimator="gumbel", name="second")(first)
    >>> cost = CostNode(lambda bits: keras.ops.sum(bits, -1), name="cost")
    >>> model = keras.Model(logits, cost(second))
    >>> [(row.name, row.above, row.costs) for row in
    ...  stochastic.explain(model).rows]
    [('first', (), ('cost',)), ('second', ('first',), ('cost',))]

    Reference:
        Schulman et al., 2015, https://arxiv.org/abs/1506.05254, section 3.
    """
    if isinstance(model, SurrogateModel):
        graph, costs = model.stochastic_graph, model.cost_slots
    else:
        check_readable(model, "explain")
        graph = StochasticGraph(model)
        costs = {name: step.outputs for name, step in graph.costs.items()}
    return Explanation(
        [_node_row(graph, name, costs) for name in graph.nodes],
        [
            CostRow(name, graph.ancestors([slot]), graph.parents([slot]))
            for name, slot in costs.items()
        ],
        getattr(model, "critic_rows", list)(),
    )


def _node_row(graph, name, costs):
    step = graph.nodes[name]
    node = step.operation
    above = graph.above(name)
    below = tuple(
        cost for cost, slot in costs.items() if name in graph.ancestors([slot])
    )
    return NodeRow(
        name,
        node.distribution_name,
        node.rule.name,
        node.rule.kind,
        node.unbiased,
        node.rule.evaluations,
        node.samples,
        tuple(x for x in (*above, name) if _has_axis(graph, x)),
        above,
        graph.parents([step.args, step.kwargs]),
        below,
        {cost: graph.scope(name, [costs[cost]]) for cost in below},
        _sample(node.rule),
    )


def _has_axis(graph, name):
    node = graph.nodes[name].operation
    return node.samples > 1 or node.rule.enumerates


def _sample(rule):
    if rule.enumerates:
        return "states"
    return "path" if rule.kind == "local" else "held"


def _cells(row):
    unbiased = "yes" if row.unbiased else "no"
    samples = "all" if row.sample == "states" else str(row.samples)
    return [
        row.name,
        row.distribution,
        row.estimator,
        unbiased,
        samples,
        str(row.evaluations),
        row.sample,
    ]


def _head(row):
    """The line of one output in the third table."""
    seen = names(row.inputs)
    return [
        row.node,
        row.mode,
        seen,
        row.cost,
        row.target,
        f"{row.discount:.4g}",
    ]


def _sources(row):
    """The lines of a node in the second table."""
    first = [row.name, names(row.above)]
    if not row.costs:
        return [[*first, "-", "-"]]
    return [
        [*(first if i == 0 else ["", ""]), cost, names(row.scopes[cost])]
        for i, cost in enumerate(row.costs)
    ]
