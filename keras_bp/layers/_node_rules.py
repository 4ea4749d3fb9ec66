"""Which estimator a stochastic node takes, and what it refuses."""

_NEED_A_PATH = ("reparameterized", "implicit_reparameterized", "lax")


def auto_estimator(node, reparameterized):
    """What the estimator "auto" is: its name and its baseline.

    Args:
        node: `StochasticNode`.
        reparameterized: Boolean, whether samples have a path.
    """
    if reparameterized or node.distribution in ("normal", "mvn_diag"):
        return "reparameterized", node.baseline
    if node.samples > 1 and node.baseline is None:
        return "rloo", None
    if node.distribution == "bernoulli" and node.baseline is None:
        return "disarm", None
    return "score", node.baseline or "moving_average"


def check_inference(node):
    """Refuses the mean of class numbers."""
    if node.inference == "mean" and node.distribution == "categorical":
        raise ValueError(
            f"{type(node).__name__} has no mean of class numbers; use the "
            "distribution 'one_hot'. Received: distribution='categorical', "
            "inference='mean'"
        )


def check_path(node, shapes):
    """Refuses a path estimator for samples that have no path."""
    if node.rule.name in _NEED_A_PATH and not shapes.reparameterized:
        raise ValueError(
            f"{type(node).__name__} has no estimator {node.rule.name!r} "
            "for this distribution: its samples are not reparameterized, "
            "so that their gradient is zero or None. Use 'score' or "
            f"'rloo'. Received: distribution={node.distribution!r}"
        )


def check_local(node):
    """Refuses to train a node without the costs that its estimator needs."""
    if node.is_local:
        return
    what = f"estimator {node.rule.name!r}"
    if node.rule.kind == "local":
        what = f"`samples`={node.samples}"
    raise ValueError(
        f"{type(node).__name__} {node.name!r} is trained with {what}, "
        "which needs the costs below the node. Make the model a "
        "keras_bp.training.SurrogateModel, with the node in its graph and not "
        "inside another layer, or use a local estimator and one sample. "
        "Received: a model that supplies no costs"
    )
